"""A copy of a language model that learns from the text that it reads, beside the model as it was."""

import copy

import pytest
import torch

from charplay.evaluation.dynamic_evaluation import STEP_CHARACTERS, DynamicEvaluation, evaluate_dynamically
from charplay.evaluation.metrics import evaluate_speech
from tests.conftest import make_language_model

TEXT = "the cat sat on the mat, and the dog sat on the log. " * 12


@pytest.mark.parametrize("cell", ["rnn", "gru", "lstm"])
def test_fixed_weights_give_the_static_figure_and_the_model_stays_as_it_was(cell):
    model = make_language_model(cell)
    before = copy.deepcopy(model.state_dict())
    evaluation = DynamicEvaluation(model, learning_rate=1e-2)
    chunks = list(evaluation.read(TEXT))
    fixed = [bits for chunk in chunks for bits in chunk.fixed]
    assert len(fixed) == len(TEXT) - 1
    assert sum(fixed) / len(fixed) == pytest.approx(evaluate_speech(model, TEXT)["bits_per_character"], rel=1e-5)
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert not all(torch.equal(value, before[name]) for name, value in evaluation.adapted.state_dict().items())


def test_the_first_chunk_is_predicted_before_anything_is_learnt(language_model):
    first, second, *_ = DynamicEvaluation(language_model.model, learning_rate=1e-2).read(TEXT)
    assert first.dynamic == pytest.approx(first.fixed, rel=1e-5)
    assert second.dynamic != pytest.approx(second.fixed, rel=1e-5)
    assert len(first.fixed) == STEP_CHARACTERS


def test_without_a_learning_rate_both_are_the_same(language_model):
    for chunk in DynamicEvaluation(language_model.model, learning_rate=0.0).read(TEXT):
        assert chunk.dynamic == pytest.approx(chunk.fixed, rel=1e-5)


def test_a_text_that_repeats_itself_is_learnt(language_model):
    fixed = evaluate_speech(language_model.model, TEXT)["bits_per_character"]
    assert evaluate_dynamically(language_model.model, TEXT) < fixed
