"""Numbers of a lesson -> its curves, one figure. No model, no gradio.

It is drawn ten times a second while a class watches, so it is made as what plotly.js reads: a `go.Figure` takes longer
to check itself than to be drawn.
"""

from collections.abc import Sequence
from typing import Any

from charplay.ui.figures import TEXT_SIZE
from charplay.ui.theme import ACCENT, FONT

SECOND = "#3f7fd1"  # beside the accent; told apart by the colour-blind, and by its dashes
HEIGHT = 264  # px
MOST_POINTS = 250  # of a curve; of a longer history every so many epochs are drawn
FEWEST_EPOCHS = 50  # that the axis has room for: it does not run away under the first ones
FEW = 12  # points that are marked, since so short a line is hard to see

# what a curve is -> its colour and dashes; the same in the figure and in its legend
STYLES = {"first": (ACCENT, "solid"), "first alone": (ACCENT, "dot"), "second": (SECOND, "dash")}
_DASHES = {"solid": "", "dot": "2 4", "dash": "8 5"}


def legend(*entries: tuple[str, str]) -> str:
    """Samples of lines with what they are: (style, words) each (HTML)."""
    samples = []
    for style, words in entries:
        colour, dash = STYLES[style]
        line = (
            f'<line x1="0" y1="6" x2="34" y2="6" stroke="{colour}" stroke-width="3" '
            f'stroke-dasharray="{_DASHES[dash]}"/>'
        )
        samples.append(f'<span><svg width="34" height="12" aria-hidden="true">{line}</svg> {words}</span>')
    return f'<p class="caption legend">{" ".join(samples)}</p>'


def curves(history: Sequence[Sequence[float]], most: int) -> dict[str, Any]:
    """Loss above, characters right below, over the epochs.

    Args:
        history: of each epoch loss, right and right alone of the first decoder, and the same of the second.
        most: characters that can be right.
    """
    every = max(-(-len(history) // MOST_POINTS), 1)
    rows = [(epoch, row) for epoch, row in enumerate(history, 1) if epoch % every == 0 or epoch == len(history)]
    epochs = [epoch for epoch, _ in rows]

    def line(style: str, column: int, axis: str, says: str) -> dict[str, Any]:
        colour, dash = STYLES[style]
        return {
            "type": "scatter",
            "mode": "lines+markers" if len(rows) <= FEW else "lines",
            "x": epochs,
            "y": [row[column] for _, row in rows],
            "yaxis": axis,
            "line": {"color": colour, "width": 3, "dash": dash},
            "hovertemplate": f"epoch %{{x}}: %{{y}} {says}<extra></extra>",
        }

    axis = {"fixedrange": True, "zeroline": False, "ticks": "", "tickfont": {"size": TEXT_SIZE}}
    title = {"font": {"size": TEXT_SIZE}, "standoff": 6}
    highest = max([5.0, *(max(row[0], row[3]) for row in history)])
    return {
        "data": [
            line("second", 3, "y", "nats, second decoder"),
            line("first", 0, "y", "nats, first decoder"),
            line("second", 5, "y2", "right, second decoder alone"),
            line("first alone", 2, "y2", "right, first decoder alone"),
            line("first", 1, "y2", "right, first decoder fed the true text"),
        ],
        "layout": {
            "height": HEIGHT,
            "margin": {"l": 58, "r": 12, "t": 8, "b": 46},
            "paper_bgcolor": "rgba(0,0,0,0)",
            "plot_bgcolor": "rgba(0,0,0,0)",
            "font": {"size": TEXT_SIZE, "family": FONT},
            "dragmode": False,
            "showlegend": False,
            "xaxis": {
                **axis,
                "range": [0, max(FEWEST_EPOCHS, len(history))],
                "anchor": "y2",
                "title": {**title, "text": "epoch"},
            },
            "yaxis": {
                **axis,
                "domain": [0.55, 1],
                "range": [0, highest * 1.04],
                "nticks": 4,
                "title": {**title, "text": "loss"},
            },
            "yaxis2": {
                **axis,
                "domain": [0, 0.45],
                "range": [-0.04 * most, 1.06 * most],
                "tickvals": sorted({0, most // 2, most}),
                "title": {**title, "text": "right"},
            },
        },
    }
