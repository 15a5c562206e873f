import pytest
import torch

from charplay.data.text import encode
from charplay.inference.generate import Generation, generate, make_request
from charplay.inference.sampling import sample
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_language_model


def text_of(checkpoint, **fields):
    [text] = generate(checkpoint, [make_request(**{"prime": "yes we ", "length": 50, **fields})])
    return text


def drawn(logits, temperature, times, top_k=None):
    """Codes drawn from the same logits as a text's next characters are."""
    text = Generation(make_request("x", temperature, length=10_000, seed=0))
    chances = []
    for _ in range(times):
        chances.append([text.chance])
        text.write(97)
    scaled = (logits * text.sharpness).expand(times, -1)
    top_k = None if top_k is None else torch.full((times, 1), top_k)
    return sample(scaled, torch.tensor(chances, dtype=torch.float64), top_k).tolist()


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
        codes = drawn(logits, temperature, 4000)
        expected = torch.sigmoid(torch.tensor(1 / temperature)).item()
        assert codes.count(97) / len(codes) == pytest.approx(expected, abs=0.025)
        assert codes.count(97) + codes.count(98) == 4000


@pytest.mark.parametrize("temperature", [0, 5e-324, 1e-6, 0.1])
def test_a_temperature_near_zero_does_not_overflow(temperature):
    assert drawn(torch.linspace(-40, 40, 128), temperature, 20) == [127] * 20


def test_at_temperature_zero_the_first_of_equals_is_taken():
    logits = torch.zeros(128)
    logits[[40, 90]] = 3.0
    assert set(drawn(logits, 0, 50)) == {40}


def test_top_k_draws_among_the_likeliest_alone():
    assert set(drawn(torch.linspace(0, 1, 128), 2.0, 200, top_k=3)) == {125, 126, 127}
    few = torch.full((128,), -torch.inf)
    few[[5, 6]] = 0.0
    assert set(drawn(few, 2.0, 100, top_k=50)) == {5, 6}


def test_top_k_belongs_to_its_text_alone(language_model):
    wishes = [make_request("yes", 2.0, 60, top_k=top_k, seed=4) for top_k in (1, 0, 5)]
    together = generate(language_model, wishes)
    assert together == [generate(language_model, [wish])[0] for wish in wishes]
    assert len(set(together)) == 3


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
