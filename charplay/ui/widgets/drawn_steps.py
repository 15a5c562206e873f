"""Which letters of a name are drawn. Imports neither plotly nor gradio: it is asked before the page is built."""

MAX_STEPS = 12  # rows drawn; of a longer name the first and the last letters, with a row between them for the rest
FIRST_STEPS = 4  # letters drawn before that row


def drawn_steps(count: int) -> list[int]:
    """The letters of a name of `count` that are drawn, by their indices: all, or the first and the last ones."""
    if count <= MAX_STEPS:
        return list(range(count))
    return [*range(FIRST_STEPS), *range(count - (MAX_STEPS - FIRST_STEPS - 1), count)]
