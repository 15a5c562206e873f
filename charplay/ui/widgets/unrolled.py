"""A recurrent classifier unrolled over the letters of a name, drawn with what it answers after each one (inline SVG).

Time runs downwards, so that the answers have room beside their letters on a projector and on a phone. The drawing has
the same height whatever the name, so that nothing below it moves while a name is typed.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from charplay.ui.html import percent, rows_attribute, visible
from charplay.ui.widgets import state_cells
from charplay.ui.widgets.drawn_steps import MAX_STEPS

MAX_LABEL_CHARACTERS = 12  # characters of a class's name that have room
_HEAD, _ROW, _BOX = 26, 30, 20  # px: the titles, a step, the height of a box
_LETTER, _CODE, _STATE, _ANSWER = 34, 42, 118, 192  # px: end of the letter, start of code, state and answer
_STATE_WIDTH = 48  # px
_TIPS = (
    '<defs><marker id="tip-unrolled" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="4.5" markerHeight="4.5" '
    'orient="auto"><path d="M0 0 6 3 0 6z" fill="currentColor"/></marker></defs>'
)


@dataclass(frozen=True)
class Step:
    """One letter of a name."""

    index: int  # of the letter, from 0
    letter: str
    code: int
    state: Sequence[float]  # numbers of the hidden state after it, each -1 to 1
    answer: str  # the likeliest class if the name ended here
    probability: float  # of that class


def unrolled(steps: Sequence[Step], is_bidirectional: bool) -> str:
    """The network over the letters of a name (SVG).

    Args:
        steps: those of `drawn_steps`, at least one; the last is that of the last letter.
        is_bidirectional: the states are handed on in both directions.
    """
    rows = [_head()]
    y = _HEAD
    for place, step in enumerate(steps):
        if place and (missing := step.index - steps[place - 1].index - 1):
            rows.append(_arrows(y, is_bidirectional) + _elision(y, missing))
            y += _ROW
        is_last = place == len(steps) - 1
        rows.append((_arrows(y, is_bidirectional) if place else "") + _step(step, y, is_last))
        y += _ROW
    height = _HEAD + MAX_STEPS * _ROW
    states = [f"state {number}" for number in range(1, len(steps[0].state) + 1)]
    table: list[list[object]] = [["letter", "code", *states, "class", "probability"]]
    table += [[visible(step.letter), step.code, *step.state, step.answer, round(step.probability, 6)] for step in steps]
    return (
        f'<svg class="network" translate="no" width="100%" height="{height}" role="img" '
        f'data-letters="{steps[-1].index + 1}" {rows_attribute(table)} '
        f'aria-label="{escape(_in_words(steps))}">{_TIPS}{"".join(rows)}</svg>'
    )


def _text(x: float, y: float, text: str, *, classes: str = "", anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" class="{classes}" text-anchor="{anchor}">{text}</text>'


def _line(x1: float, y1: float, x2: float, y2: float) -> str:
    return (
        f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="currentColor" stroke-width="1.5" '
        'marker-end="url(#tip-unrolled)"/>'
    )


def _head() -> str:
    titles = ((0, "letter, code"), (_STATE, "state"), (_ANSWER, "softmax so far"))
    return "".join(_text(x, 17, title, classes="title") for x, title in titles)


def _step(step: Step, y: float, is_last: bool) -> str:
    """The letter, its code, the state after it, and the answer."""
    middle, base = y + _BOX / 2, y + _BOX / 2 + 6
    label = step.answer
    if len(label) > MAX_LABEL_CHARACTERS:
        label = label[: MAX_LABEL_CHARACTERS - 1] + "…"
    answer = f"<tspan>{escape(label)}</tspan> {percent(step.probability)}"
    return (
        f'<g class="step{" last" if is_last else ""}">'
        f'<rect x="1" y="{y}" width="{_LETTER - 1}" height="{_BOX}" rx="3" class="input"/>'
        f"{_text((_LETTER + 1) / 2, base, escape(visible(step.letter)), classes='ink', anchor='middle')}"
        f"{_text(_CODE, base, str(step.code))}{_line(_CODE + 40, middle, _STATE - 3, middle)}"
        f"<g>{state_cells.cells(step.state, _STATE, y, _STATE_WIDTH, _BOX)}"
        f'<rect x="{_STATE}" y="{y}" width="{_STATE_WIDTH}" height="{_BOX}" rx="3" class="state"/>'
        f"<title>h{step.index + 1}: {state_cells.in_words(step.state)} …</title></g>"
        f"{_line(_STATE + _STATE_WIDTH, middle, _ANSWER - 4, middle)}{_text(_ANSWER, base, answer, classes='answer')}"
        "</g>"
    )


def _arrows(y: float, is_bidirectional: bool) -> str:
    """From the state above to the one at `y`, and back."""
    top, bottom, middle = y - _ROW + _BOX, y, _STATE + _STATE_WIDTH / 2
    if not is_bidirectional:
        return _line(middle, top, middle, bottom - 1)
    return _line(middle - 8, top, middle - 8, bottom - 1) + _line(middle + 8, bottom, middle + 8, top + 1)


def _elision(y: float, count: int) -> str:
    middle = _STATE + _STATE_WIDTH / 2
    return _text(middle, y + 17, "⋮", anchor="middle") + _text(
        _ANSWER, y + 17, f"{count} letters more", classes="title"
    )


def _in_words(steps: Sequence[Step]) -> str:
    """The drawing, for people who cannot see it."""
    answers = ", ".join(f"{visible(step.letter)} {step.answer} {percent(step.probability)}" for step in steps)
    return f"The network letter by letter, with its answer if the name ended there: {answers}"
