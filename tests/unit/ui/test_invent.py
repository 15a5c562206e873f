"""The Invent tab without a page."""

import json
from dataclasses import replace

import pytest
import torch

from charplay import limits
from charplay.data.vocabulary import END_OF_TEXT
from charplay.inference.invent import make_invent_request
from charplay.interpret.writing import MAX_LETTERS, writing_steps
from charplay.models.text_filter import add_texts
from charplay.ui import controls
from charplay.ui.invent.listing import Invented, InventedList, chosen_html, judge, list_html, parse_field, stats_html
from charplay.ui.invent.tab import _class_updates, _read_mixture
from charplay.ui.widgets.writing import writing
from tests.conftest import make_checkpoint

NAMES = InventedList(
    "invent",
    [0.5, 0.5],
    0.8,
    7,
    [Invented("Ros<b>si", [("Italian", 0.9), ("Czech", 0.1)], True), Invented("O'Ni", [("Irish", 1.0)], False)],
)


@pytest.fixture
def inventor():
    return make_checkpoint("invent")


def test_a_list_survives_its_hidden_field():
    assert parse_field(NAMES.as_field()) == NAMES


@pytest.mark.parametrize(
    "field", [None, 3, "", "[]", "{}", '{"names": 3}', "[" * 100_000, '{"names": [{}]}', "x" * 10**6]
)
def test_any_other_field_is_refused(field):
    with pytest.raises(ValueError, match="press Invent"):
        parse_field(field)


def test_the_longest_list_fits_its_field():
    longest = Invented("\u0100" * limits.MAX_INVENTED_CHARACTERS, [("\u0100" * 10, 0.3333)] * 3, False)
    names = InventedList("invent", [1 / 3] * 18, 0.8, 2**32 - 1, [longest] * int(limits.INVENTED.high))
    assert parse_field(names.as_field()) == names


def test_names_are_judged_and_known_ones_marked(inventor):
    add_texts(inventor.model.seen, ["rossi"])
    result = {"name": "", "normalized": "", "country": "Italian", "probabilities": {"Czech": 0.3, "Italian": 0.7}}
    known, other = judge(inventor, ["rossi", "rossj"], [result, result])
    assert (known.is_known, other.is_known) == (True, False)
    assert known.answers == [("Italian", 0.7), ("Czech", 0.3)]


def test_markup_in_a_name_is_text():
    shown = list_html(NAMES.names, ["Italian"], "<i>x") + chosen_html(NAMES.names[0], NAMES.names)
    assert "<b>si" not in shown
    assert "<i>x" not in shown
    assert shown.count("<button") == 2
    assert "known" in shown
    assert "seed" in stats_html(NAMES, 3, ["Italian"])


def test_the_steps_of_a_name_are_those_it_was_sampled_from(inventor):
    request = make_invent_request(inventor, {"Irish": 1, "Greek": 3}, 1, 0.8, seed=1)
    steps = writing_steps(inventor, "rossi", request.mixture, 0.8)
    with torch.no_grad():
        logits, _ = inventor.model(torch.tensor([[*b"rossi"]]), torch.tensor([request.mixture]))
    mask = inventor.sampling_mask()
    expected = ((logits[0] + mask) / 0.8).softmax(1)
    assert len(steps) == 6
    assert END_OF_TEXT not in dict(steps[0]["likeliest"])
    for step, row in zip(steps[1:], expected[1:], strict=True):
        assert len(step["likeliest"]) == MAX_LETTERS
        for character, share in step["likeliest"]:
            assert share == pytest.approx(row[ord(character)].item(), abs=1e-5)
    json.dumps(steps)


@pytest.mark.parametrize(
    "changes",
    [
        {"text": "x" * (limits.MAX_INVENTED_CHARACTERS + 1)},
        {"text": 3},
        {"temperature": 3},
        {"mixture": [1.0]},
        {"mixture": [float("nan")] * 18},
    ],
)
def test_steps_of_something_else_are_refused(inventor, changes):
    with pytest.raises(ValueError, match=r".+\.$"):
        writing_steps(inventor, **{"text": "abc", "mixture": [1 / 18] * 18, "temperature": 0.8, **changes})


def test_a_drawing_has_a_column_for_each_letter_and_the_end():
    steps = [([("a", 0.5), (END_OF_TEXT, 0.25)], [0.1, -0.1])] * 3
    drawn = writing("ab", "Italian", steps, END_OF_TEXT)
    assert drawn.count('<td class="fed-back">') == 2
    assert drawn.count('<td class="follows"') == 2  # the a, and the end; b is none of the likeliest
    assert drawn.count('class="given"') == 1


def test_without_a_classifier_nothing_is_said_of_classes(inventor):
    invented = judge(inventor, ["<i>ada"], None)
    names = InventedList("yours 1", [1.0], 0.8, 7, invented)
    assert parse_field(names.as_field()) == names
    shown = list_html(invented, ["a & b"]) + stats_html(names, 1, ["a & b"]) + chosen_html(invented[0], invented, False)
    assert "<i>" not in shown
    assert "answer" not in shown
    assert "href" not in shown


def test_a_class_may_be_called_nothing():
    assert _read_mixture(["nothing", "b"], "b", "nothing", 0.25) == {"b": 0.75, "nothing": 0.25}
    assert _read_mixture(["nothing", "b"], "b", controls.NOTHING, 0.25) == {"b": 1.0}
    with pytest.raises(ValueError, match="class"):
        _read_mixture(["nothing", "b"], "Italian", controls.NOTHING, 0.25)


def test_the_classes_of_another_model_are_offered(inventor):
    first, second, share = _class_updates(inventor)
    assert (first["value"], first["label"]) == ("Italian", "Country")
    markup = replace(inventor, classes=("<b>", "nothing"))
    first, second, share = _class_updates(markup)
    assert (first["value"], first["label"], first["choices"]) == ("<b>", "Class", ["<b>", "nothing"])
    assert len({value for _, value in second["choices"]}) == 3
    assert "class" in share["label"]
