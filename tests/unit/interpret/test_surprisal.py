"""Surprisal against `evaluate`, candidates against a fresh softmax."""

import math

import pytest
import torch

from charplay import limits
from charplay.data.vocabulary import ASCII
from charplay.evaluation.metrics import evaluate_speech
from charplay.inference.long_text import forward_pass
from charplay.interpret.surprisal import MAX_CANDIDATES, candidates_at, likeliest_next, surprisal_of
from charplay.models.networks import CELLS, STATE_UNITS
from tests.conftest import make_checkpoint, make_language_model

TEXT = "ask not what your country can do for you.\n{Never} seen in training: <b>&amp;</b>"


@pytest.mark.parametrize("cell", CELLS)
def test_the_mean_surprisal_is_what_evaluate_measures(cell):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    result = surprisal_of(checkpoint, TEXT)
    measured = evaluate_speech(checkpoint.model, TEXT)
    assert (result["text"], result["characters"]) == (TEXT, measured["characters"])
    assert result["bits_per_character"] == pytest.approx(measured["bits_per_character"], abs=1e-5)
    assert result["bits"][0] is None
    assert sum(result["bits"][1:]) == pytest.approx(measured["bits_per_character"] * (len(TEXT) - 1), rel=1e-5)


def test_a_single_character_has_no_surprisal(language_model):
    result = surprisal_of(language_model, "x")
    assert (result["bits"], result["bits_per_character"]) == ([None], None)


@pytest.mark.parametrize("temperature", [0, 0.3, 1, 2])
def test_candidates_are_the_two_softmaxes_of_a_fresh_call(language_model, temperature):
    for at in (1, 9, len(TEXT) - 1, len(TEXT)):
        with torch.no_grad():
            logits = language_model.model(ASCII.encode(TEXT[:at])[None])[0][0, -1].double()
        plain, drawn = logits.softmax(0), torch.full((128,), -math.inf, dtype=torch.float64)
        known = ASCII.encode(language_model.alphabet)
        drawn[known] = logits[known] / temperature if temperature else logits[known]
        tempered = drawn.softmax(0) if temperature else torch.eye(128, dtype=torch.float64)[drawn.argmax()]
        result = candidates_at(language_model, TEXT, at, temperature)
        codes = [ord(character) for character in result["characters"]]
        assert len(codes) == MAX_CANDIDATES
        assert result["probabilities"] == sorted(result["probabilities"], reverse=True)
        assert result["probabilities"] == pytest.approx(plain.topk(MAX_CANDIDATES).values.tolist(), abs=1e-6)
        assert result["probabilities"] == pytest.approx(plain[codes].tolist(), abs=1e-6)
        assert result["tempered"] == pytest.approx(tempered[codes].tolist(), abs=1e-5)
        if at == len(TEXT):
            assert result["true"] is result["rank"] is result["true_probability"] is None
            continue
        assert result["true"] == TEXT[at]
        assert -math.log2(result["true_probability"]) == pytest.approx(surprisal_of(language_model, TEXT)["bits"][at])
        assert result["true_tempered"] == pytest.approx(tempered[ord(TEXT[at])].item(), abs=1e-5)
        assert result["rank"] == 1 + (plain > plain[ord(TEXT[at])]).sum()


def test_a_character_unseen_in_training_has_a_probability_and_is_never_sampled(language_model):
    at = TEXT.index("{")
    result = candidates_at(language_model, TEXT, at, 1)
    assert result["true_probability"] > 0
    assert result["true_tempered"] == 0


@pytest.mark.parametrize(
    ("at", "temperature"),
    [(0, 1), (len(TEXT) + 1, 1), (-1, 1), (1.5, 1), ("3", 1), (None, 1), (True, 1), (3, -1), (3, math.nan), (3, "hot")],
)
def test_a_position_or_temperature_out_of_bounds_is_refused(language_model, at, temperature):
    with pytest.raises(ValueError, match="must be a"):
        candidates_at(language_model, TEXT, at, temperature)


def test_a_text_of_the_largest_size_is_accepted(language_model):
    assert (
        surprisal_of(language_model, "x" * limits.MAX_DOCUMENT_CHARACTERS)["characters"]
        == limits.MAX_DOCUMENT_CHARACTERS
    )


def test_the_likeliest_next_characters_are_those_of_the_plain_softmax(language_model):
    text = "my fellow americans"
    found = likeliest_next(language_model, text, 5)
    with torch.no_grad():
        probabilities = language_model.model(ASCII.encode(text)[None])[0][0, -5:].softmax(1)
    assert len(found) == 5
    hidden = forward_pass(language_model.model, text).hidden[-1, -5:]
    for row, state in zip(found, hidden, strict=True):
        assert row["state"] == pytest.approx(state[:STATE_UNITS].tolist(), abs=1e-3)
    for row, expected in zip(found, probabilities, strict=True):
        assert [ord(character) for character, _ in row["likeliest"]] == expected.argsort(descending=True)[:3].tolist()
        for character, share in row["likeliest"]:
            assert share == pytest.approx(expected[ord(character)].item(), abs=1e-5)
    assert len(likeliest_next(language_model, "ab", 64)) == 2
