"""The lecture's figure of a decoder unrolled in time, as inline SVG: inputs and predictions."""

from html import escape
from typing import Any

from charplay.ui.html import rows_attribute, visible

MAX_STEPS = 10  # steps drawn of a longer text
_BOX, _GAP, _LABELS = 26, 12, 66  # px: side of a box, distance of two, width of the row labels
_TOPS = {"target": 0, "output": 24, "hidden": 66, "input": 108, "true": 152}  # px: top of each row
_HEIGHT = 176  # px


class _Drawing:
    """SVG shapes of one figure."""

    def __init__(self, marker: str):
        self._marker = marker  # id of the arrow tip
        self.shapes: list[str] = []

    def text(self, x: float, top: float, text: str, *, anchor: str = "middle", style: str = "") -> None:
        """A text whose line begins `top` px from above."""
        attributes = f' class="{style}"' if style else ""
        self.shapes.append(f'<text x="{x}" y="{top + 19}" text-anchor="{anchor}"{attributes}>{escape(text)}</text>')

    def arrow(self, x1: float, y1: float, x2: float, y2: float, style: str = "") -> None:
        """A line with a tip at its second end."""
        ends = f'x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}"'
        self.shapes.append(f'<line {ends} marker-end="url(#{self._marker})" class="{style}"/>')

    def box(self, x: float, row: str, style: str) -> None:
        """A square of a row."""
        self.shapes.append(f'<rect x="{x}" y="{_TOPS[row]}" width="{_BOX}" height="{_BOX}" rx="4" class="{style}"/>')


def _draw_step(drawing: _Drawing, step: int, given: str, predicted: str, truth: str, *, is_last: bool) -> None:
    """Boxes for input, hidden state and output of a step, and the arrows between them."""
    x = _LABELS + step * (_BOX + _GAP)
    middle, is_correct = x + _BOX / 2, predicted == truth
    drawing.text(middle, _TOPS["target"] - 2, visible(truth))
    drawing.box(x, "output", "correct" if is_correct else "wrong")
    drawing.text(middle, _TOPS["output"], visible(predicted), style="ink" if is_correct else "")
    drawing.box(x, "hidden", "state")
    drawing.box(x, "input", "given")
    drawing.text(middle, _TOPS["input"], visible(given), style="ink")
    drawing.arrow(middle, _TOPS["hidden"], middle, _TOPS["output"] + _BOX + 2)
    drawing.arrow(middle, _TOPS["input"], middle, _TOPS["hidden"] + _BOX + 2)
    if not is_last:
        height = _TOPS["hidden"] + _BOX / 2
        drawing.arrow(x + _BOX, height, x + _BOX + _GAP - 2, height)


def _draw_source(drawing: _Drawing, step: int, true: str, *, is_forced: bool) -> None:
    """Where a step's input came from: the true character, or the output of the step before."""
    x = _LABELS + step * (_BOX + _GAP)
    middle = x + _BOX / 2
    drawing.text(middle, _TOPS["true"], visible(true), style="" if is_forced else "unused")
    if is_forced:
        drawing.arrow(middle, _TOPS["true"] + 4, middle, _TOPS["input"] + _BOX + 2, "teacher")
    else:
        drawing.arrow(x - _GAP, _TOPS["output"] + _BOX, x + 1, _TOPS["input"], "free-running")


def unrolled_svg(name: str, target: str, decoder: dict[str, Any]) -> str:
    """Boxes for input, hidden state and output of each step, and the arrow from where its input came (SVG).

    Args:
        name: id of the arrow tip, another one in each figure: a tip inside a hidden tab is not rendered in others.
        target: the text that is learnt.
        decoder: "inputs" and "predictions" (texts), and "is_forced" (bool for each step).
    """
    inputs, predictions, truth = decoder["inputs"], decoder["predictions"], target[1:]
    steps = min(len(inputs), MAX_STEPS)
    drawing, descriptions, table = _Drawing(name), [], [["step", "input", "from", "prediction", "target"]]
    for row, top in _TOPS.items():
        drawing.text(0, top, row, anchor="start", style="row")
    for step in range(steps):
        is_forced = decoder["is_forced"][step] or step == 0
        _draw_step(drawing, step, inputs[step], predictions[step], truth[step], is_last=step + 1 == steps)
        _draw_source(drawing, step, target[step], is_forced=is_forced)
        source = "the true text" if is_forced else "its own output"
        verdict = "correct" if predictions[step] == truth[step] else f"wrong, {visible(truth[step])} was to come"
        descriptions.append(
            f"step {step + 1} reads {visible(inputs[step])} from {source}, "
            f"predicts {visible(predictions[step])}: {verdict}"
        )
        read = [visible(each) for each in (inputs[step], predictions[step], truth[step])]
        table.append([str(step + 1), read[0], source, *read[1:]])
    width = _LABELS + steps * (_BOX + _GAP) - _GAP + 2
    return (
        f'<div class="unrolled" translate="no" data-label="The decoder, step by step" {rows_attribute(table)}>'
        f'<svg width="{width}" height="{_HEIGHT}" viewBox="-1 -1 {width + 1} {_HEIGHT}" '
        f'role="img" aria-label="{escape("; ".join(descriptions))}"><defs><marker id="{name}" viewBox="0 0 6 6" '
        'refX="5" refY="3" markerWidth="4" markerHeight="4" orient="auto"><path d="M0 0 6 3 0 6z"/></marker></defs>'
        f"{''.join(drawing.shapes)}</svg></div>"
    )
