"""What the page says of its examples, checked against the shipped models."""

import pytest

from charplay.inference.classify import classify
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.interpret.unmasked import compare_unmasked, has_flipped
from charplay.models import checkpoints
from charplay.models.networks import CELLS
from charplay.training.teacher_forcing import DecoderPair, make_settings
from charplay.ui import controls, examples


@pytest.fixture(scope="module")
def registry() -> checkpoints.Registry:
    return checkpoints.load_all(*checkpoints.DIRECTORIES)


def test_the_dividing_names_have_another_country_for_each_cell(registry):
    models = [registry.models["names"][f"names-{cell}"] for cell in CELLS]
    answers = [[each["country"] for each in classify(model, list(examples.DIVIDING_NAMES))] for model in models]
    for of_name in zip(*answers, strict=True):
        assert len(set(of_name)) == len(CELLS)


@pytest.mark.parametrize("batch", examples.FLIPPING_BATCHES)
def test_a_name_of_each_batch_changes_its_country_when_its_pads_are_read(registry, batch):
    names = batch.split("\n")
    compared = compare_unmasked(registry.default("names"), names, max(map(len, names)))
    assert any(map(has_flipped, compared))


def test_the_continuation_at_temperature_0_repeats_itself(registry):
    request = make_request(examples.LOOPING_PRIME, 0, controls.LENGTH.default, seed=1)
    [text] = generate(registry.default("speech"), [request])
    windows = [text[start : start + 30] for start in range(len(text) - 30)]
    assert len(set(windows)) < len(windows) - 30


def test_the_line_of_applause_is_one_and_ends(registry):
    prime, temperature, length = examples.LINE_PRIME, controls.TEMPERATURE.default, controls.LENGTH.default
    request = make_request(prime, temperature, length, seed=int(examples.LINE_SEED), until="\n")
    [text] = generate(registry.default("speech"), [request])
    assert "(Applause.)" in text
    assert text.endswith("\n")


@pytest.mark.parametrize("target", examples.DERAILING_TARGETS)
def test_a_derailing_target_is_worse_free_running_than_teacher_forced(target):
    defaults = (controls.DECODER_CELL, controls.DECODER_SIZE, controls.DECODER_RATE, controls.DECODER_SEED)
    pair = DecoderPair(make_settings(target, *(control.default for control in defaults), controls.RATIO.default))
    for _ in range(examples.DERAILING_EPOCH):
        pair.advance()
    _, teacher_forced, free_running, *_ = pair.history[-1]
    assert free_running < teacher_forced
