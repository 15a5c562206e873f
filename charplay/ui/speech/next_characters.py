"""The network unrolled over the end of a text: each character, its state, and its three likeliest next ones (HTML)."""

from collections.abc import Sequence
from html import escape

from charplay.interpret.surprisal import LIKELIEST, Expectation
from charplay.ui import html
from charplay.ui.initial_examples import NEXT_POSITIONS
from charplay.ui.widgets import state_cells

_ROW_TITLES = ("1st", "2nd", "3rd")


def _candidate(character: str, probability: float, following: str | None) -> str:
    """One of the likeliest next characters; the one that follows in the text is marked."""
    style = ' class="follows"' if character == following else ""
    return (
        f'<td{style} style="--share: {100 * probability:.0f}%"><b>{escape(html.visible(character))}</b> '
        f"{100 * probability:.0f}</td>"
    )


def _state(values: Sequence[float]) -> str:
    """The first numbers of a hidden state, as cells."""
    label = f"state: {state_cells.in_words(values)} …"
    return f'<td><span title="{label}" style="background: {state_cells.gradient(values)}"></span></td>'


def next_characters_html(text: str, read: int, found: Sequence[Expectation]) -> str:
    """A column for each of the last characters: what the network reads, its state, and what it expects next.

    Args:
        text: of ASCII characters.
        read: how many of its last characters are read; those before are struck through, without a prediction.
        found: for as many of the last characters that are read as are shown.
    """
    shown = text[-NEXT_POSITIONS:]
    unread = len(shown) - min(read, len(shown))
    following: Sequence[str | None] = [*shown[1:], None]
    columns: list[Expectation | None] = [None] * unread + list(found)[-(len(shown) - unread) :]
    rows = []
    for rank in reversed(range(LIKELIEST)):
        cells = "".join(
            _candidate(*column["likeliest"][rank], after) if column else "<td></td>"
            for column, after in zip(columns, following, strict=True)
        )
        rows.append(f'<tr class="output"><th scope="row">{_ROW_TITLES[rank]}</th>{cells}</tr>')
    states = "".join(_state(column["state"]) if column else "<td></td>" for column in columns)
    rows.append(f'<tr class="state"><th scope="row">state</th>{states}</tr>')
    inputs = "".join(
        f'<td class="{"given" if column else "unread"}">{escape(html.visible(character))}</td>'
        for character, column in zip(shown, columns, strict=True)
    )
    rows.append(f'<tr class="input"><th scope="row">reads</th>{inputs}</tr>')
    caption = html.note("Likeliest next characters, in %; <b class='follows'>framed</b>: the one that came.")
    return f'{caption}<table class="likeliest-next" translate="no">{"".join(rows)}</table>'
