"""Numbers -> a heatmap as an HTML table. No model, no gradio.

Plotly takes 70 ms and more to render the heatmap of a name, a browser a few for a table, which a screen reader also
reads out. Pointing at a cell, or tapping it, shows its number in full.
"""

from collections.abc import Sequence
from html import escape

import numpy as np
from plotly.colors import sample_colorscale, unlabel_rgb

from charplay.ui.html import percent, visible
from charplay.ui.theme import AMOUNTS, DIVERGING, INK, LIGHT_FROM, PAPER

_SHADES = 256  # steps of the colour scale


def _style(value: float, is_diverging: bool = False) -> str:
    """The CSS of a cell with a value from 0 to 1."""
    red, green, blue = map(round, unlabel_rgb(sample_colorscale(DIVERGING if is_diverging else AMOUNTS, value)[0]))
    ink = INK if is_diverging or value >= LIGHT_FROM else PAPER
    return f"background:#{red:02x}{green:02x}{blue:02x};color:{ink}"


_STYLES = [_style(shade / (_SHADES - 1)) for shade in range(_SHADES)]
_DIVERGING_STYLES = [_style(shade / (_SHADES - 1), is_diverging=True) for shade in range(_SHADES)]
MAX_TEXT_COLUMNS = 20  # columns up to which cells have room for their number
MAX_TEXT_COLUMNS_ON_A_PHONE = 8  # the same on a phone
MAX_LABEL_CHARACTERS = 14  # characters of a row's label that are shown
MAX_PREFIX_CHARACTERS = 64  # of a prefix, in the label of a cell


def table(
    rows: Sequence[str],
    columns: Sequence[str],
    values: np.ndarray,
    numbers: np.ndarray,
    texts: Sequence[Sequence[str]],
    hovers: Sequence[Sequence[str]],
    classes: str = "",
    diverging: int = 0,
) -> str:
    """A heatmap as a table (HTML).

    Args:
        rows: their labels.
        columns: their heads (HTML).
        values: float (rows, columns), 0 to 1: position on the colour scale.
        numbers: float (rows, columns): what the cells stand for, as their CSV has it.
        texts: text of each cell (HTML).
        hovers: label of each cell, shown when it is pointed at (HTML).
        classes: CSS classes in place of those for its number of columns.
        diverging: how many of the first columns have a scale with zero in its middle.
    """

    def styles(column: int) -> list[str]:
        return _DIVERGING_STYLES if column < diverging else _STYLES

    count = len(columns)
    shades = np.rint(np.clip(values, 0, 1) * (_SHADES - 1)).astype(int).tolist()
    size = "wide" if count > MAX_TEXT_COLUMNS else "medium" if count > MAX_TEXT_COLUMNS_ON_A_PHONE else ""
    body = "".join(
        f"<tr>{_row_head(label)}"
        + "".join(
            f'<td style="{styles(column)[shade]}" data-value="{number:.4g}" aria-label="{hover}">{text}</td>'
            for column, (shade, number, text, hover) in enumerate(
                zip(row_shades, row_numbers, row_texts, row_hovers, strict=True)
            )
        )
        + "</tr>"
        for label, row_shades, row_numbers, row_texts, row_hovers in zip(
            rows, shades, numbers.tolist(), texts, hovers, strict=True
        )
    )
    heads = "".join(f'<th scope="col">{head}</th>' for head in columns)
    return (
        f'<div class="heatmap"><div class="{classes or size}"><table translate="no"><thead><tr>'
        f"<th></th>{heads}</tr></thead>"
        f"<tbody>{body}</tbody></table></div></div>"
    )


def _row_head(label: str) -> str:
    """The label of a row, whole in its CSV."""
    if len(label) <= MAX_LABEL_CHARACTERS:
        return f'<th scope="row">{escape(label)}</th>'
    return f'<th scope="row" data-value="{escape(label)}">{escape(label[: MAX_LABEL_CHARACTERS - 1])}…</th>'


def prefix_heatmap(labels: Sequence[str], prefixes: Sequence[str], probabilities: np.ndarray) -> str:
    """The probability of each class (down) after each letter (across), in percent (HTML).

    Args:
        labels: of the classes.
        prefixes: of the name, each a letter longer; the heads are their last letters.
        probabilities: float (classes, prefixes).
    """
    has_room = len(prefixes) <= MAX_TEXT_COLUMNS
    letters = [prefix[-1] for prefix in prefixes]
    cut = [p if len(p) <= MAX_PREFIX_CHARACTERS else "…" + p[1 - MAX_PREFIX_CHARACTERS :] for p in prefixes]
    percents = np.rint(100 * probabilities).astype(int).tolist()
    texts = [[str(share) if share and has_room else "" for share in row] for row in percents]
    hovers = [
        [f"{label} after “{prefix}”: {percent(share)}" for prefix, share in zip(map(escape, cut), row, strict=True)]
        for label, row in zip(map(escape, labels), probabilities.tolist(), strict=True)
    ]
    heads = [escape(visible(letter)) for letter in letters]
    return table(labels, heads, probabilities, probabilities, texts, hovers)


def signed(value: float, decimals: int = 2) -> str:
    """A number with its sign, a true minus, and no sign where it rounds to zero."""
    text = f"{value:+.{decimals}f}"
    return text[1:] if float(text) == 0 else text.replace("-", "−")


def logit_heatmap(
    labels: Sequence[str], columns: Sequence[str], logits: np.ndarray, probabilities: Sequence[float]
) -> str:
    """From logits to the softmax: a row for each class, a column for each step, the last the softmax (HTML).

    Args:
        labels: of the classes.
        columns: labels of the columns of `logits`.
        logits: float (classes, columns), on one colour scale with zero in its middle.
        probabilities: (classes,), on a scale from 0 to 1, shown in percent.
    """
    largest = max(float(np.abs(logits).max()), 1e-6)
    shares = np.array(probabilities)[:, None]
    values, numbers = (np.concatenate([each, shares], 1) for each in ((logits / largest + 1) / 2, logits))
    texts, hovers = [], []
    for label, row, share in zip(map(escape, labels), logits.tolist(), probabilities, strict=True):
        texts.append([*(signed(value, 1).removeprefix("+") for value in row), f"{100 * share:.1f}"])
        exact = [f"{label}, {column}: {signed(value, 3)}" for column, value in zip(columns, row, strict=True)]
        hovers.append([*exact, f"{label}, p: {percent(share, 2)}"])
    return table(labels, [*columns, "p"], values, numbers, texts, hovers, "logits", diverging=len(columns))
