"""Estimates of trainings against what they take: python -m tests.time_estimates prints both as JSON, in CPU seconds.

CPU seconds of one thread do not depend on what else the machine does; on an idle machine they are those of a clock.
"""

import json
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from charplay.training import run, time_estimate
from charplay.training.data_summary import choose_recipe, read_user_data, training_set_of
from charplay.training.evaluation_example import example_of
from charplay.ui import controls
from charplay.ui.example_data import EXAMPLES

CASES = (("names", "small"), ("names", "medium"), ("invent", "small"), ("speech", "small"))


def measure(task: str, preset: str) -> dict[str, Any]:
    """One training on the tab's example, as its worker trains it."""
    kind = controls.TEXT if task == "speech" else controls.ROWS
    data = read_user_data(task, EXAMPLES[kind], {})
    recipe = choose_recipe(task, data, preset, {})
    training_set = training_set_of(task, data, recipe)
    estimated = time_estimate.estimate_seconds(
        recipe, training_set, time_estimate.measure_speed(task, training_set, recipe)
    )
    started, models = time.process_time(), []

    def on_epoch(epoch: float, measured: dict[str, Any], is_best: bool) -> None:
        example_of(models[-1], training_set)  # which the worker sends to the page

    speed = time_estimate.measure_speed(task, training_set, recipe)
    callbacks = run.Callbacks(on_start=lambda start: models.append(start.model), on_epoch=on_epoch)
    with tempfile.TemporaryDirectory() as directory:
        run.run(
            task,
            training_set,
            time_estimate.with_evaluations(recipe, training_set, speed),
            Path(directory) / "trained.safetensors",
            device=torch.device("cpu"),
            precision="float32",
            callbacks=callbacks,
        )
    taken = time.process_time() - started
    return {
        "task": task,
        "network": preset,
        "estimated": round(estimated, 1),
        "taken": round(taken, 1),
        "ratio": round(taken / estimated, 2),
    }


def main() -> None:
    """Trains each case and prints its figures."""
    torch.set_num_threads(1)
    time_estimate.time = SimpleNamespace(perf_counter=time.process_time)  # type: ignore[attr-defined]
    time_estimate.warm_up()
    print(json.dumps([measure(*case) for case in CASES], indent=1))


if __name__ == "__main__":
    main()
