import numpy as np
import pytest
import torch

from charplay.data.vocabulary import ASCII
from charplay.inference.generate import generate, next_character
from charplay.inference.generation import Generation, make_request
from charplay.inference.sampling import sample
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_language_model


def text_of(checkpoint, **fields):
    [text] = generate(checkpoint, [make_request(**{"prime": "yes we ", "length": 50, **fields})])
    return text


def sample_many(logits, temperature, count, top_k=None):
    """`count` codes sampled from the same logits with the successive random numbers of one generation."""
    generation = Generation(make_request("x", temperature, length=10_000, seed=0))
    uniforms = []
    for _ in range(count):
        uniforms.append(generation.uniform)
        generation.append(97, False)
    rows = np.tile(logits.numpy(), (count, 1))
    inverse_temperatures = np.full(count, generation.inverse_temperature, np.float32)
    top_k = None if top_k is None else np.full(count, top_k)
    mask = np.zeros(len(logits), np.float32)
    return sample(rows, mask, inverse_temperatures, np.array(uniforms), top_k).tolist()


@pytest.mark.parametrize("cell", CELLS)
def test_the_same_seed_gives_the_same_text(cell):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    assert text_of(checkpoint, seed=7) == text_of(checkpoint, seed=7)
    assert text_of(checkpoint, seed=7) != text_of(checkpoint, seed=8)
    assert len(text_of(checkpoint, seed=7)) == 50


@pytest.mark.parametrize("cell", CELLS)
def test_at_temperature_zero_each_character_is_the_argmax_of_a_forward_over_the_text_before_it(cell):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    text, seen = "yes we ", set(checkpoint.alphabet)
    for character in text_of(checkpoint, temperature=0, length=10):
        logits = checkpoint.model(ASCII.encode(text)[None])[0][0, -1]
        best = max((code for code in range(128) if chr(code) in seen), key=lambda code: logits[code])
        assert character == chr(best)
        text += character


def test_only_characters_seen_in_training_are_sampled(language_model):
    text = text_of(language_model, temperature=2.0, length=2000, seed=1)
    assert set(text) <= set(language_model.alphabet)
    assert len(set(text)) > 20


def test_only_the_last_prime_length_characters_of_the_prime_are_read(language_model):
    fields = {"temperature": 0, "length": 20}
    short = text_of(language_model, prime="yes", **fields)
    assert text_of(language_model, prime="no no no yes", prime_length=3, **fields) == short
    whole = make_request("yes", prime_length=2000)
    assert whole.prime_length == 3


def test_samples_follow_the_softmax_at_the_temperature():
    logits = torch.full((128,), -torch.inf)
    logits[97], logits[98] = 1.0, 0.0
    for temperature in (0.5, 1.0, 2.0):
        codes = sample_many(logits, temperature, 4000)
        expected = torch.sigmoid(torch.tensor(1 / temperature)).item()
        assert codes.count(97) / len(codes) == pytest.approx(expected, abs=0.025)
        assert codes.count(97) + codes.count(98) == 4000


@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-6, 0.1])
def test_a_temperature_near_zero_does_not_overflow(temperature):
    assert sample_many(torch.linspace(-40, 40, 128), temperature, 20) == [127] * 20


def test_at_temperature_zero_the_first_of_equal_logits_is_taken():
    logits = torch.zeros(128)
    logits[[40, 90]] = 3.0
    assert set(sample_many(logits, 0, 50)) == {40}


@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_give_no_code(wrong):
    logits = torch.zeros(128)
    logits[77] = wrong
    assert sample_many(logits, 0.8, 3) == [128] * 3


def test_samples_are_those_of_pytorchs_softmax():
    generator = torch.Generator().manual_seed(0)
    logits, uniforms = torch.randn(500, 128, generator=generator) * 4, torch.rand(500, generator=generator).double()
    mask, inverses = torch.zeros(128), torch.rand(500, generator=generator) * 3
    mask[::5] = -torch.inf
    codes = sample(logits.numpy(), mask.numpy(), inverses.numpy(), uniforms.numpy())
    cumulated = (logits * inverses[:, None] + mask).double().softmax(1).cumsum(1)
    before, after = (cumulated - cumulated.diff(dim=1, prepend=torch.zeros(500, 1))), cumulated
    drawn = torch.from_numpy(codes)[:, None]
    assert (before.gather(1, drawn)[:, 0] <= uniforms + 1e-6).all()
    assert (after.gather(1, drawn)[:, 0] >= uniforms - 1e-6).all()


