"""One training loop for both networks. Nothing here knows which of the two it trains.

A `Task` hands over batches, a loss and a measure; a `Trainer` takes one step at a time, evaluates, keeps the best and
can be put on disk; `fit` runs it to its end. Callbacks see every step and every evaluation, and printing, drawing and
saving are theirs.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup
from charplay.training.recipes import Recipe
from charplay.training.snapshots import Snapshot
from charplay.training.tasks import Task

LOSS_EVERY_STEPS = 20  # steps: reading the loss waits for the device, and for the group
MAX_LOSS = 100.0  # nats; who knows nothing of 128 characters needs 4.9
SNAPSHOT_SECONDS = 60.0  # seconds between two snapshots


class StopTraining(Exception):
    """Raised by a callback to end the training here; the best weights so far are kept."""


@dataclass(frozen=True)
class Progress:
    """What a callback is told after a step."""

    epoch: int  # from 1
    step: int  # of this epoch, from 1
    steps: int  # in an epoch
    loss: float | None  # mean nats since the last evaluation; None between readings
    per_second: float  # names or characters trained so far, each second


def _autocast(device: torch.device, precision: str):
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext()


def choose_precision(model: nn.Module, task: Task, device: torch.device) -> str:
    """ "float32" or "bfloat16" (autocast), whichever takes a training step faster here; by trying both."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return "float32"
    seconds = {}
    for precision in ("float32", "bfloat16"):
        batches = iter(task.batches(torch.Generator().manual_seed(0)))
        tries = []
        for _ in range(3):
            batch = next(batches, None)
            if batch is None:
                break
            start = time.perf_counter()
            try:
                with _autocast(device, precision):
                    loss, _ = task.loss(model, batch, device)
                loss.backward()
            except RuntimeError:
                if precision == "float32":
                    raise
                break  # this machine has no such product for this cell
            if device.type == "cuda":
                torch.cuda.synchronize()
            tries.append(time.perf_counter() - start)
        if tries:
            seconds[precision] = min(tries)
    model.zero_grad(set_to_none=True)
    return min(seconds, key=seconds.get)


