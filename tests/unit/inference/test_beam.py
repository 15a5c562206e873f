"""Beam search against greedy decoding, against every text there is, and against the probabilities of one text."""

import itertools
import math

import pytest
import torch
from torch.nn.functional import cross_entropy

from charplay.inference import beam
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.inference.products import UnroundedProduct
from charplay.inference.quantized import QuantizedStep
from charplay.interpret.surprisal import surprisal_of
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_language_model

PRIME = "the cat"


@pytest.fixture(params=CELLS)
def checkpoint(request, monkeypatch):
    """With products that are not quantized, so that probabilities are those of the network."""
    monkeypatch.setattr(beam, "QuantizedStep", lambda model: QuantizedStep(model, UnroundedProduct))
    return make_checkpoint("speech", make_language_model(request.param))


def bits(checkpoint, continuation: str) -> float:
    found = surprisal_of(checkpoint, PRIME + continuation)["bits"][len(PRIME) :]
    return sum(found) / len(found)


@torch.inference_mode()
def bits_of_all(checkpoint, continuations: list[str]) -> list[float]:
    """As `bits`, of continuations of the same length at once."""
    codes = torch.stack([checkpoint.vocabulary.encode(PRIME + each) for each in continuations])  # (texts, time)
    logits, _ = checkpoint.model(codes[:, :-1])
    losses = cross_entropy(logits.transpose(1, 2), codes[:, 1:], reduction="none")[:, len(PRIME) - 1 :]
    return (losses.mean(1) / math.log(2)).tolist()


def test_width_one_takes_the_likeliest_character_each_time(language_model):
    greedy = generate(language_model, [make_request(PRIME, 0, 40)])[0]
    assert beam.beam_search(language_model, PRIME, 1, 40)["text"] == greedy


@pytest.mark.parametrize("width", [1, 4, 16])
def test_its_bits_are_those_of_the_text_among_the_characters_of_training(checkpoint, width):
    found = beam.beam_search(checkpoint, PRIME, width, 12)
    # The model's own softmax is over all codes: the text is likelier among those that can be sampled.
    assert 0 <= found["bits_per_character"] <= bits(checkpoint, found["text"]) + 1e-4


def test_a_beam_as_wide_as_there_are_texts_finds_the_likeliest_of_all(checkpoint):
    texts = ["".join(pair) for pair in itertools.product(sorted(checkpoint.alphabet)[:40], repeat=2)]
    all_bits = bits_of_all(checkpoint, texts)
    assert all_bits[0] == pytest.approx(bits(checkpoint, texts[0]), abs=1e-4)
    found = beam.beam_search(checkpoint, PRIME, 16, 2)["text"]
    assert bits(checkpoint, found) <= min(all_bits) + 1e-4


@pytest.mark.parametrize(("width", "length"), [(0, 5), (17, 5), (2.5, 5), (2, 0), (2, 301)])
def test_what_is_out_of_bounds_is_a_sentence(language_model, width, length):
    with pytest.raises(ValueError, match="must be"):
        beam.beam_search(language_model, PRIME, width, length)
