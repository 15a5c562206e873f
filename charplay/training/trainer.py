"""One training loop for both networks; nothing here knows which of the two it trains.

A `Task` gives batches, a loss and a measure. A `Trainer` takes one step at a time, evaluates, keeps the best weights
and takes snapshots; `fit` runs it to its end. Callbacks see every step and evaluation; printing, plotting and saving
are up to them.
"""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup
from charplay.training.optimizers import Optimizers
from charplay.training.precision import autocast
from charplay.training.recipes import Recipe
from charplay.training.snapshots import Snapshot
from charplay.training.tasks import Task

LOSS_EVERY_STEPS = 20  # steps between two readings of the loss, each of which waits for the device and the group
MAX_LOSS = 100.0  # nats; ln 128 = 4.9 is a uniform guess among 128 characters
SNAPSHOT_SECONDS = 60.0  # seconds between two snapshots


class StopTraining(Exception):
    """Raised by a callback to end the training here; the best weights so far are kept."""


@dataclass(frozen=True)
class Progress:
    """Where a training stands after a step."""

    epoch: int  # from 1
    step: int  # of this epoch, from 1
    steps: int  # in an epoch
    loss: float | None  # mean nats since the last evaluation, every `LOSS_EVERY_STEPS` steps; None in between
    per_second: float  # names or characters, mean over all steps so far


