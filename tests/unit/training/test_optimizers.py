"""The optimizers of a network as one."""

import pytest
import torch

from charplay.models.networks import CharLM, CharLMConfig, NameClassifier, NameClassifierConfig
from charplay.training.optimizers import Optimizers, recurrent_matrices
from charplay.training.recipes import RECIPES, adjust

SIZE = 48


@pytest.fixture
def model() -> CharLM:
    torch.manual_seed(1)
    return CharLM(CharLMConfig("gru", 16, SIZE, 2))


def steps_of(model: CharLM, muon_learning_rate: float) -> dict[str, torch.Tensor]:
    """What the first step adds to each weight, after a warm-up of no step, without weight decay."""
    recipe = adjust(
        RECIPES["speech"]["gru"],
        {"muon_learning_rate": muon_learning_rate, "schedule": "constant", "weight_decay": 0.0},
    )
    before = {name: parameter.detach().clone() for name, parameter in model.named_parameters()}
    codes = torch.randint(1, 128, (8, 33), generator=torch.Generator().manual_seed(1))
    logits, _ = model(codes[:, :-1])
    torch.nn.functional.cross_entropy(logits.flatten(0, 1), codes[:, 1:].flatten()).backward()
    Optimizers(model, recipe, 10).step()
    assert all(parameter.grad is None for parameter in model.parameters())
    return {name: parameter.detach() - before[name] for name, parameter in model.named_parameters()}


def test_a_step_of_muon_is_nearly_orthogonal_and_as_large_as_one_of_adamw(model):
    steps = steps_of(model, 0.01)
    of_muon = {f"rnn.{name}" for name in ("weight_hh_l0", "weight_ih_l1", "weight_hh_l1")}
    for name, step in steps.items():
        if name in of_muon:
            singular = torch.linalg.svdvals(step)
            assert singular.min() > 0.05 * singular.max()  # of the gradients: 0.003 and less
            assert step.square().mean().sqrt() == pytest.approx(0.2 * 0.01, rel=0.25)
        elif step.any():  # AdamW's first step is the rate for every weight that has a gradient
            assert step.abs().max() == pytest.approx(RECIPES["speech"]["gru"].learning_rate, rel=1e-2)


def test_without_a_rate_for_muon_adamw_changes_all(model):
    for step in steps_of(model, 0.0).values():
        assert step.abs().max() == pytest.approx(RECIPES["speech"]["gru"].learning_rate, rel=1e-2)


def test_the_matrices_of_muon_read_a_hidden_state():
    assert {tuple(each.shape) for each in recurrent_matrices(CharLM(CharLMConfig("lstm", 16, SIZE, 1)))} == {
        (4 * SIZE, SIZE)
    }
    classifier = NameClassifier(NameClassifierConfig("rnn", 16, SIZE, 2))
    assert len(recurrent_matrices(classifier)) == 6  # two directions: two of their own each, and one of the layer below
