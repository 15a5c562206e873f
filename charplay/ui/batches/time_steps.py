"""The accordion "Step by step": the cells that are computed at a time step, in the plots and in counts.

The server puts an invisible mark on each step's cells and sends the counts of all steps; sliding only selects among
them, in the browser, so that it is immediate and costs the server nothing.
"""

from collections.abc import Sequence

from charplay.data.batches import Step, count_steps
from charplay.ui import html
from charplay.ui.widgets.figures import STRIP_COLUMNS

CAPTION = html.caption("Slide through time: framed cells are computed now, faded ones later; the striped bar is waste.")


def columns(sizes: Sequence[int]) -> list[dict]:
    """An invisible mark for each time step, on the first rows of its column, as many as `sizes` says.

    The last step comes first, here and in `slices`: plotly renders later shapes above earlier ones.
    """
    return [_mark(_rectangle(step, step + 1, 0, size)) for step, size in enumerate(sizes)][::-1]


def slices(batch_sizes: Sequence[int]) -> list[dict]:
    """A mark for each time step's slice of the flat strip, which may span several of its lines."""
    marks, start = [], 0
    width = min(sum(batch_sizes), STRIP_COLUMNS)
    for size in batch_sizes:
        end = start + size
        lines = range(start // width, -(-end // width))
        parts = [
            _rectangle(max(start - line * width, 0), min(end - line * width, width), line, line + 1) for line in lines
        ]
        marks.append(_mark(" ".join(parts)))
        start = end
    return marks[::-1]


def _rectangle(left: int, right: int, top: int, bottom: int) -> str:
    """SVG path of the cells from `left` to before `right` and from `top` to before `bottom`; cell 0 is centred on 0."""
    x0, x1, y0, y1 = (edge - 0.5 for edge in (left, right, top, bottom))
    return f"M {x0},{y0} L {x1},{y0} L {x1},{y1} L {x0},{y1} Z"


def _mark(path: str) -> dict:
    return {"type": "path", "path": path, "line": {"width": 0}}


def counts_html(batch_sizes: Sequence[int], plotted_steps: int, is_bidirectional: bool, shown: int = 0) -> str:
    """The counts of all steps, one of them visible, each with the style rules that show its marks (HTML).

    Args:
        batch_sizes: of the whole batch.
        plotted_steps: steps in the plots, which show only the first names of a large batch.
        is_bidirectional: the network reads from both ends.
        shown: the step that is visible.
    """
    steps = count_steps(batch_sizes)
    direction = " (and as many backward)" if is_bidirectional else ""
    return "".join(_step_html(steps, number, plotted_steps, direction, number == shown) for number in range(len(steps)))


def _step_html(steps: Sequence[Step], number: int, plotted_steps: int, direction: str, is_shown: bool) -> str:
    step, rows, total = steps[number], steps[0].padded, steps[-1].padded
    not_plotted = " No name that is drawn is so long." if number >= plotted_steps else ""
    padded = f"<b>{step.padded:,}</b> updates: {step.useful:,} useful, <b>{step.wasted:,} wasted</b>"
    packed = f"<b>{step.useful:,}</b> updates: all useful"
    caption = html.caption(
        f"<b>{step.running:,} of {rows:,}</b> {'names have' if rows > 1 else 'name has'} a character at time {number}."
        f"{not_plotted} Updates of a hidden state so far{direction}:"
    )
    table: list[list[object]] = [
        ["", "useful", "wasted"],
        ["padded", step.useful, step.wasted],
        ["packed", step.useful, 0],
    ]
    return (
        f'<div data-step="{number}"{"" if is_shown else " hidden"}>'
        f'<style media="{"all" if is_shown else "not all"}">{_style_rules(number, plotted_steps)}</style>{caption}'
        f'<div class="update-counts" {html.rows_attribute(table)}>'
        f"<span>padded</span>{_bar(step.useful / total, step.wasted / total)}<span>{padded}</span>"
        f"<span>packed</span>{_bar(step.useful / total, 0)}<span>{packed}</span>"
        "</div></div>"
    )


def _bar(useful: float, wasted: float) -> str:
    """Shares of all updates of the padded batch; the sentence beside it has the numbers."""
    return (
        f'<span class="bar" aria-hidden="true"><i style="width:{useful:.2%}"></i>'
        f'<i class="wasted" style="width:{wasted:.2%}"></i></span>'
    )


def _style_rules(number: int, plotted_steps: int) -> str:
    """CSS: the mark of the step becomes a frame, and those of later steps, which lie below it, a veil."""
    if number >= plotted_steps:
        return ""
    marks = ".gradio-container:has(#step-accordion .label-wrap.open) #batch-plots .shape-group"
    return (
        f"{marks}:nth-child({plotted_steps - number}) path {{ stroke: var(--accent-text) !important; "
        "stroke-opacity: 1 !important; stroke-width: 4px !important; }"
        f"{marks}:nth-child(-n+{plotted_steps - number - 1}) path {{ fill: var(--body-background-fill) !important; "
        "fill-opacity: 0.5 !important; }"
    )
