"""Numbers -> a table whose cells have the colour of their number (HTML). No model, no gradio.

Plotly takes 70 ms and more to draw a heatmap of a name anew, a browser a few to lay out a table; and a table is read
out as one. Pointing at a cell, or tapping it, tells its number in full.
"""

from collections.abc import Sequence
from html import escape

import numpy as np
from plotly.colors import sample_colorscale, unlabel_rgb

from charplay.ui.theme import AMOUNTS, INK, LIGHT_FROM, PAPER

_SHADES = 256
_STYLES = [
    "background:#{:02x}{:02x}{:02x};color:{}".format(
        *(round(channel) for channel in unlabel_rgb(colour)), INK if height >= LIGHT_FROM else PAPER
    )
    for height, colour in (
        (shade / (_SHADES - 1), sample_colorscale(AMOUNTS, shade / (_SHADES - 1))[0]) for shade in range(_SHADES)
    )
]
MAX_TEXT_COLUMNS = 20  # up to which the cells have room for their number, and up to which a phone's have
MAX_TEXT_COLUMNS_ON_A_PHONE = 8
MAX_TEXT_NETWORKS = 8  # of an average, up to which each one's scores have room for their numbers
MAX_LABEL_CHARACTERS = 14  # characters of a row's label that are shown


def visible(letter: str) -> str:
    """A character as a column's head shows it (HTML)."""
    return "␣" if letter == " " else escape(letter)


def table(
    rows: Sequence[str],
    heads: Sequence[str],
    heights: np.ndarray,
    texts: Sequence[Sequence[str]],
    says: Sequence[Sequence[str]],
    kind: str = "",
) -> str:
    """A heatmap as a table (HTML).

    Args:
        rows: labels, as they come.
        heads: of the columns (HTML).
        heights: float (rows, columns), 0 to 1: where on the colour scale.
        texts: what stands in the cells (HTML), where there is room for it.
        says: what pointing at each cell tells (HTML).
        kind: CSS class of a table that is no wider or narrower for its columns.
    """
    count = len(heads)
    shades = np.rint(np.clip(heights, 0, 1) * (_SHADES - 1)).astype(int).tolist()
    size = "wide" if count > MAX_TEXT_COLUMNS else "middling" if count > MAX_TEXT_COLUMNS_ON_A_PHONE else ""
    body = "".join(
        f'<tr><th scope="row">{escape(_cut(label))}</th>'
        + "".join(
            f'<td style="{_STYLES[shade]}" aria-label="{said}">{text}</td>'
            for shade, text, said in zip(shade_line, text_line, said_line, strict=True)
        )
        + "</tr>"
        for label, shade_line, text_line, said_line in zip(rows, shades, texts, says, strict=True)
    )
    columns = "".join(f'<th scope="col">{head}</th>' for head in heads)
    return (
        f'<div class="heat"><div class="{kind or size}"><table><thead><tr><th></th>{columns}</tr></thead>'
        f"<tbody>{body}</tbody></table></div></div>"
    )


def _cut(label: str) -> str:
    return label if len(label) <= MAX_LABEL_CHARACTERS else label[: MAX_LABEL_CHARACTERS - 1] + "…"


def prefix_heatmap(labels: Sequence[str], letters: Sequence[str], probabilities: np.ndarray) -> str:
    """The belief in each class (down) after each letter (across): colour from 0 to 1, percent in the cell (HTML).

    Args:
        labels: of the classes.
        letters: of the name, in order.
        probabilities: float (classes, letters).
    """
    name, has_room = "".join(letters), len(letters) <= MAX_TEXT_COLUMNS
    prefixes = [escape(name[: at + 1]) for at in range(len(letters))]
    percent = np.rint(100 * probabilities).astype(int).tolist()
    texts = [[str(share) if share and has_room else "" for share in line] for line in percent]
    says = [
        [f"{label} after “{prefix}”: {100 * share:.1f} %" for prefix, share in zip(prefixes, line, strict=True)]
        for label, line in zip(map(escape, labels), probabilities.tolist(), strict=True)
    ]
    return table(labels, [visible(letter) for letter in letters], probabilities, texts, says)


def signed(value: float, decimals: int = 2) -> str:
    """A number with its sign, a true minus, and no sign where it rounds to zero."""
    made = f"{value:+.{decimals}f}"
    return made[1:] if float(made) == 0 else made.replace("-", "−")


def columns_without_text(columns: int) -> int:
    """How many of the first columns of `logit_heatmap` are too many to show their numbers: all but the mean."""
    return columns - 1 if columns - 1 > MAX_TEXT_NETWORKS else 0


def logit_heatmap(
    labels: Sequence[str], columns: Sequence[str], logits: np.ndarray, probabilities: Sequence[float]
) -> str:
    """From logits to the softmax: a row for each class, a column for each step, the last the softmax (HTML).

    Args:
        labels: of the classes.
        columns: what the columns of `logits` are.
        logits: float (classes, columns), on one colour scale with zero in its middle.
        probabilities: (classes,), on a scale from 0 to 1, shown in percent.
    """
    reach, untold = max(float(np.abs(logits).max()), 1e-6), columns_without_text(len(columns))
    heights = np.concatenate([(logits / reach + 1) / 2, np.array(probabilities)[:, None]], 1)
    texts, says = [], []
    for label, line, share in zip(map(escape, labels), logits.tolist(), probabilities, strict=True):
        told = [signed(value, 1).removeprefix("+") for value in line[untold:]]
        texts.append([*[""] * untold, *told, f"{100 * share:.1f}"])
        exact = [f"{label}, {head}: {signed(value, 3)}" for head, value in zip(columns, line, strict=True)]
        says.append([*exact, f"{label}, p: {100 * share:.2f} %"])
    return table(labels, [*columns, "p"], heights, texts, says, kind="logits many" if untold else "logits")