def test_top_k_samples_among_the_k_likeliest_only():
    assert set(sample_many(torch.linspace(0, 1, 128), 2.0, 200, top_k=3)) == {125, 126, 127}
    few = torch.full((128,), -torch.inf)
    few[[5, 6]] = 0.0
    assert set(sample_many(few, 2.0, 100, top_k=50)) == {5, 6}


def test_top_k_applies_to_its_own_text_only(language_model):
    requests = [make_request("yes", 2.0, 60, top_k=top_k, seed=4) for top_k in (1, 0, 5)]
    together = generate(language_model, requests)
    assert together == [generate(language_model, [request])[0] for request in requests]
    assert len(set(together)) == 3


@pytest.mark.parametrize("seed", range(6))
def test_a_text_ends_with_its_stop_mark_and_is_the_same_up_to_it(language_model, seed):
    whole = text_of(language_model, length=300, temperature=2.0, seed=seed)
    for mark in ("e", "\n", whole[60:63].split()[0], whole[:1]):
        stopped = text_of(language_model, length=300, temperature=2.0, seed=seed, until=mark)
        assert stopped == (whole[: whole.index(mark) + len(mark)] if mark in whole else whole)
    assert text_of(language_model, length=30, temperature=2.0, seed=seed, until="0") == whole[:30]  # it has no digits


def test_a_stop_mark_ends_its_own_text_only(language_model):
    requests = [make_request("yes", 2.0, 200, seed=4, until=until) for until in ("e", "", "e", "\n", None)]
    together = generate(language_model, requests)
    assert together == [generate(language_model, [request])[0] for request in requests]
    assert [len(text) for text in (together[1], together[4])] == [200, 200]
    assert len(together[0]) < 200


def test_a_stop_mark_in_the_prime_ends_nothing(language_model):
    fields = {"prime": "one\ntwo\n", "length": 40, "seed": 3}
    whole = text_of(language_model, **fields)
    assert text_of(language_model, until="two\n", **fields) == whole
    assert len(text_of(language_model, until="\n" + whole[0], **fields)) > 1


@pytest.mark.parametrize("until", [5, ["x"], True, "x" * 65, "\u4e00"])
def test_a_bad_stop_mark_is_refused(until):
    with pytest.raises(ValueError, match="stop mark"):
        make_request("yes", until=until)


def test_a_stop_mark_is_read_as_the_text_is():
    assert make_request("yes", until="\r\n").until == "\n"
    assert make_request("yes", until="\u201d").until == '"'
    assert make_request("yes", until="").until == make_request("yes").until == ""


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
def test_a_field_out_of_bounds_is_refused_with_the_bounds_named(field, value):
    with pytest.raises(ValueError, match=r"must be .* from .* to "):
        make_request("yes", **{field: value})


def test_without_a_seed_each_request_gets_a_random_one():
    assert len({make_request("yes").seed for _ in range(20)}) > 1


@pytest.mark.parametrize(("temperature", "top_k"), [(0.0, 0), (0.8, 0), (2.0, 0), (2.0, 3)])
def test_characters_written_one_by_one_are_those_of_one_request(language_model, temperature, top_k):
    request = make_request("my fellow ", temperature, 40, prime_length=6, top_k=top_k, seed=11)
    [expected] = generate(language_model, [request])
    read, written = request.prime[-6:], ""
    for position in range(40):
        written += next_character(language_model, read + written, 11, position, temperature, top_k)
    assert written == expected


@pytest.mark.parametrize(
    ("text", "seed", "position", "temperature"),
    [(5, 1, 0, 1.0), ("a", -1, 0, 1.0), ("a", 1, -1, 1.0), ("a", 1, 10_000, 1.0), ("a", 1, 0, 3.0), ("a", 1, 0.5, 1)],
)
def test_a_next_character_out_of_bounds_is_a_user_error(language_model, text, seed, position, temperature):
    with pytest.raises(ValueError, match=r"must|may"):
        next_character(language_model, text, seed, position, temperature)
