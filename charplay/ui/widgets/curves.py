"""The history of a lesson -> its curves over the epochs, as HTML with inline SVG. No model, no gradio.

They are drawn ten times a second while a class watches, on laptops that a chart of plotly would keep busy: lines in a
box that stretches, and words beside it that do not.
"""

from collections.abc import Sequence
from typing import NamedTuple

from charplay.ui.theme import ACCENT

SECOND = "#3f7fd1"  # beside the accent; told apart by the colour-blind, and by its dashes
MAX_POINTS = 160  # of a curve; of a longer history every so many epochs are drawn
MIN_EPOCHS_SHOWN = 50  # that the axis has room for: it does not run away under the first ones
HOVER_STRIPS = 50  # that tell their numbers when they are pointed at
WIDTH, HEIGHT = 1000, 100  # of the box in its own units

CSS = """
.lines span { margin-right: 18px; }
.lines svg { display: inline; }
.lines line { stroke-width: 3; }
.curves { display: flex; flex-wrap: wrap; gap: 2px 24px; }
.curves > div { flex: 1 1 300px; min-width: 0; }
.panel { display: flex; gap: 8px; height: 84px; }
.panel > div { display: flex; flex-direction: column; justify-content: space-between; min-width: 28px;
  text-align: right; line-height: 1; }
.panel svg { flex: 1; min-width: 0; height: 100%; border: solid var(--border-color-primary);
  border-width: 0 0 1px 1px; overflow: visible; }
.panel polyline { fill: none; stroke-width: 3; vector-effect: non-scaling-stroke; }
.panel rect { fill: transparent; }
.panel rect:hover { fill: var(--border-color-primary); opacity: 0.5; }
.epochs { display: flex; justify-content: space-between; padding-left: 36px; }
"""

Row = Sequence[float]  # of an epoch: loss, right and right alone of the first decoder, and the same of the second


class Curve(NamedTuple):
    """One line of a chart."""

    column: int  # of the history
    colour: str
    dashes: str
    words: str


FIRST, FREE_RUNNING, SECOND_FREE_RUNNING = (
    Curve(1, ACCENT, "", "first decoder"),
    Curve(2, ACCENT, "2 5", "first decoder, alone"),
    Curve(5, SECOND, "9 5", "second decoder"),
)
LOSSES = (Curve(3, SECOND, "9 5", "second"), Curve(0, ACCENT, "", "first"))
CORRECT = (
    SECOND_FREE_RUNNING._replace(words="second alone"),
    FREE_RUNNING._replace(words="alone"),
    FIRST._replace(words="first"),
)


def legend() -> str:
    """Samples of the lines with what they are (HTML)."""
    samples = []
    for curve, note in (
        (FIRST, ""),
        (FREE_RUNNING, ": fed its own characters"),
        (SECOND_FREE_RUNNING, " (right: alone)"),
    ):
        line = f'<line x1="0" y1="6" x2="34" y2="6" stroke="{curve.colour}" stroke-dasharray="{curve.dashes}"/>'
        samples.append(f'<span><svg width="34" height="12" aria-hidden="true">{line}</svg> {curve.words}{note}</span>')
    return f'<p class="caption lines">{" ".join(samples)}</p>'


def curves(history: Sequence[Row], most: int) -> str:
    """The loss, and beside it the characters right (HTML).

    Args:
        history: a row for each epoch.
        most: characters that can be right.
    """
    highest = max(5.0, *(max(row[0], row[3]) for row in history))
    return (
        f'<div class="curves">{_panel("loss (nats)", history, LOSSES, highest, f"{highest:.3g}", ".3f")}'
        f"{_panel('characters right', history, CORRECT, most, f'{most}', 'g')}</div>"
    )


def _panel(title: str, history: Sequence[Row], lines: Sequence[Curve], highest: float, top: str, form: str) -> str:
    last = max(MIN_EPOCHS_SHOWN, len(history))
    every = max(-(-len(history) // MAX_POINTS), 1)
    rows = [(epoch, row) for epoch, row in enumerate(history, 1) if epoch % every == 0 or epoch == len(history)]

    def x(epoch: float) -> float:
        return round(WIDTH * (epoch - 1) / (last - 1), 1)

    def y(value: float) -> float:
        return round(HEIGHT * (1 - value / highest), 1)

    def path(curve: Curve) -> str:
        points = " ".join(f"{x(epoch)},{y(row[curve.column])}" for epoch, row in rows)
        points += f" {x(rows[-1][0]) + 1},{y(rows[-1][1][curve.column])}"  # the first epoch alone is seen too
        return f'<polyline points="{points}" stroke="{curve.colour}" stroke-dasharray="{curve.dashes}"/>'

    def numbers(row: Row) -> str:
        return ", ".join(f"{curve.words} {row[curve.column]:{form}}" for curve in reversed(lines))

    wide, strips = -(-len(history) // HOVER_STRIPS), []
    for epoch in range(1, len(history) + 1, wide):
        says = f"epoch {epoch}: {title} {numbers(history[epoch - 1])}"
        strips.append(
            f'<rect x="{x(epoch - 0.5)}" width="{x(epoch + wide) - x(epoch)}" height="{HEIGHT}"><title>{says}</title>'
            "</rect>"
        )
    return (
        f'<div><p class="caption note">{title}</p><div class="panel"><div><span>{top}</span><span>0</span></div>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{title} at epoch {len(history)}: {numbers(history[-1])}">'
        f"{''.join(map(path, lines))}{''.join(strips)}</svg></div>"
        f'<div class="epochs note"><span>1</span><span>epoch</span><span>{last}</span></div></div>'
    )
