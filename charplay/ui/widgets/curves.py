"""The history of two decoders -> curves over the epochs, as HTML with inline SVG. No model, no gradio.

They are rendered ten times a second, which would keep a laptop busy with plotly: lines in a box that stretches with the
page, and labels beside it that do not.
"""

from collections.abc import Sequence
from typing import NamedTuple

from charplay.ui.html import note, rows_attribute
from charplay.ui.theme import ACCENT

SECOND = "#3f7fd1"  # second line colour; differs for colour-blind readers, and has dashes
MAX_POINTS = 160  # of a curve; a longer history is thinned out
MIN_EPOCHS_SHOWN = 50  # the axis has room for these from the start
HOVER_STRIPS = 50  # strips of a chart that show their numbers when pointed at
WIDTH, HEIGHT = 1000, 100  # of the SVG, in its own units

# One epoch: loss, characters correct teacher-forced and free-running of the first decoder, then of the second.
Row = Sequence[float]


class Curve(NamedTuple):
    """One line of a chart."""

    column: int  # of a row
    colour: str
    dashes: str  # SVG stroke-dasharray
    label: str


FIRST, FREE_RUNNING, SECOND_FREE_RUNNING = (
    Curve(1, ACCENT, "", "first, teacher-forced"),
    Curve(2, ACCENT, "2 5", "first, free-running"),
    Curve(5, SECOND, "9 5", "second, free-running"),
)
LOSSES = (Curve(3, SECOND, "9 5", "second"), Curve(0, ACCENT, "", "first"))
CORRECT = (
    SECOND_FREE_RUNNING._replace(label="second free-running"),
    FREE_RUNNING._replace(label="first free-running"),
    FIRST._replace(label="first teacher-forced"),
)


def legend() -> str:
    """A sample of each line with its label (HTML)."""
    samples = []
    for curve in (FIRST, FREE_RUNNING, SECOND_FREE_RUNNING):
        line = f'<line x1="0" y1="6" x2="34" y2="6" stroke="{curve.colour}" stroke-dasharray="{curve.dashes}"/>'
        samples.append(f'<span><svg width="34" height="12" aria-hidden="true">{line}</svg> {curve.label}</span>')
    return f'<p class="caption curve-legend">{" ".join(samples)}</p>'


def curves(history: Sequence[Row], steps: int, epoch: int) -> str:
    """The loss, and beside it the number of characters correct (HTML).

    Args:
        history: a row for each epoch.
        steps: characters to predict, the end of the second chart's axis.
        epoch: that is shown; a line marks it where it is not the last.
    """
    highest = max(5.0, *(max(row[0], row[3]) for row in history))
    panels = (
        _panel("loss (nats)", history, LOSSES, highest, f"{highest:.3g}", ".3f", epoch),
        _panel("characters correct", history, CORRECT, steps, f"{steps}", "g", epoch),
    )
    return f'<div class="curves" {rows_attribute(_table(history))}>{"".join(panels)}</div>'


def _thinned(history: Sequence[Row]) -> list[tuple[int, Row]]:
    """The epochs that are drawn, with their rows."""
    every = max(-(-len(history) // MAX_POINTS), 1)
    return [(epoch, row) for epoch, row in enumerate(history, 1) if epoch % every == 0 or epoch == len(history)]


def _table(history: Sequence[Row]) -> list[list[object]]:
    """What both charts show, as rows."""
    losses = [curve._replace(label=f"loss {curve.label}") for curve in reversed(LOSSES)]
    shown = (*losses, *reversed(CORRECT))
    rows: list[list[object]] = [["epoch", *(curve.label for curve in shown)]]
    rows += [[epoch, *(round(row[curve.column], 4) for curve in shown)] for epoch, row in _thinned(history)]
    return rows


def _panel(
    title: str,
    history: Sequence[Row],
    lines: Sequence[Curve],
    highest: float,
    top: str,
    number_format: str,
    epoch: int,
) -> str:
    """One chart.

    Args:
        title: what its vertical axis measures.
        history: a row for each epoch.
        lines: its curves, the last one on top.
        highest: where the vertical axis ends, and `top` how it is labelled there.
        number_format: format specification of the numbers that are shown when pointed at.
        epoch: marked where it is not the last.
    """
    last = max(MIN_EPOCHS_SHOWN, len(history))
    rows = _thinned(history)

    def x(at: float) -> float:
        return round(WIDTH * (at - 1) / (last - 1), 1)

    def y(value: float) -> float:
        return round(HEIGHT * (1 - value / highest), 1)

    def path(curve: Curve) -> str:
        points = " ".join(f"{x(epoch)},{y(row[curve.column])}" for epoch, row in rows)
        points += f" {x(rows[-1][0]) + 1},{y(rows[-1][1][curve.column])}"  # a single epoch is visible too
        return f'<polyline points="{points}" stroke="{curve.colour}" stroke-dasharray="{curve.dashes}"/>'

    def numbers(row: Row) -> str:
        return ", ".join(f"{curve.label} {row[curve.column]:{number_format}}" for curve in reversed(lines))

    mark = "" if epoch == len(history) else f'<line x1="{x(epoch)}" x2="{x(epoch)}" y2="{HEIGHT}" class="shown"/>'
    epochs_per_strip, strips = -(-len(history) // HOVER_STRIPS), []
    for first in range(1, len(history) + 1, epochs_per_strip):
        hover = f"epoch {first}: {title} {numbers(history[first - 1])}"
        strips.append(
            f'<rect x="{x(first - 0.5)}" width="{x(first + epochs_per_strip) - x(first)}" height="{HEIGHT}">'
            f"<title>{hover}</title></rect>"
        )
    return (
        f'<div>{note(title)}<div class="curve-chart"><div><span>{top}</span><span>0</span></div>'
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" preserveAspectRatio="none" role="img" '
        f'aria-label="{title} at epoch {len(history)}: {numbers(history[-1])}">'
        f"{''.join(map(path, lines))}{mark}{''.join(strips)}</svg></div>"
        f'<div class="curve-epochs note"><span>1</span><span>epoch</span><span>{last}</span></div></div>'
    )
