"""A network that writes a text from one input: before each letter its state, and the likeliest letters (HTML)."""

from collections.abc import Sequence
from html import escape

from charplay.ui.html import visible
from charplay.ui.widgets import state_cells
from charplay.ui.widgets.candidates import percent_or_odds

END_SIGN = "■"  # the end of a text, as a letter of its own
Likeliest = Sequence[tuple[str, float]]  # characters and probabilities, the likeliest first


def _sign(character: str, end: str) -> str:
    return END_SIGN if character == end else escape(visible(character))


def _candidate(character: str, probability: float, written: str, end: str) -> str:
    """One of the likeliest letters; the one that was written is marked."""
    style = ' class="follows"' if character == written else ""
    return (
        f'<td{style} style="--share: {100 * probability:.0f}%" title="{percent_or_odds(probability)}">'
        f"<b>{_sign(character, end)}</b> {100 * probability:.0f}</td>"
    )


def writing(text: str, given: str, steps: Sequence[tuple[Likeliest, Sequence[float]]], end: str) -> str:
    """A column for each letter and for the end, the likeliest at the bottom, next to the state.

    Args:
        text: that was written.
        given: the one input, as markup.
        steps: the likeliest characters and numbers of the state, for each letter and the end.
        end: the character that ends a text.
    """
    letters = [*text, end]
    count = len(steps[0][0])
    rows = []
    for rank in reversed(range(count)):
        cells = "".join(
            _candidate(*likeliest[rank], letter, end) for (likeliest, _), letter in zip(steps, letters, strict=True)
        )
        title = "likeliest" if not rank else f"{rank + 1}."
        rows.append(f'<tr class="output"><th scope="row">{title}</th>{cells}</tr>')
    states = "".join(
        f'<td><span title="state: {state_cells.in_words(state)} …" style="background: {state_cells.gradient(state)}">'
        "</span></td>"
        for _, state in steps
    )
    rows.append(f'<tr class="state"><th scope="row">state</th>{states}</tr>')
    fed_back = "".join(f'<td class="fed-back">{_sign(letter, end)}</td>' for letter in text)
    rows.append(f'<tr class="input"><th scope="row">reads</th><td class="given">{given}</td>{fed_back}</tr>')
    return (
        '<div class="writing" tabindex="0" role="region" aria-label="The network, letter by letter">'
        f'<table class="likeliest-next">{"".join(rows)}</table></div>'
    )
