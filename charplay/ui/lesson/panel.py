"""The panel of a lesson's step as HTML: what it says, what it asks and, once that is due, the answer.

Every text of a lesson is escaped here. The answer and what follows from it are in the HTML only once they are due.
"""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

from charplay.lesson.answer import Answer
from charplay.lesson.steps import Lesson, Step
from charplay.ui import html

MAX_BUTTONS = 8  # choices that have a button each; of more one is selected from a list
_WIDTH, _HEIGHT = 120, 44  # of a curve


class Shown(NamedTuple):
    """What is shown of a lesson."""

    lesson: Lesson
    number: int  # of the step, from 1
    source: str  # whose lesson it is: "page", "own" or "upload"
    problem: str = ""  # with an upload, or with computing the answer

    @property
    def step(self) -> Step:
        """The step that is shown."""
        return self.lesson.steps[self.number - 1]


def panel_html(shown: Shown, answer: Answer | None, is_answered: bool, prediction: str = "") -> str:
    """The panel (HTML).

    Args:
        shown: lesson and step.
        answer: of the step; None: it could not be computed.
        is_answered: whether the answer is shown.
        prediction: of the learner; empty: there is none.
    """
    step, steps = shown.step, len(shown.lesson.steps)
    data = {"step": shown.number, "source": shown.source, "highlight": step.highlight, "link": step.link}
    if is_answered and answer is not None:
        data |= {"answered": 1, "link": step.answer_link}
    attributes = " ".join(f'data-{name}="{escape(str(value))}"' for name, value in data.items())
    problem = f'<div class="lesson-problem" tabindex="-1">{html.problem(shown.problem)}</div>' if shown.problem else ""
    return (
        f'<section class="lesson-panel" aria-label="Lesson" {attributes}>'
        f'<div class="lesson-head"><span>Step {shown.number} of {steps}: {escape(shown.lesson.title)}</span>'
        '<button type="button" data-lesson="close" aria-label="Close the lesson">✕</button></div>'
        f'<h2 tabindex="-1">{escape(step.title)}</h2><p>{escape(step.text)}</p>'
        f"{problem}{_question(step, answer, is_answered, prediction) if answer is not None else ''}"
        f"{_navigation(shown.number, steps)}{_OWN_LESSON}</section>"
    )


def _question(step: Step, answer: Answer, is_answered: bool, prediction: str) -> str:
    question = f'<p class="lesson-question" id="lesson-question">{escape(step.question)}</p>'
    choices = (*answer.choices, *step.choices)
    if is_answered:
        marked = _marked(choices, answer, prediction) if 0 < len(choices) <= MAX_BUTTONS else ""
        verdict = _verdict(answer.value, prediction, bool(marked))
        why = step.explain(answer.facts | {"answer": answer.value})
        return f'{question}{marked}<div class="lesson-answer" tabindex="-1">{verdict}<p>{escape(why)}</p></div>'
    show = '<button type="submit" value="" formnovalidate>Show the answer</button>'
    return (
        f'<form aria-labelledby="lesson-question">{question}{_inputs(choices, answer.curves)}'
        f'<div class="lesson-row">{show}</div></form>'
    )


def _inputs(choices: Sequence[str], curves: Sequence[Sequence[float]]) -> str:
    """What the prediction is made with: a button for each choice, a list of many, or a number."""
    if not choices:
        return (
            '<div class="lesson-row"><input type="number" step="any" name="prediction" required '
            'aria-label="Your prediction"><button type="submit" value="predict">Predict</button></div>'
        )
    if len(choices) > MAX_BUTTONS:
        options = "".join(f"<option>{escape(each)}</option>" for each in choices)
        return (
            '<div class="lesson-row"><select name="prediction" translate="no" required aria-label="Your prediction">'
            f'<option value="">choose…</option>{options}</select>'
            '<button type="submit" value="predict">Predict</button></div>'
        )
    buttons = (
        f'<button type="submit" name="choice" value="{escape(each)}">{_choice(each, index, curves)}</button>'
        for index, each in enumerate(choices)
    )
    return f'<div class="{_choices_class(choices)}" translate="no">{"".join(buttons)}</div>'


def _choices_class(choices: Sequence[str]) -> str:
    is_long = max(map(len, choices)) > 24
    return "lesson-choices long" if is_long else "lesson-choices"


def _choice(label: str, index: int, curves: Sequence[Sequence[float]]) -> str:
    return f"<span>{escape(label)}</span>{_curve(curves, index)}" if index < len(curves) else escape(label)


def _curve(curves: Sequence[Sequence[float]], index: int) -> str:
    """A curve as SVG, on the scale of all."""
    highest, points = max(max(map(max, curves)), 1e-9), curves[index]
    step = _WIDTH / max(len(points) - 1, 1)
    heights = [_HEIGHT - 4 - (_HEIGHT - 8) * value / highest for value in points]
    line = " ".join(f"{number * step:.1f},{height:.1f}" for number, height in enumerate(heights))
    label = f"from {points[0]:g} to {points[-1]:g} at its end"
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">'
        f'<polyline points="{line}" fill="none" stroke="currentColor" stroke-width="2.5"/></svg>'
    )


def _marked(choices: Sequence[str], answer: Answer, prediction: str) -> str:
    """The choices, with the answer and the prediction marked."""
    items = []
    for index, each in enumerate(choices):
        marks = ["✓ the answer"] if each == answer.value else []
        marks += ["your prediction"] if each == prediction else []
        mark = f" <em>{', '.join(marks)}</em>" if marks else ""
        name = ' class="lesson-value"' if each == answer.value else ""
        items.append(f"<li{name}>{_choice(each, index, answer.curves)}{mark}</li>")
    return f'<ul class="{_choices_class(choices)}" translate="no">{"".join(items)}</ul>'


def _verdict(value: str, prediction: str, is_marked: bool) -> str:
    """What became of the prediction, and the answer where no choice is marked as it."""
    answer = "" if is_marked else f'The answer: <b class="lesson-value" translate="no">{escape(value)}</b>'
    if not prediction:
        judged = ""
    elif is_right(value, prediction):
        judged = "As you predicted. "
    else:
        judged = "Not what you predicted. " if is_marked else f"You predicted {escape(prediction)}. "
    return f'<p class="lesson-verdict">{judged}{answer}</p>' if judged or answer else ""


def is_right(value: str, prediction: str) -> bool:
    """Whether a prediction is the answer; of numbers, whether they are equal."""
    try:
        return value == prediction or float(value) == float(prediction)
    except ValueError:
        return False


def _navigation(number: int, steps: int) -> str:
    back = '<button type="button" data-lesson="back">Back</button>' if number > 1 else ""
    following = (
        '<button type="button" data-lesson="next" class="primary">Next</button>'
        if number < steps
        else '<button type="button" data-lesson="close" class="primary">Finish</button>'
    )
    find = '<button type="button" data-lesson="find">Show on the page</button>'
    return f'<div class="lesson-row lesson-navigation">{back}{following}{find}</div>'


_OWN_LESSON = (
    '<details class="lesson-own"><summary>A lesson of your own</summary><label>A JSON file, which stays in this page '
    'alone: <input type="file" accept=".json,application/json" data-lesson="file"></label></details>'
)
