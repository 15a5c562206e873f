import json
import math

import pytest
import torch

from charplay import limits
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.inference.held_units import HeldUnit
from charplay.interpret import steering_search
from charplay.interpret.steering import (
    COUNTED,
    MAX_READ_CHARACTERS,
    counts,
    most_increased,
    occurrences,
    read_bits,
    steering_cost,
)
from charplay.interpret.steering_search import FoundUnit, find_units, load_units, measure, save_units, write_held
from charplay.interpret.surprisal import surprisal_of
from charplay.models import checkpoints
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_language_model

TEXT = 'Yes, we can. You and I know it: 2 of 3 do!\n\n(Applause.) "Is that so?" said he.\nIt\'s $5.\n'


def test_what_is_counted_is_counted_where_it_occurs():
    per_text = {name: round(share * len(TEXT) / 1_000) for name, share in counts(TEXT).items()}
    assert per_text == {name: len(occurrences(TEXT, name)) for name in COUNTED}
    assert {
        name: per_text[name] for name in ("commas", "digits", "line ends", "brackets", "“I”", "“you”", "“the”")
    } == {
        "commas": 1,
        "digits": 3,
        "line ends": 4,
        "brackets": 2,
        "“I”": 1,
        "“you”": 1,
        "“the”": 0,
    }
    assert [TEXT[start:end] for start, end in occurrences(TEXT, "quotation marks")] == ['"', '"']
    assert set(counts("").values()) == {0.0}
    with pytest.raises(ValueError, match="name"):
        occurrences(TEXT, "pauses")


def test_the_largest_increase_is_named():
    assert most_increased("yes we can", "yes, we, can,") == "commas"
    assert most_increased("a, b", "a b") is None
    assert most_increased("", "") is None


@pytest.mark.parametrize("cell", CELLS)
def test_a_text_read_with_nothing_held_takes_its_surprisal(cell):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    text = "yes we can"
    cost = steering_cost(checkpoint, text, [1, 3, 8.0])
    assert cost["characters"] == len(text)
    assert cost["free"] == pytest.approx(surprisal_of(checkpoint, text)["bits_per_character"], abs=0.02)
    assert cost["held"] != cost["free"]
    assert read_bits(checkpoint, [text], [HeldUnit(1, 3, 8.0)]) == [cost["held"]]


def test_only_the_start_of_a_long_text_is_read(language_model):
    text = "yes we can " * 200
    cost = steering_cost(language_model, text, (1, 0, 1.0))
    assert cost == steering_cost(language_model, text[:MAX_READ_CHARACTERS], (1, 0, 1.0))
    assert steering_cost(language_model, "y", (1, 0, 1.0)) == {"characters": 1, "free": None, "held": None}
    for text, held in (("", (1, 0, 1.0)), ("yes", (9, 0, 1.0)), ("yes", (1, 0, 99)), ("yes", None), (7, (1, 0, 1.0))):
        with pytest.raises(ValueError):  # noqa: PT011 - each has a sentence of its own
            steering_cost(language_model, text, held)


@pytest.fixture
def wired():
    """A language model in which one unit is wired to the full stop."""
    checkpoint = make_checkpoint("speech", make_language_model("gru"))
    with torch.no_grad():
        checkpoint.model.linear.weight[ord(".")] = 0.0  # from no other
        checkpoint.model.linear.weight[ord("."), 5] = 0.5
    return checkpoint


@pytest.fixture
def short(monkeypatch):
    """A search over a few characters."""
    for name, value in {
        "SCREENED_CHARACTERS": 60,
        "TEXT_CHARACTERS": 100,
        "SEEDS": (1, 2),
        "CONFIRMING_SEEDS": (3, 4),
    }.items():
        monkeypatch.setattr(steering_search, name, value)


def test_a_unit_that_is_wired_to_the_full_stop_is_found(wired, short):
    found = {each["more_of"]: each for each in find_units(wired)}
    assert (found["full stops"]["layer"], found["full stops"]["unit"]) == (2, 5)
    assert found["full stops"]["value"] > 0
    assert found["full stops"]["held"] >= 3 * found["full stops"]["free"]
    assert len({each["unit"] for each in found.values()}) == len(found)


def test_each_figure_of_a_unit_found_is_that_of_other_texts_than_those_it_was_chosen_for(wired, short):
    seeds = steering_search.CONFIRMING_SEEDS
    assert not set(seeds) & set(steering_search.SEEDS)
    for each in find_units(wired, [(2, 5), (2, 6)]):
        unit = HeldUnit(each["layer"], each["unit"], each["value"])
        free, held = measure(wired, [None, unit], seeds)
        counted = [round(texts.counts[each["more_of"]], 1) for texts in (free, held)]
        assert [each["free"], each["held"]] == counted
        assert each["held_bits"] == round(held.bits, 3)
        assert each["unit"] in (5, 6)


def test_texts_are_written_as_each_request_alone_would_be(wired, monkeypatch):
    monkeypatch.setattr(steering_search, "BATCH_TEXTS", 3)
    unit = HeldUnit(2, 5, 8.0)
    written = write_held(wired, [None, unit], 40, (1, 2))
    for held, texts in zip((None, unit), written, strict=True):
        for seed, text in zip((1, 2), texts, strict=True):
            request = make_request(
                steering_search.PRIME,
                steering_search.TEMPERATURE,
                40,
                seed=seed,
                held=held,
                vocabulary=wired.vocabulary,
            )
            assert generate(wired, [request]) == [text]


def test_the_units_found_are_kept_beside_their_checkpoint_alone(tmp_path, wired):
    path = tmp_path / "mine.safetensors"
    checkpoints.save(path, wired)
    assert load_units(path) == []
    units = [
        FoundUnit(more_of="commas", layer=1, unit=5, value=8.0, free=1.0, held=9.0, free_bits=1.0, held_bits=1.2),
    ]
    written = save_units(path, units)
    assert load_units(path) == units
    with torch.no_grad():
        wired.model.linear.bias[0] += 1
    checkpoints.save(path, wired)
    assert load_units(path) == []  # they are those of another model
    for broken in ("", "[]", "{}", "null", json.dumps({"checkpoint": "x"})):
        written.write_text(broken)
        assert load_units(path) == []


def test_the_values_that_are_tried_can_be_held():
    for value in (*steering_search.SCREENED_VALUES, steering_search.MAX_VALUE, -steering_search.MAX_VALUE):
        assert math.isfinite(limits.HELD_VALUE.check(float(value)))
