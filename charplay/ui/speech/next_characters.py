"""The network unrolled over the end of the opening words: each character, and its three likeliest next ones (HTML)."""

from collections.abc import Sequence
from html import escape

from charplay.interpret.surprisal import LIKELIEST
from charplay.ui import html
from charplay.ui.initial_examples import PRIME_POSITIONS, NextCharacters

_ROW_TITLES = ("1st", "2nd", "3rd")


def _candidate(character: str, probability: float, following: str | None) -> str:
    """One of the likeliest next characters; the one that follows in the text is marked."""
    style = ' class="follows"' if character == following else ""
    return (
        f'<td{style} style="--share: {100 * probability:.0f}%"><b>{escape(html.visible(character))}</b> '
        f"{100 * probability:.0f}</td>"
    )


def next_characters_html(prime: str, prime_length: int, predictions: NextCharacters) -> str:
    """A column for each of the last characters: what the network reads, its state, and what it expects next.

    Args:
        prime: normalised.
        prime_length: how many of its last characters are read; those before are struck through, without a prediction.
        predictions: for as many of the last characters that are read as are shown.
    """
    shown = prime[-PRIME_POSITIONS:]
    unread = len(shown) - min(prime_length, len(shown))
    following: Sequence[str | None] = [*shown[1:], None]
    columns: NextCharacters = [[]] * unread + list(predictions)[-(len(shown) - unread) :]
    rows = []
    for rank in reversed(range(LIKELIEST)):
        cells = "".join(
            _candidate(column[rank][0], column[rank][1], after) if column else "<td></td>"
            for column, after in zip(columns, following, strict=True)
        )
        rows.append(f'<tr class="output"><th scope="row">{_ROW_TITLES[rank]}</th>{cells}</tr>')
    states = "".join("<td><span></span></td>" if column else "<td></td>" for column in columns)
    rows.append(f'<tr class="state"><th scope="row">state</th>{states}</tr>')
    inputs = "".join(
        f'<td class="{"given" if column else "unread"}">{escape(html.visible(character))}</td>'
        for character, column in zip(shown, columns, strict=True)
    )
    rows.append(f'<tr class="input"><th scope="row">reads</th>{inputs}</tr>')
    caption = html.note("The three likeliest next characters, in %; <b class='follows'>framed</b>: the one that came.")
    return f'{caption}<table class="likeliest-next">{"".join(rows)}</table>'
