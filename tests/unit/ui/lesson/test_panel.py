"""The panel holds no answer before it is due, and no markup of a lesson gets through; a lesson must fit the page."""

import json
import re

import pytest

from charplay.lesson import steps
from charplay.lesson.answer import Answer
from charplay.models.checkpoints import Registry
from charplay.ui.lesson.check import check
from charplay.ui.lesson.panel import Shown, is_right, panel_html
from tests.unit.lesson.test_steps import STEP, lesson

MARKUP = "<img src=x onerror=alert(1)>\"'&"
ANSWER = Answer(
    "Spanish", {"probability": "34.7 %", "second": "Greek", "second_probability": "1 %"}, ("Greek", "Spanish")
)
CURVES = Answer("B", {}, ("A", "B"), ((0.0, 1.0), (0.0, 0.0)))


def shown(**changes: object) -> Shown:
    return Shown(steps.read(lesson(**changes)), 1, "page")


def test_before_the_answer_is_due_neither_it_nor_what_follows_from_it_is_there():
    markup = panel_html(shown(answer_link="tab=names&name=Costa"), ANSWER, False)
    for hidden in ("34.7", "gets", "name=Costa", "lesson-answer", "lesson-value"):
        assert hidden not in markup
    assert markup.count("Spanish") == markup.count("Greek")  # as choices
    after = panel_html(shown(answer_link="tab=names&name=Costa"), ANSWER, True, "Greek")
    assert "Spanish gets 34.7 %" in after
    assert 'data-link="tab=names&amp;name=Costa"' in after
    assert re.search(r"<li>Greek <em>your prediction", after)


def test_markup_of_a_lesson_and_of_a_prediction_stays_text():
    texts = {name: f"{MARKUP} {{answer}}" for name in ("title", "text", "question", "why", "link", "answer_link")}
    answer = Answer(MARKUP, ANSWER.facts, (MARKUP, "b"))
    for is_answered in (False, True):
        markup = panel_html(shown(**texts, choices=[MARKUP]), answer, is_answered, MARKUP)
        assert "<img" not in markup
        assert not re.search(r'="[^"]*<', markup)


@pytest.mark.parametrize(
    ("answer", "element"),
    [
        (ANSWER, "<button type=\"submit\" name=\"choice\""),
        (ANSWER._replace(choices=tuple("abcdefghi")), "<select"),
        (ANSWER._replace(choices=()), 'type="number"'),
        (CURVES, "<polyline"),
    ],
)  # fmt: skip
def test_a_prediction_is_made_with_buttons_a_list_or_a_number(answer, element):
    why = {"why": "{answer}."}
    assert element in panel_html(shown(**why), answer, False)


@pytest.mark.parametrize(
    ("value", "prediction", "is_it"),
    [("97", "97", True), ("97", "97.0", True), ("97", "65", False), ("Greek", "Greek", True), ("t", "x", False),
     ("97", "nan", False), ("97", "", False)],
)  # fmt: skip
def test_a_number_is_right_however_it_is_typed(value, prediction, is_it):
    assert is_right(value, prediction) == is_it


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"link": "tab=nowhere"}, "link"),
        ({"link": "name=Costa"}, "tab"),
        ({"link": "tab=names&colour=red"}, "colour"),
        ({"answer_link": "tab=speech&temperature=9"}, "temperature"),
        ({"highlight": "nothing"}, "nothing"),
        ({"answer": {"compute": "country", "name": "Costa", "model": "other"}}, "other"),
    ],
)
def test_a_lesson_that_does_not_fit_the_page_is_refused_and_the_step_named(changes, named):
    registry = Registry({"names": {}, "speech": {}}, {})
    check(steps.read(json.dumps({"title": "T", "steps": [STEP]})), registry, {}, {"bars"})
    with pytest.raises(ValueError, match=rf"^Step 1: .*{named}.*\.$"):
        check(steps.read(lesson(**changes)), registry, {}, {"bars"})
