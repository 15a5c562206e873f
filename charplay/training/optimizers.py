"""The optimizers of a network and the schedule of their learning rates, as one object that can be saved.

AdamW for all weights; or Muon for the recurrent matrices, whose steps it makes orthogonal, and AdamW for the rest.
"""

from typing import Any

import torch
from torch import nn

from charplay.training.recipes import Recipe


class Optimizers:
    """What takes the steps of a training.

    Args:
        model: the network; its device is where it is trained.
        recipe: learning rates, weight decay, schedule.
        total: steps of the whole training.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, total: int):
        of_muon = recurrent_matrices(model) if recipe.muon_learning_rate else []
        by_muon = set(of_muon)
        of_adam = [each for each in model.parameters() if each not in by_muon]
        self._optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(
                of_adam, lr=recipe.learning_rate, weight_decay=recipe.weight_decay, fused=of_adam[0].is_cuda
            )
        ]
        if of_muon:
            # Jordan et al. 2024; steps as large as those of AdamW at the same rate (Liu et al. 2025).
            muon = torch.optim.Muon(
                of_muon,
                lr=recipe.muon_learning_rate,
                weight_decay=recipe.weight_decay,
                adjust_lr_fn="match_rms_adamw",
            )
            self._optimizers.append(muon)
        self._schedules = [_schedule(each, recipe, total) for each in self._optimizers]

    def step(self) -> None:
        """Changes the weights by their gradients, which it then drops; the rates go on by a step."""
        for optimizer, schedule in zip(self._optimizers, self._schedules, strict=True):
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()

    def state(self) -> tuple[dict[str, torch.Tensor], list[dict[str, Any]]]:
        """All that `restore` needs: tensors by name, and of each optimizer its groups and the step of its schedule."""
        tensors: dict[str, torch.Tensor] = {}
        facts = []
        for number, (optimizer, schedule) in enumerate(zip(self._optimizers, self._schedules, strict=True)):
            state = optimizer.state_dict()
            tensors |= {
                f"{number}.{row}.{key}": value for row, each in state["state"].items() for key, value in each.items()
            }
            facts.append({"groups": state["param_groups"], "scheduled": schedule.last_epoch})
        return tensors, facts

    def restore(self, tensors: dict[str, torch.Tensor], facts: list[dict[str, Any]]) -> None:
        """Goes on where `state` was taken, of the same network and recipe."""
        states: list[dict[int, dict[str, torch.Tensor]]] = [{} for _ in self._optimizers]
        for name, tensor in tensors.items():
            number, row, key = name.split(".")
            states[int(number)].setdefault(int(row), {})[key] = tensor
        for optimizer, schedule, state, fact in zip(self._optimizers, self._schedules, states, facts, strict=True):
            optimizer.load_state_dict({"state": state, "param_groups": fact["groups"]})
            schedule.last_epoch = fact["scheduled"]


def recurrent_matrices(model: nn.Module) -> list[nn.Parameter]:
    """The matrices of its recurrent layers that read a hidden state: their own, or that of the layer below."""
    return [
        parameter
        for module in model.modules()
        if isinstance(module, nn.RNNBase)
        for name, parameter in module.named_parameters()
        if parameter.ndim == 2 and not name.startswith("weight_ih_l0")
    ]


def _schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, total: int) -> torch.optim.lr_scheduler.LRScheduler:
    """One cycle of the learning rate, up and down a cosine to zero (Smith and Topin 2018); or a constant one."""
    if recipe.schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        optimizer.param_groups[0]["lr"],
        total_steps=total + 1,
        pct_start=recipe.warmup,
        cycle_momentum=False,
    )
