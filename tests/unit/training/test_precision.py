"""The precision of a training step, chosen within few trials."""

import math

import pytest
import torch

from charplay.training import precision
from charplay.training.precision import STEPS_PER_PRECISION, choose_precision

CPU = torch.device("cpu")


class CountingTask:
    """Counts the steps in each precision, and lets the clock go on by what each takes."""

    def __init__(self, monkeypatch, step_seconds: dict[str, float], product_seconds: dict[torch.dtype, float]):
        self.steps = dict.fromkeys(step_seconds, 0)
        self._step_seconds, self._now = step_seconds, 0.0
        monkeypatch.setattr(precision.time, "perf_counter", lambda: self._now)
        monkeypatch.setattr(precision, "_product_seconds", product_seconds.__getitem__)

    def batches(self, generator):
        return iter(range(100))

    def loss(self, model, batch, device):
        kind = "bfloat16" if torch.is_autocast_enabled("cpu") else "float32"
        self.steps[kind] += 1
        self._now += self._step_seconds[kind]
        return model(torch.ones(1, 2)).sum(), 1


def choose(monkeypatch, step: float, product: float) -> tuple[str, dict[str, int]]:
    """The choice where bfloat16 takes so many times as long as float32, for a step and for a product."""
    products = {torch.float32: 1.0, torch.bfloat16: product}
    task = CountingTask(monkeypatch, {"float32": 1.0, "bfloat16": step}, products)
    return choose_precision(torch.nn.Linear(2, 1), task, CPU), task.steps


def test_no_step_is_tried_in_bfloat16_where_its_products_are_emulated(monkeypatch):
    for product in (100.0, math.inf):
        chosen, steps = choose(monkeypatch, step=1000.0, product=product)
        assert (chosen, steps["bfloat16"]) == ("float32", 0)


def test_a_slow_step_in_bfloat16_is_the_last(monkeypatch):
    chosen, steps = choose(monkeypatch, step=10.0, product=1.0)
    assert (chosen, steps["bfloat16"]) == ("float32", 1)


@pytest.mark.parametrize(("step", "chosen"), [(0.5, "bfloat16"), (1.1, "float32")])
def test_the_faster_one_is_chosen_after_three_steps_of_each(monkeypatch, step, chosen):
    expected = dict.fromkeys(("float32", "bfloat16"), STEPS_PER_PRECISION)
    assert choose(monkeypatch, step, product=0.7) == (chosen, expected)


def test_no_gradient_is_left(monkeypatch):
    model = torch.nn.Linear(2, 1)
    task = CountingTask(monkeypatch, {"float32": 1.0, "bfloat16": 1.0}, {torch.float32: 1.0, torch.bfloat16: 1.0})
    choose_precision(model, task, CPU)
    assert model.weight.grad is None
