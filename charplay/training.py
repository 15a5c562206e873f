"""One training loop for both networks. Nothing in `fit` knows which of the two it trains.

A `Task` hands over batches, a loss and a measure; `fit` steps, evaluates each epoch and keeps the best; callbacks
see every step and every epoch, and printing, drawing and saving are theirs.
"""

import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from charplay.recipes import Recipe
from charplay.tasks import Task


@dataclass(frozen=True)
class Progress:
    """What a callback is told after a step."""

    epoch: int  # from 1
    step: int  # of this epoch, from 1
    steps: int  # in an epoch
    loss: float | None  # mean nats so far in this epoch; None between readings
    per_second: float  # names or characters trained so far, each second


def choose_device() -> torch.device:
    """CUDA where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


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


def fit(
    model: nn.Module,
    task: Task,
    recipe: Recipe,
    *,
    device: torch.device,
    precision: str,
    on_step: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[int, dict[str, Any], bool], None] = lambda epoch, measured, best: None,
) -> dict[str, Any]:
    """Trains `model` in place and leaves it with the weights of its best epoch.

    Args:
        model: on `device`, initialised.
        task: what to train it for.
        recipe: how.
        device: where.
        precision: "float32" or "bfloat16" (autocast).
        on_step: called after every step.
        on_epoch: called after every evaluation with the epoch, what was measured, and whether it is the best yet.

    Returns:
        What was measured at the best epoch, with "epoch" and "per_second".

    Raises:
        FloatingPointError: the loss is no finite number any more; the model has the best weights so far.
    """
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        fused=device.type == "cuda",
    )
    total = recipe.epochs * task.count()
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        total_steps=total + 1,
        pct_start=recipe.warmup,
        cycle_momentum=False,
    )
    best: dict[str, Any] | None = None
    weights: dict[str, torch.Tensor] = {}
    trained, spent = 0, 0.0
    for epoch in range(1, recipe.epochs + 1):
        model.train()
        start, summed, counted = time.perf_counter(), torch.zeros((), device=device), 0
        for step, batch in enumerate(task.batches(generator), 1):
            with _autocast(device, precision):
                loss, units = task.loss(model, batch, device)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
            summed += loss.detach() * units
            counted += units
            # Reading the loss waits for the device, so not at every step.
            read = summed.item() / counted if step % 20 == 0 or step == task.count() else None
            elapsed = spent + time.perf_counter() - start
            on_step(Progress(epoch, step, task.count(), read, (trained + counted) / elapsed))
            if read is not None and not torch.isfinite(torch.tensor(read)):
                if weights:
                    model.load_state_dict(weights)
                raise FloatingPointError(
                    f"The loss is no finite number any more: try a smaller learning rate than {recipe.learning_rate}."
                )
        trained, spent = trained + counted, spent + time.perf_counter() - start
        model.eval()
        measured = task.evaluate(model) | {"epoch": epoch, "training_loss": summed.item() / counted}
        is_best = best is None or task.score(measured) < task.score(best)
        if is_best:
            best = measured
            weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        on_epoch(epoch, measured, is_best)
    model.load_state_dict(weights)
    return best | {"per_second": trained / spent}