class Trainer:
    """The training of one network, a step at a time, so that it can be shown, paused, stopped and saved.

    Args:
        model: on `device`, initialised; it is trained in place.
        task: gives batches and loss.
        recipe: epochs, learning rate and the like.
        device: where to train.
        precision: "float32" or "bfloat16" (autocast).
        group: the processes that share the run; `task` must have been made for the same.
    """

    def __init__(
        self,
        model: nn.Module,
        task: Task,
        recipe: Recipe,
        *,
        device: torch.device,
        precision: str,
        group: ProcessGroup = SINGLE_PROCESS,
    ):
        self.model, self.task, self.recipe = model, task, recipe
        self.steps = task.count()  # in an epoch
        self.total = recipe.epochs * self.steps
        self.done = 0  # steps, of all epochs
        self.best: dict[str, Any] | None = None  # what was measured at the best evaluation
        self._device, self._precision, self._group = device, precision, group
        self._best_weights: dict[str, torch.Tensor] = {}
        self._wrapped = group.wrap(model)
        self._optimizers = Optimizers(model, recipe, self.total)
        torch.manual_seed(recipe.seed + group.rank)  # for dropout, different on each rank
        self._generator = torch.Generator().manual_seed(recipe.seed)  # for the order of batches, the same on all ranks
        self._epoch_start = self._generator.get_state()  # the generator's state when the epoch began
        self._batches: Iterator[Any] = iter(())
        # Loss x units, and units (names or characters), since the last evaluation.
        self._summed, self._counted = torch.zeros((), device=device), 0.0
        self._trained, self._spent = 0.0, 0.0  # units and seconds of all steps
        self._snapshot_time = time.monotonic()
        self.wants_snapshot = False  # whether it is time for one; the same on all ranks

    @property
    def is_done(self) -> bool:
        """Whether all its epochs are trained."""
        return self.done >= self.total

    @property
    def is_due(self) -> bool:
        """Whether an evaluation is due after the step just taken, `recipe.evaluations` times in an epoch."""
        progress = (self.done % self.steps or self.steps) * self.recipe.evaluations
        return progress // self.steps > (progress - self.recipe.evaluations) // self.steps

    def advance(self) -> Progress:
        """Takes the next step.

        Raises:
            FloatingPointError: the loss diverged or is not finite; the model has the best weights so far.
        """
        start = time.perf_counter()
        if self.done % self.steps == 0:
            self._epoch_start = self._generator.get_state()
            self._batches = iter(self.task.batches(self._generator))
        self.model.train()
        with autocast(self._device, self._precision):
            loss, units = self.task.loss(self._wrapped, next(self._batches), self._device)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self._optimizers.step()
        self._summed += loss.detach() * units
        self._counted += units
        self._trained += units
        self.done += 1
        step = (self.done - 1) % self.steps + 1
        loss_read = self._read_loss() if step % LOSS_EVERY_STEPS == 0 or self.is_due else None
        self._spent += time.perf_counter() - start
        per_second = self._group.size * self._trained / self._spent
        return Progress((self.done - 1) // self.steps + 1, step, self.steps, loss_read, per_second)

    def _read_loss(self) -> float:
        """The mean loss since the last evaluation, over the group; also sets `wants_snapshot` on all ranks alike."""
        is_time = time.monotonic() - self._snapshot_time >= SNAPSHOT_SECONDS
        summed, counted, ranks_wanting = self._group.sum(
            torch.stack([self._summed.double(), *self._summed.new_tensor([self._counted, is_time]).double()])
        ).tolist()
        self.wants_snapshot = ranks_wanting > 0
        loss = summed / counted
        if not loss < MAX_LOSS:  # true of NaN too
            if self._best_weights:
                self.model.load_state_dict(self._best_weights)
            rate = max(self.recipe.learning_rate, self.recipe.muon_learning_rate)
            raise FloatingPointError(
                f"The loss has run away, to {loss:.3g}: try a smaller learning rate than {rate:g}."
            )
        return loss

    def evaluate(self) -> tuple[dict[str, Any], bool]:
        """Measures the network, and keeps its weights if they are the best so far.

        Returns:
            what was measured, with "epoch" (a fraction within one) and "training_loss" (mean nats since the last
            evaluation); and whether it is the best.
        """
        self.model.eval()
        epoch, loss = self.done / self.steps, self._read_loss()
        measured = self.task.evaluate(self.model) | {
            "epoch": int(epoch) if epoch.is_integer() else epoch,
            "training_loss": loss,
        }
        self._summed.zero_()
        self._counted = 0
        is_best = self.best is None or self.task.score(measured) < self.task.score(self.best)
        if is_best:
            self.best = measured
            self._best_weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        return measured, is_best

    def finish(self) -> dict[str, Any]:
        """Loads the best weights into the model; returns what was measured then, with "per_second"."""
        if self.best is None:
            raise StopTraining("The training was stopped before its first step: there is nothing to keep.")
        self.model.load_state_dict(self._best_weights)
        return self.best | {"per_second": self._group.size * self._trained / self._spent}

    def snapshot(self) -> Snapshot:
        """All that `restore` needs to reach the same weights; all ranks must call it together."""
        self._snapshot_time, self.wants_snapshot = time.monotonic(), False
        carried = self.task.state
        of_this_rank = {
            "random": torch.get_rng_state(),
            **({"cuda": torch.cuda.get_rng_state()} if self._device.type == "cuda" else {}),
            **{f"carried.{row}": part.cpu() for row, part in enumerate(_parts(carried))},
            "summed": self._summed.cpu(),
        }
        optimizers, facts_of_optimizers = self._optimizers.state()
        by_rank = enumerate(self._group.gather(of_this_rank))
        tensors = {f"rank.{rank}.{key}": value for rank, state in by_rank for key, value in state.items()}
        tensors |= {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self._best_weights.items()}
        tensors |= {f"optimizer.{name}": tensor for name, tensor in optimizers.items()}
        facts = {
            "size": self._group.size,
            "done": self.done,
            "best": self.best,
            "counted": self._counted,
            "trained": self._trained,
            "spent": self._spent,
            "optimizers": facts_of_optimizers,
        }
        order = self._epoch_start if self.done % self.steps else self._generator.get_state()
        return Snapshot(tensors | {"order": order}, facts)

    def restore(self, snapshot: Snapshot) -> None:
        """Resumes where `snapshot` was taken, of the same task and recipe.

        Raises:
            ValueError: another number of processes took it.
        """
        tensors, facts = snapshot.tensors, snapshot.facts
        if facts["size"] != self._group.size:
            raise ValueError(f"That run was shared by {facts['size']} processes: go on with as many.")
        of_this_rank = with_prefix(tensors, f"rank.{self._group.rank}.")
        self.model.load_state_dict(with_prefix(tensors, "model."))
        self._best_weights = {name: tensor.to(self._device) for name, tensor in with_prefix(tensors, "best.").items()}
        self._optimizers.restore(with_prefix(tensors, "optimizer."), facts["optimizers"])
        self.done, self.best, self._counted = facts["done"], facts["best"], facts["counted"]
        self._trained, self._spent = facts["trained"], facts["spent"]
        self._summed = of_this_rank["summed"].to(self._device)
        self._epoch_start = tensors["order"]
        self._generator.set_state(self._epoch_start)
        if into := self.done % self.steps:
            self._batches = iter(self.task.batches(self._generator))
            for _ in range(into):
                next(self._batches)
        carried = [part.to(self._device) for _, part in sorted(with_prefix(of_this_rank, "carried.").items())]
        self.task.state = (carried[0], carried[1]) if len(carried) > 1 else carried[0] if carried else None
        torch.set_rng_state(of_this_rank["random"])
        if "cuda" in of_this_rank:
            torch.cuda.set_rng_state(of_this_rank["cuda"])


def _parts(state: torch.Tensor | tuple[torch.Tensor, ...] | None) -> tuple[torch.Tensor, ...]:
    return () if state is None else state if isinstance(state, tuple) else (state,)


def with_prefix(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """The tensors whose names begin with `prefix`, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def fit(
    trainer: Trainer,
    *,
    on_step: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[float, dict[str, Any], bool], None] = lambda epoch, measured, is_best: None,
    on_snapshot: Callable[[Snapshot], None] | None = None,
) -> dict[str, Any]:
    """Trains to the end of the recipe and leaves the model with the weights of its best evaluation.

    Args:
        trainer: new, or restored from a snapshot.
        on_step: called after every step; it may raise `StopTraining`, which ends the training with the best so far.
        on_epoch: called after every evaluation with the epoch, what was measured, and whether it is the best yet.
        on_snapshot: called with a snapshot after every evaluation, and once a minute in between.

    Returns:
        What was measured at the best evaluation, with "epoch" and "per_second".

    Raises:
        FloatingPointError: the loss diverged or is not finite; the model has the best weights so far.
        StopTraining: the training was stopped before its first step.
    """

    def evaluate() -> None:
        measured, is_best = trainer.evaluate()
        on_epoch(measured["epoch"], measured, is_best)

    try:
        while not trainer.is_done:
            on_step(trainer.advance())
            is_due = trainer.is_due
            if is_due:
                evaluate()
            if on_snapshot is not None and (is_due or trainer.wants_snapshot):
                on_snapshot(trainer.snapshot())
    except StopTraining:
        if trainer.best is None and trainer.done:
            evaluate()
    return trainer.finish()
