"""The progress of a training run on stderr."""

import sys
from collections.abc import Callable
from typing import Any

from tqdm import tqdm

from charplay.models.networks import Network, count_parameters
from charplay.training import run
from charplay.training.trainer import Progress


class ProgressOnStderr:
    """A line for each network, a bar within its epochs, a line after each evaluation, and a sample if one is wanted."""

    def __init__(self, sample_of: Callable[[Network], str] | None = None):
        """`sample_of` is given the network, in evaluation mode."""
        self._sample_of = sample_of

    def on_start(self, started: run.RunStart) -> None:
        self._started, self._per_second = started, 0.0
        self._bar: tqdm | None = None
        print(
            f"{started.name}: {count_parameters(started.model):,} parameters on {started.device.type} in "
            f"{started.precision}, seed {started.recipe.seed}, {started.recipe.epochs} epochs of "
            f"{started.task.count()} steps",
            file=sys.stderr,
            flush=True,
        )

    def on_step(self, progress: Progress) -> None:
        if self._bar is None:  # the bar covers the steps up to the next evaluation
            label = f"epoch {progress.epoch}/{self._started.recipe.epochs}"
            self._bar = tqdm(total=progress.steps, initial=progress.step - 1, desc=label, leave=False)
        self._bar.update()
        self._per_second = progress.per_second
        if progress.loss is not None:
            self._bar.set_postfix_str(f"loss {progress.loss:.4f}, {self._speed()}")

    def on_epoch(self, epoch: float, measured: dict[str, Any], is_best: bool) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        figures = [f"{key} {value:.4f}" for key, value in measured.items() if isinstance(value, float)]
        label = f"epoch {epoch:g}/{self._started.recipe.epochs}"
        line = f"{label}: {', '.join([*figures, self._speed()])}{' (best)' if is_best else ''}"
        print(line, file=sys.stderr, flush=True)
        if self._sample_of is not None:
            print(self._sample_of(self._started.model), file=sys.stderr, flush=True)

    def _speed(self) -> str:
        return f"{self._per_second:,.0f} {self._started.task.unit}/s"
