"""What the shipped lesson says besides its computed figures, checked against the shipped models."""

import pytest

from charplay.lesson import steps
from charplay.lesson.answers import answer
from charplay.models import checkpoints


@pytest.fixture(scope="module")
def answers():
    """(step, answer) by title."""
    registry = checkpoints.load_all(*checkpoints.DIRECTORIES)
    found = {}
    for step in steps.load().steps:
        task = step.computation.task
        checkpoint = None if task == "decoders" else registry.default(task)
        found[step.title] = step, answer(step.computation.name, step.arguments, checkpoint)
    return found


def test_every_answer_can_be_chosen(answers):
    for step, found in answers.values():
        choices = (*found.choices, *step.choices)
        assert found.value in choices if choices else float(found.value) >= 0, step.title


def test_two_countries_are_likely_for_the_name_of_the_softmax(answers):
    _, found = answers["Softmax over 18 countries"]
    assert float(found.facts["second_probability"].split()[0]) > 15


def test_the_country_of_the_name_that_is_read_letter_by_letter_changes_on_the_road(answers):
    step, found = answers["Letter by letter"]
    assert 1 < len(found.value) < len(step.arguments["name"])


def test_the_pads_change_the_country(answers):
    _, found = answers["Packing, and the wrong answer without it"]
    assert found.value != found.facts["packed"]


def test_the_free_running_decoder_has_fewer_characters_right(answers):
    _, found = answers["Teacher forcing and exposure bias"]
    assert float(found.facts["free"]) < float(found.facts["forced"]) / 2


def test_the_uniform_guess_rounds_to_the_loss(answers):
    _, found = answers["Train your own"]
    assert float(found.value) == pytest.approx(float(found.facts["uniform"]), abs=0.1)
