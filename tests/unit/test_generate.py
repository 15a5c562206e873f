from dataclasses import replace

import pytest
import torch

from charplay.generate import draw, generate, in_chunks, make_request
from charplay.models import CELLS
from charplay.text import encode
from tests.conftest import make_checkpoint, make_language_model

ALL = torch.ones(128, dtype=torch.bool)


def text_of(checkpoint, **fields):
    return "".join(generate(checkpoint, make_request(**{"prime": "yes we ", "length": 50, **fields})))


@pytest.mark.parametrize("cell", CELLS)
def test_the_same_seed_gives_the_same_text(cell):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    assert text_of(checkpoint, seed=7) == text_of(checkpoint, seed=7)
    assert text_of(checkpoint, seed=7) != text_of(checkpoint, seed=8)
    assert len(text_of(checkpoint, seed=7)) == 50


@pytest.mark.parametrize("cell", CELLS)
def test_at_temperature_zero_each_character_is_the_likeliest_of_a_fresh_run_over_all_before_it(cell):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    text, seen = "yes we ", set(checkpoint.alphabet)
    for character in text_of(checkpoint, temperature=0, length=10):
        logits = checkpoint.model(encode(text)[None])[0][0, -1]
        best = max((code for code in range(128) if chr(code) in seen), key=lambda code: logits[code])
        assert character == chr(best)
        text += character


def test_only_characters_seen_in_training_are_drawn(language_model):
    text = text_of(language_model, temperature=2.0, length=2000, seed=1)
    assert set(text) <= set(language_model.alphabet)
    assert len(set(text)) > 20


def test_the_prime_length_says_how_much_of_the_prime_is_read(language_model):
    fields = {"temperature": 0, "length": 20}
    short = text_of(language_model, prime="yes", **fields)
    assert text_of(language_model, prime="no no no yes", prime_length=3, **fields) == short
    whole = make_request("yes", prime_length=2000)
    assert whole.prime_length == 3


def test_draws_follow_the_softmax_at_the_temperature():
    logits = torch.full((128,), -torch.inf)
    logits[97], logits[98] = 1.0, 0.0
    for temperature in (0.5, 1.0, 2.0):
        generator = torch.Generator().manual_seed(0)
        drawn = [draw(logits, temperature, 0, ALL, generator) for _ in range(4000)]
        expected = torch.sigmoid(torch.tensor(1 / temperature)).item()
        assert drawn.count(97) / len(drawn) == pytest.approx(expected, abs=0.025)


@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-6, 0.1])
def test_a_temperature_near_zero_does_not_overflow(temperature):
    logits = torch.linspace(-40, 40, 128)
    assert draw(logits, temperature, 0, ALL, torch.Generator().manual_seed(0)) == 127


def test_top_k_draws_among_the_likeliest_alone():
    logits = torch.linspace(0, 1, 128)
    generator = torch.Generator().manual_seed(0)
    assert {draw(logits, 2.0, 3, ALL, generator) for _ in range(200)} == {125, 126, 127}
    few = torch.zeros(128, dtype=torch.bool)
    few[[5, 6]] = True
    assert {draw(logits, 2.0, 50, few, generator) for _ in range(100)} == {5, 6}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("temperature", -1),
        ("temperature", float("nan")),
        ("temperature", "warm"),
        ("temperature", [0.5]),
        ("temperature", 1e9),
        ("length", 0),
        ("length", 10**6),
        ("prime_length", 0),
        ("prime_length", "3"),
        ("top_k", -1),
        ("top_k", 129),
        ("seed", -1),
        ("seed", 2**32),
        ("seed", 1.5),
    ],
)
def test_fields_out_of_bounds_are_refused_with_the_bounds_named(field, value):
    with pytest.raises(ValueError, match=r"must be .* from .* to "):
        make_request("yes", **{field: value})


def test_without_a_seed_there_is_a_new_one_each_time():
    assert len({make_request("yes").seed for _ in range(20)}) > 1


def test_chunks_hold_every_character_once(language_model):
    request = replace(make_request("yes", seed=3), length=40)
    whole = "".join(generate(language_model, request))
    assert "".join(in_chunks(generate(language_model, request), seconds=0)) == whole
    assert list(in_chunks(iter("abc"), seconds=60)) == ["abc"]
    assert list(in_chunks(iter("abc"), seconds=0)) == ["a", "b", "c"]