class Trainer:
    """The training of one network, a step at a time, so that it can be watched, paused, stopped and put on disk.

    Args:
        model: on `device`, initialised; it is trained in place.
        task: what to train it for.
        recipe: how.
        device: where.
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
        self.best: dict[str, Any] | None = None  # what was measured when it was best
        self._device, self._precision, self._team = device, precision, group
        self._weights: dict[str, torch.Tensor] = {}  # of the best
        self._called = group.wrap(model)
        self._optimizer = torch.optim.AdamW(
            model.parameters(),
            lr=recipe.learning_rate,
            weight_decay=recipe.weight_decay,
            fused=device.type == "cuda",
        )
        self._schedule = _schedule(self._optimizer, recipe, self.total)
        torch.manual_seed(recipe.seed + group.rank)  # of what is dropped; each of a group drops its own
        self._generator = torch.Generator().manual_seed(recipe.seed)  # of the order; the same in all of a group
        self._order = self._generator.get_state()  # as it was when the epoch began
        self._batches: Iterator[Any] = iter(())
        self._summed, self._counted = torch.zeros((), device=device), 0.0  # loss x units, units, since the evaluation
        self._trained, self._spent = 0, 0.0  # units and seconds, of all steps
        self._kept = time.monotonic()
        self.wants_keeping = False  # whether it is time for a snapshot; all of a group say the same

    @property
    def is_done(self) -> bool:
        """Whether all its epochs are trained."""
        return self.done >= self.total

    @property
    def is_due(self) -> bool:
        """Whether it is to be evaluated after the step just taken: `recipe.evaluations` times in an epoch."""
        into = self.done % self.steps or self.steps
        share = into * self.recipe.evaluations
        return share // self.steps > (share - self.recipe.evaluations) // self.steps

    def advance(self) -> Progress:
        """Takes the next step.

        Raises:
            FloatingPointError: the loss has run away or is no number; the model has the best weights so far.
        """
        start = time.perf_counter()
        if self.done % self.steps == 0:
            self._order = self._generator.get_state()
            self._batches = iter(self.task.batches(self._generator))
        self.model.train()
        with _autocast(self._device, self._precision):
            loss, units = self.task.loss(self._called, next(self._batches), self._device)
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.clip)
        self._optimizer.step()
        self._optimizer.zero_grad(set_to_none=True)
        self._schedule.step()
        self._summed += loss.detach() * units
        self._counted += units
        self._trained += units
        self.done += 1
        step = (self.done - 1) % self.steps + 1
        read = self._read() if step % LOSS_EVERY_STEPS == 0 or self.is_due else None
        self._spent += time.perf_counter() - start
        speed = self._team.size * self._trained / self._spent
        return Progress((self.done - 1) // self.steps + 1, step, self.steps, read, speed)

    def _read(self) -> float:
        """The mean loss since the last evaluation, over the group; and whether the lead's clock asks for a snapshot."""
        is_time = time.monotonic() - self._kept >= SNAPSHOT_SECONDS
        summed, counted, asks = self._team.sum(
            torch.stack([self._summed.double(), *self._summed.new_tensor([self._counted, is_time]).double()])
        ).tolist()
        self.wants_keeping = asks > 0
        loss = summed / counted
        if not loss < MAX_LOSS:  # nor is one that is no number
            if self._weights:
                self.model.load_state_dict(self._weights)
            raise FloatingPointError(
                f"The loss has run away, to {loss:.3g}: try a smaller learning rate than {self.recipe.learning_rate:g}."
            )
        return loss

    def evaluate(self) -> tuple[dict[str, Any], bool]:
        """Measures the network, and keeps its weights if they are the best so far.

        Returns:
            what was measured, with "epoch" (a fraction within one) and "training_loss" (mean nats since the last
            time); and whether it is the best.
        """
        self.model.eval()
        epoch, loss = self.done / self.steps, self._read()
        measured = self.task.evaluate(self.model) | {
            "epoch": int(epoch) if epoch.is_integer() else epoch,
            "training_loss": loss,
        }
        self._summed.zero_()
        self._counted = 0
        is_best = self.best is None or self.task.score(measured) < self.task.score(self.best)
        if is_best:
            self.best = measured
            self._weights = {name: tensor.clone() for name, tensor in self.model.state_dict().items()}
        return measured, is_best

    def finish(self) -> dict[str, Any]:
        """Gives the model its best weights; returns what was measured then, with "per_second"."""
        if self.best is None:
            raise StopTraining("The training was stopped before its first step: there is nothing to keep.")
        self.model.load_state_dict(self._weights)
        return self.best | {"per_second": self._team.size * self._trained / self._spent}

    def snapshot(self) -> Snapshot:
        """All that `restore` needs to go on from here to the same weights; all of a group must take it together."""
        self._kept, self.wants_keeping = time.monotonic(), False
        carried = self.task.state
        own = {
            "random": torch.get_rng_state(),
            **({"cuda": torch.cuda.get_rng_state()} if self._device.type == "cuda" else {}),
            **{f"carried.{row}": part.cpu() for row, part in enumerate(_parts(carried))},
            "summed": self._summed.cpu(),
        }
        optimizer = self._optimizer.state_dict()
        owned = enumerate(self._team.gather(own))
        tensors = {f"rank.{rank}.{key}": value for rank, of in owned for key, value in of.items()}
        tensors |= {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        tensors |= {f"best.{name}": tensor for name, tensor in self._weights.items()}
        tensors |= {
            f"optimizer.{row}.{key}": value for row, of in optimizer["state"].items() for key, value in of.items()
        }
        facts = {
            "size": self._team.size,
            "done": self.done,
            "best": self.best,
            "counted": self._counted,
            "trained": self._trained,
            "spent": self._spent,
            "groups": optimizer["param_groups"],
            "scheduled": self._schedule.last_epoch,
        }
        order = self._order if self.done % self.steps else self._generator.get_state()
        return Snapshot(tensors | {"order": order}, facts)

    def restore(self, snapshot: Snapshot) -> None:
        """Goes on where `snapshot` was taken, of the same task and recipe.

        Raises:
            ValueError: another number of processes took it.
        """
        tensors, facts = snapshot.tensors, snapshot.facts
        if facts["size"] != self._team.size:
            raise ValueError(f"That run was shared by {facts['size']} processes: go on with as many.")
        own = with_prefix(tensors, f"rank.{self._team.rank}.")
        self.model.load_state_dict(with_prefix(tensors, "model."))
        self._weights = {name: tensor.to(self._device) for name, tensor in with_prefix(tensors, "best.").items()}
        states: dict[int, dict[str, torch.Tensor]] = {}
        for name, tensor in with_prefix(tensors, "optimizer.").items():
            row, _, key = name.partition(".")
            states.setdefault(int(row), {})[key] = tensor
        self._optimizer.load_state_dict({"state": states, "param_groups": facts["groups"]})
        self._schedule.last_epoch = facts["scheduled"]
        self.done, self.best, self._counted = facts["done"], facts["best"], facts["counted"]
        self._trained, self._spent = facts["trained"], facts["spent"]
        self._summed = own["summed"].to(self._device)
        self._order = tensors["order"]
        self._generator.set_state(self._order)
        if into := self.done % self.steps:
            self._batches = iter(self.task.batches(self._generator))
            for _ in range(into):
                next(self._batches)
        carried = [part.to(self._device) for _, part in sorted(with_prefix(own, "carried.").items())]
        self.task.state = tuple(carried) if len(carried) > 1 else carried[0] if carried else None
        torch.set_rng_state(own["random"])
        if "cuda" in own:
            torch.cuda.set_rng_state(own["cuda"])


def _parts(state: torch.Tensor | tuple[torch.Tensor, ...] | None) -> tuple[torch.Tensor, ...]:
    return () if state is None else state if isinstance(state, tuple) else (state,)


def with_prefix(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    """Those tensors whose names begin so, by the rest of their names."""
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def _schedule(optimizer: torch.optim.Optimizer, recipe: Recipe, total: int) -> torch.optim.lr_scheduler.LRScheduler:
    """How the learning rate goes: up, and down a cosine to zero (Smith and Topin 2018); or not at all."""
    if recipe.schedule == "constant":
        return torch.optim.lr_scheduler.ConstantLR(optimizer, factor=1.0)
    return torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        total_steps=total + 1,
        pct_start=recipe.warmup,
        cycle_momentum=False,
    )


def fit(
    model: nn.Module,
    task: Task,
    recipe: Recipe,
    *,
    device: torch.device,
    precision: str,
    group: ProcessGroup = SINGLE_PROCESS,
    on_step: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[float, dict[str, Any], bool], None] = lambda epoch, measured, best: None,
    keep: Callable[[Snapshot], None] | None = None,
    resume: Snapshot | None = None,
) -> dict[str, Any]:
    """Trains `model` in place and leaves it with the weights of its best evaluation.

    Args:
        model, task, recipe, device, precision, group: as `Trainer` takes them.
        on_step: called after every step; it may raise `StopTraining`, which ends the training with the best so far.
        on_epoch: called after every evaluation with the epoch, what was measured, and whether it is the best yet.
        keep: called with a snapshot after every evaluation, and once a minute in between.
        resume: a snapshot to go on from.

    Returns:
        What was measured at the best evaluation, with "epoch" and "per_second".

    Raises:
        FloatingPointError: the loss has run away or is no number; the model has the best weights so far.
        Stop: the training was stopped before its first step.
    """
    trainer = Trainer(model, task, recipe, device=device, precision=precision, group=group)
    if resume is not None:
        trainer.restore(resume)

    def evaluate() -> None:
        measured, is_best = trainer.evaluate()
        on_epoch(measured["epoch"], measured, is_best)

    try:
        while not trainer.is_done:
            on_step(trainer.advance())
            is_due = trainer.is_due
            if is_due:
                evaluate()
            if keep is not None and (is_due or trainer.wants_keeping):
                keep(trainer.snapshot())
    except StopTraining:
        if trainer.best is None and trainer.done:
            evaluate()
    return trainer.finish()
