"""What a decoder read and predicted -> the lecture's drawing of it, and its texts (inline SVG and HTML)."""

from collections.abc import Sequence
from html import escape
from typing import Any

MAX_STEPS = 10  # that are drawn; of a longer text the first
_BOX, _GAP, _LABELS = 26, 12, 62  # px: a box, the way between two, the words before the rows
_TOPS = {"target": 0, "output": 24, "hidden": 66, "input": 108, "true": 152}  # px of each row
_HEIGHT = 176


def visible(character: str) -> str:
    """A character as it can be seen: blanks, and codes that nothing is printed for, have signs of their own."""
    if character == " ":
        return "␣"
    code = ord(character)
    return chr(0x2400 + code) if code < 32 else "␡" if code == 127 else character


def unrolled_svg(name: str, target: str, decoder: dict[str, Any]) -> str:
    """Boxes for input, hidden state and output of each step, and the arrow from where its input came (SVG).

    Args:
        name: of this drawing alone: an arrow tip that lies in a hidden tab is drawn nowhere else.
        target: the text that is learnt.
        decoder: "inputs" and "predictions" (texts), and "is_forced" (bool for each step).
    """
    inputs, predictions, forced, truth = decoder["inputs"], decoder["predictions"], decoder["is_forced"], target[1:]
    steps = min(len(inputs), MAX_STEPS)
    shapes, says = [], []

    def text(x: float, top: float, words: str, *, anchor: str = "middle", extra: str = "") -> None:
        shapes.append(f'<text x="{x}" y="{top + 19}" text-anchor="{anchor}" {extra}>{escape(words)}</text>')

    def arrow(x1: float, y1: float, x2: float, y2: float, style: str = "") -> None:
        shapes.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" marker-end="url(#{name})" class="{style}"/>')

    def box(x: float, row: str, style: str) -> None:
        shapes.append(f'<rect x="{x}" y="{_TOPS[row]}" width="{_BOX}" height="{_BOX}" rx="4" class="{style}"/>')

    for row in _TOPS:
        text(0, _TOPS[row], row, anchor="start", extra='class="row"')
    for step in range(steps):
        x = _LABELS + step * (_BOX + _GAP)
        middle = x + _BOX / 2
        is_right, is_true = predictions[step] == truth[step], forced[step] or step == 0
        text(middle, _TOPS["target"] - 2, visible(truth[step]))
        box(x, "output", "right" if is_right else "wrong")
        text(middle, _TOPS["output"], visible(predictions[step]), extra='class="ink"' if is_right else "")
        box(x, "hidden", "state")
        box(x, "input", "fed")
        text(middle, _TOPS["input"], visible(inputs[step]), extra='class="ink"')
        arrow(middle, _TOPS["hidden"], middle, _TOPS["output"] + _BOX + 2)
        arrow(middle, _TOPS["input"], middle, _TOPS["hidden"] + _BOX + 2)
        if step + 1 < steps:
            arrow(x + _BOX, _TOPS["hidden"] + _BOX / 2, x + _BOX + _GAP - 2, _TOPS["hidden"] + _BOX / 2)
        text(middle, _TOPS["true"], visible(target[step]), extra="" if is_true else 'class="unused"')
        if is_true:
            arrow(middle, _TOPS["true"] + 4, middle, _TOPS["input"] + _BOX + 2, "teacher")
        else:
            arrow(x - _GAP, _TOPS["output"] + _BOX, x + 1, _TOPS["input"], "own")
        source = "the true text" if is_true else "its own output"
        verdict = "right" if is_right else f"wrong, {visible(truth[step])} was to come"
        says.append(
            f"step {step + 1} reads {visible(inputs[step])} from {source}, "
            f"predicts {visible(predictions[step])}: {verdict}"
        )
    width = _LABELS + steps * (_BOX + _GAP) - _GAP + 2
    said = escape("; ".join(says))
    return (
        f'<div class="unrolled"><svg width="{width}" height="{_HEIGHT}" viewBox="-1 -1 {width + 1} {_HEIGHT}" '
        f'role="img" aria-label="{said}"><defs><marker id="{name}" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="4" '
        'markerHeight="4" orient="auto"><path d="M0 0 6 3 0 6z"/></marker></defs>'
        f"{''.join(shapes)}</svg></div>"
    )


def prediction_html(text: str, truth: str) -> str:
    """A predicted text, the wrong characters underlined by a wave, and how many are right (HTML)."""
    runs: list[tuple[bool, str]] = []
    for character, true in zip(text, truth, strict=True):
        is_right = character == true
        if runs and runs[-1][0] == is_right:
            runs[-1] = (is_right, runs[-1][1] + visible(character))
        else:
            runs.append((is_right, visible(character)))
    pieces = "".join(escape(run) if is_right else f'<u class="wrong">{escape(run)}</u>' for is_right, run in runs)
    right = sum(a == b for a, b in zip(text, truth, strict=True))
    return f"<code>{pieces}</code> <b>{right} of {len(truth)}</b> right"


def decoder_html(name: str, title: str, target: str, decoder: dict[str, Any], loss: float) -> str:
    """All that is shown of one decoder at one epoch (HTML)."""
    truth = target[1:]
    cut = f" · the first {MAX_STEPS} of {len(truth)} steps are drawn" if len(truth) > MAX_STEPS else ""
    return (
        f'<p class="caption"><b>{title}</b> · loss {loss:.3f}<span class="note">{cut}</span></p>'
        f"{unrolled_svg(name, target, decoder)}"
        f'<dl class="facts decoded"><dt>as trained</dt><dd>{prediction_html(decoder["predictions"], truth)}</dd>'
        f"<dt>alone</dt><dd>{prediction_html(decoder['free_running'], truth)}</dd></dl>"
    )


def verdict(history: Sequence[Sequence[float]], steps: int) -> str:
    """One sentence, and what else the history shows so far (HTML)."""
    gap, epoch = max((row[1] - row[2], -number) for number, row in enumerate(history, 1))
    epoch = -epoch
    if gap:
        right, alone = history[epoch - 1][1:3]
        look = (
            f"Look at epoch {epoch}: fed the true text, the first decoder had <b>{right} of {steps}</b> right, and "
            f"alone <b>{alone}</b>: after its first mistake it reads what training never showed it."
        )
    else:
        look = "Look at the lower curves: so far the first decoder is as good alone as it is fed the true text."
    learnt = [
        next((f"at epoch {number}" for number, row in enumerate(history, 1) if row[column] == steps), "not yet")
        for column in (2, 5)
    ]
    return (
        f'<p class="caption"><b>Epoch {len(history)}.</b> {look} <span class="note">All right alone: the first '
        f"{learnt[0]}, the second {learnt[1]}.</span></p>"
    )
