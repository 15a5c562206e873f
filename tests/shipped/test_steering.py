"""The units of the shipped language models that are said to be worth holding, held again."""

import pytest

from charplay.inference.held_units import HeldUnit
from charplay.interpret.steering_search import CONFIRMING_SEEDS, MIN_FREE, load_units, measure
from charplay.models import checkpoints

SHIPPED = sorted(checkpoints.SHIPPED_DIRECTORY.glob("speech*.safetensors"))
SPEECHES = [path for path in SHIPPED if path.stem != checkpoints.SPEECH_FILTER]


@pytest.mark.parametrize("path", SPEECHES, ids=lambda path: path.stem)
def test_a_held_unit_gives_what_the_list_says(path):
    found = load_units(path)
    assert found
    units = [HeldUnit(each["layer"], each["unit"], each["value"]) for each in found]
    free, *measured = measure(checkpoints.load(path), [None, *units], CONFIRMING_SEEDS)
    for each, texts in zip(found, measured, strict=True):
        name = each["more_of"]
        # Another processor rounds a softmax otherwise, and a text takes another turn: the share stays, not the text.
        assert texts.counts[name] == pytest.approx(each["held"], rel=0.5)
        assert texts.counts[name] > 2 * max(free.counts[name], MIN_FREE)
        assert texts.bits == pytest.approx(each["held_bits"], abs=0.3)


def test_the_default_model_has_units_for_quotes_capitals_and_line_ends():
    named = {each["more_of"] for each in load_units(checkpoints.find("speech"))}
    assert {"quotation marks", "capital letters", "line ends"} <= named
