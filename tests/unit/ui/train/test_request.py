"""The values of the Train tab's form -> a request to train."""

import pytest

from charplay.training.data_summary import choose_recipe, read_user_data, summarize
from charplay.ui import controls
from charplay.ui.example_data import EXAMPLES
from charplay.ui.examples import EXAMPLES as LINKS
from charplay.ui.train.request import CHANGES, parse_request

FORM = {control.name: control.default for control in controls.BY_TAB["train"]} | {CHANGES: "{}"}


def request_of(example):
    values = FORM | {control.name: value for control, value in example.values.items()}
    return parse_request(values | {controls.PASTED_DATA.name: EXAMPLES[values[controls.DATA_KIND.name]]}, None)


@pytest.mark.parametrize("example", LINKS["train"], ids=lambda example: example.label)
def test_each_example_of_the_tab_can_be_trained(example):
    request = request_of(example)
    if example.values[controls.SOURCE] == controls.BUILT_IN:
        assert request.data == {"built_in": True}
        return
    options = {key: value for key, value in request.data.items() if key != "text"}
    data = read_user_data(request.task, request.data["text"], options)
    summary = summarize(data, choose_recipe(request.task, data, request.preset, request.changes))
    assert summary["task"] == request.task
    assert summary["validation"] > 0


def test_examples_of_both_sources_are_invented():
    invented = [example for example in LINKS["train"] if request_of(example).task == "invent"]
    assert {example.values[controls.SOURCE] for example in invented} == {controls.PASTE, controls.BUILT_IN}
