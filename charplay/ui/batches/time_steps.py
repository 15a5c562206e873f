"""The fold "Step by step": what is being worked on at a step of time, in the pictures and in counts.

The server lays an invisible mark on each step's cells and writes the sentences of all steps; sliding only chooses among
them, in the browser, so that it is as fast as the hand and a classroom that slides asks the server nothing.
"""

from collections.abc import Sequence

from charplay.data.batches import Step, count_steps
from charplay.ui.widgets.figures import STRIP_COLUMNS

LOOK_FOR = (
    '<p class="caption">Slide through time: framed cells are computed now, faded ones later; '
    "the striped bar is waste.</p>"
)
# Shows the step that the slider is at; an emptied number box is null, and its lowest number.
SHOW_STEP_JS = """step => {
  const steps = [...document.querySelectorAll('#step-told [data-step]')];
  const at = Math.min(Math.max(Math.trunc(step) || 0, 0), steps.length - 1);
  steps.forEach((one, number) => {
    one.hidden = number !== at;
    one.querySelector('style').media = number === at ? 'all' : 'not all';
  });
}"""


def columns(heights: Sequence[int]) -> list[dict]:
    """A mark for each column of time over its first rows, as many as `heights` says; none of them shows by itself.

    The last step's comes first, here and in `slices`: what is drawn later lies above.
    """
    return [_mark(_rectangle(step, step + 1, 0, height)) for step, height in enumerate(heights)][::-1]


def slices(batch_sizes: Sequence[int]) -> list[dict]:
    """A mark for each step's slice of the flat strip, which may go on over several of its lines."""
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
    """The outline of the cells from `left` up to `right`, and from `top` down to `bottom`; cell 0 is centred on 0."""
    left, right, top, bottom = (edge - 0.5 for edge in (left, right, top, bottom))
    return f"M {left},{top} L {right},{top} L {right},{bottom} L {left},{bottom} Z"


def _mark(path: str) -> dict:
    return {"type": "path", "path": path, "line": {"width": 0}}


def counts_html(batch_sizes: Sequence[int], drawn: int, is_bidirectional: bool) -> str:
    """The counts of all steps, the first shown, each with the rule by which its marks show (HTML).

    Args:
        batch_sizes: of the whole batch.
        drawn: steps of the batch that the pictures show, which may be the beginning of a larger one.
        is_bidirectional: the network reads from both ends.
    """
    counted = count_steps(batch_sizes)
    direction = " (and as many backward)" if is_bidirectional else ""
    return "".join(_told(counted, number, drawn, direction) for number in range(len(counted)))


def _told(counted: Sequence[Step], number: int, drawn: int, direction: str) -> str:
    step, rows, whole = counted[number], counted[0].padded, counted[-1].padded
    beyond = " No name that is drawn is so long." if number >= drawn else ""
    padded = f"<b>{step.padded:,}</b> updates: {step.useful:,} useful, <b>{step.wasted:,} wasted</b>"
    packed = f"<b>{step.useful:,}</b> updates: all useful"
    return (
        f'<div data-step="{number}"{" hidden" if number else ""}>'
        f'<style media="{"not all" if number else "all"}">{_rules(number, drawn)}</style>'
        f'<p class="caption"><b>{step.running:,} of {rows:,}</b> {"names have" if rows > 1 else "name has"} '
        f"a character at time {number}.{beyond} Updates of a hidden state so far{direction}:</p>"
        '<div class="work">'
        f"<span>padded</span>{_bar(step.useful / whole, step.wasted / whole)}<span>{padded}</span>"
        f"<span>packed</span>{_bar(step.useful / whole, 0)}<span>{packed}</span>"
        "</div></div>"
    )


def _bar(useful: float, wasted: float) -> str:
    """Shares of all the padded batch's updates; the sentence beside it has the numbers."""
    return (
        f'<span class="bar" aria-hidden="true"><i style="width:{useful:.2%}"></i>'
        f'<i class="wasted" style="width:{wasted:.2%}"></i></span>'
    )


def _rules(number: int, drawn: int) -> str:
    """CSS: the mark of the step is a frame, those after it, which lie under it, veil what is still to come."""
    if number >= drawn:
        return ""
    marks = ".gradio-container:has(#step-fold .label-wrap.open) #batch-pictures .shape-group"
    return (
        f"{marks}:nth-child({drawn - number}) path {{ stroke: var(--accent-text) !important; "
        "stroke-opacity: 1 !important; stroke-width: 4px !important; }"
        f"{marks}:nth-child(-n+{drawn - number - 1}) path {{ fill: var(--body-background-fill) !important; "
        "fill-opacity: 0.8 !important; }"
    )
