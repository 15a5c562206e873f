"""What a prediction leans on, against reading the text anew, and against finite differences."""

import math

import pytest
import torch

from charplay.interpret import influence
from charplay.interpret.influence import influence_on
from charplay.interpret.surprisal import surprisal_of
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_language_model

TEXT = 'he said: "ask not what your country can do." and then'


@pytest.fixture(params=CELLS)
def checkpoint(request):
    return make_checkpoint("speech", make_language_model(request.param))


@pytest.mark.parametrize("at", [1, 2, TEXT.rindex('"'), len(TEXT) - 1])
def test_leave_one_out_is_what_reading_the_text_without_a_character_gives(checkpoint, at):
    found = influence_on(checkpoint, TEXT, at)
    assert (found["predicted"], found["first"]) == (TEXT[at], 0)
    bits = surprisal_of(checkpoint, TEXT)["bits"][at]
    assert found["bits"] == pytest.approx(bits, abs=1e-4)
    assert len(found["changes"]) == len(found["gradients"]) == at
    for index in range(at):
        without = TEXT[:index] + TEXT[index + 1 :]
        if at > 1:  # a first character is not predicted
            expected = surprisal_of(checkpoint, without)["bits"][at - 1] - bits
            assert found["changes"][index] == pytest.approx(expected, abs=1e-3)


def test_the_gradient_is_that_of_finite_differences(checkpoint):
    at, model = 12, checkpoint.model.double()
    codes = checkpoint.vocabulary.encode(TEXT[:at])
    target = checkpoint.vocabulary.code_of(TEXT[at])

    def log_probability(embedded: torch.Tensor) -> float:
        with torch.no_grad():
            out, _ = model.rnn(embedded[None])
            return float(model.linear(out[0, -1]).log_softmax(0)[target])

    embedded = model.embedding(codes).detach()
    found = influence_on(checkpoint, TEXT, at)["gradients"]
    for index in (0, at // 2, at - 1):
        differences = []
        for feature in range(embedded.shape[1]):
            step = torch.zeros_like(embedded)
            step[index, feature] = 1e-5
            differences.append((log_probability(embedded + step) - log_probability(embedded - step)) / 2e-5)
        assert found[index] == pytest.approx(math.hypot(*differences), abs=1e-4)


def test_of_a_long_text_the_last_characters_are_looked_at_after_their_context(checkpoint, monkeypatch):
    monkeypatch.setattr(influence, "MAX_CHARACTERS", 10)
    found = influence_on(checkpoint, TEXT, 30)
    assert (found["first"], len(found["changes"])) == (20, 10)
    assert found["bits"] == pytest.approx(surprisal_of(checkpoint, TEXT)["bits"][30], abs=1e-4)


def test_at_the_end_the_likeliest_character_is_predicted(checkpoint):
    found = influence_on(checkpoint, TEXT, len(TEXT))
    assert found["bits"] <= math.log2(checkpoint.vocabulary.size)
    for at in (0, len(TEXT) + 1, 1.5, "3"):
        with pytest.raises(ValueError, match="position"):
            influence_on(checkpoint, TEXT, at)
