"""A lesson is checked whole, and what is wrong with it is named in one sentence."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from charplay import limits
from charplay.lesson import steps

STEP = {
    "title": "Softmax",
    "text": "Scores become probabilities.",
    "link": "tab=names&name=",
    "highlight": "bars",
    "question": "Which country?",
    "answer": {"compute": "country", "name": "Costa"},
    "why": "{answer} gets {probability}. The rest share what is left.",
}


def lesson(**changes: object) -> str:
    """The JSON of a lesson of one step; a change to None leaves the field out."""
    return json.dumps({"title": "T", "steps": [{k: v for k, v in (STEP | changes).items() if v is not None}]})


def test_the_shipped_lesson_is_valid_and_goes_by_the_slides():
    shipped = steps.load()
    assert len(shipped.steps) == 12
    assert [step.computation.task for step in shipped.steps].count("decoders") == 1
    for step in shipped.steps:
        assert step.why.count(". ") + step.why.endswith(".") == 2  # sentences


def test_a_step_is_read_as_it_stands():
    [step] = steps.read(lesson(choices=["none"], answer_link="tab=names&name=Costa")).steps
    assert (step.title, step.choices, step.computation.name, step.arguments) == (
        "Softmax", ("none",), "country", {"name": "Costa"},
    )  # fmt: skip
    assert step.explain({"answer": "{probability}", "probability": "90 %"}).startswith("{probability} gets 90 %")


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"title": None}, "title"),
        ({"title": " "}, "title"),
        ({"title": "x" * (limits.MAX_LESSON_TEXT_CHARACTERS + 1)}, "title"),
        ({"text": 5}, "text"),
        ({"text": "a\nb"}, "text"),
        ({"colour": "red"}, "colour"),
        ({"highlight": "#bars, body"}, "highlight"),
        ({"highlight": "bars}body{"}, "highlight"),
        ({"why": "{secret} is it."}, "secret"),
        ({"why": "{} is it."}, "why"),
        ({"choices": "yes"}, "choices"),
        ({"choices": [1]}, "choice"),
        ({"choices": ["a"] * (limits.MAX_LESSON_CHOICES + 1)}, "choices"),
        ({"answer": "Spanish"}, "answer"),
        ({"answer": {"compute": "eval", "code": "1"}}, "compute"),
        ({"answer": {"compute": "country"}}, "name"),
        ({"answer": {"compute": "country", "name": "x" * 65}}, "name"),
        ({"answer": {"compute": "country", "name": "a", "value": "Spanish"}}, "value"),
        ({"answer": {"compute": "pads", "names": "abc"}}, "names"),
        ({"answer": {"compute": "pads", "names": []}}, "names"),
        ({"answer": {"compute": "code", "character": "é"}}, "character"),
        ({"answer": {"compute": "untrained_loss", "labels": 10**9}}, "labels"),
    ],
)
def test_what_is_wrong_with_a_step_is_named(changes, named):
    with pytest.raises(ValueError, match=rf"^Step 1: .*{named}.*\.$"):
        steps.read(lesson(**changes))


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", "{}", '{"title": "T", "steps": []}', '{"title": "T", "steps": {}}', "[" * 100_000, None,
     json.dumps({"title": "T", "steps": [STEP] * 41}), "x" * (limits.MAX_LESSON_CHARACTERS + 1)],
)  # fmt: skip
def test_what_is_no_lesson_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"\.$"):
        steps.read(text)


def test_a_file_that_is_missing_or_no_text_is_named(tmp_path):
    (tmp_path / "b.json").write_bytes(b"\xff\xfe\x00")
    for name in ("a.json", "b.json"):
        with pytest.raises(ValueError, match=name):
            steps.load(tmp_path / name)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
)


@given(st.sampled_from([*STEP, "choices", "answer_link"]), JSON)
def test_no_value_of_a_field_breaks_the_reading(name, value):
    try:
        read = steps.read(json.dumps({"title": "T", "steps": [STEP | {name: value}]}))
    except ValueError as error:
        str(error).encode()
    else:
        assert len(read.steps) == 1


@given(st.sampled_from(["name", "model", "names", "labels", "epochs", "target", "temperatures", "seed"]), JSON)
def test_no_argument_of_an_answer_breaks_the_reading(name, value):
    for computation in steps.COMPUTATIONS:
        try:
            steps.read(lesson(answer={"compute": computation, name: value}))
        except ValueError as error:
            str(error).encode()
