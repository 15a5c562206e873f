"""One training run from the data to a checkpoint with its measured results, and measuring it again."""

import dataclasses
import datetime
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from charplay import checkpoints, datasets
from charplay.checkpoints import Checkpoint
from charplay.evaluate import evaluate_names, evaluate_speech
from charplay.models import MODELS
from charplay.training import (
    NamesTask,
    Progress,
    Recipe,
    SpeechTask,
    Task,
    choose_device,
    choose_precision,
    fit,
    training_mix,
)


def _prepare(task_name: str, recipe: Recipe, directory: Path) -> tuple[Task, dict[str, Any]]:
    """The task over its data, and what a header says of that data."""
    if task_name == "names":
        rows, validation = datasets.hold_out(datasets.load_names("train", directory), recipe.seed, recipe.hold_out)
        task = NamesTask(rows, validation, datasets.COUNTRIES, recipe)
        characters, classes, file = "".join(task.names), datasets.COUNTRIES, datasets.NAMES_TRAIN
    else:
        splits = datasets.split_speeches(datasets.load_speeches(directory))
        speeches = training_mix(splits, recipe)
        task = SpeechTask(speeches, datasets.join_speeches(splits["val"]), recipe)
        characters, classes, file = datasets.join_speeches(speeches), (), datasets.SPEECHES
    alphabet = "".join(sorted(set(characters)))
    return task, {"alphabet": alphabet, "classes": classes, "data": datasets.fingerprint(file)}


def train(
    task_name: str,
    recipe: Recipe,
    directory: Path,
    out: Path,
    *,
    precision: str | None = None,
    on_start: Callable[[torch.nn.Module, Task, str, torch.device], None] = lambda *started: None,
    on_step: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[int, dict[str, Any], bool], None] = lambda epoch, measured, best: None,
) -> dict[str, Any]:
    """Trains a model from scratch, keeps the best epoch, measures it on the test part and writes the checkpoint.

    Args:
        task_name: "names" or "speech".
        recipe: how.
        directory: where the data lies.
        out: the checkpoint; a file already there is replaced when the run has finished, not before.
        precision: "float32" or "bfloat16"; None: the faster one here.
        on_start: is told the model, the task, the precision and the device.
        on_step, on_epoch: as `training.fit` calls them.

    Returns:
        What was measured: {"validation", "test"}.

    Raises:
        ValueError: the data is missing, or `out` cannot be a file.
        FloatingPointError: the loss is no number any more; the best epoch is in the unfinished file beside `out`.
    """
    if out.is_dir():
        raise ValueError(f"{out} is a directory: name a file for the checkpoint.")
    task, described = _prepare(task_name, recipe, directory)
    device = choose_device()
    torch.manual_seed(recipe.seed)
    model = MODELS[task_name][1](recipe.config).to(device)
    precision = precision or choose_precision(model, task, device)
    on_start(model, task, precision, device)
    # The best epoch so far is on disk whatever happens to the run, and the last good checkpoint too.
    unfinished = out.with_name(f"{out.stem}.unfinished.safetensors")
    written = {key: value for key, value in dataclasses.asdict(recipe).items() if key != "config"}
    written |= {"precision": precision, "device": device.type, "torch": torch.__version__}
    described |= {"task": task_name, "recipe": written, "date": datetime.date.today().isoformat()}

    def keep_best(epoch: int, measured: dict[str, Any], is_best: bool) -> None:
        on_epoch(epoch, measured, is_best)
        if is_best:
            checkpoint = Checkpoint(model=model, results={"validation": measured}, **described)
            checkpoints.save(unfinished, checkpoint, half=True)

    start = time.perf_counter()
    validation = fit(model, task, recipe, device=device, precision=precision, on_step=on_step, on_epoch=keep_best)
    written["seconds"] = round(time.perf_counter() - start)
    # The header says what the file gives, so the figures are taken from the file, rounded weights and all.
    stored = checkpoints.load(unfinished)
    results = {"validation": validation, "test": measure(stored, directory)}
    checkpoints.save(out, dataclasses.replace(stored, recipe=written, results=results), half=True)
    unfinished.unlink()
    return results


def measure(checkpoint: Checkpoint, directory: Path, split: str | None = None) -> dict[str, Any]:
    """The checkpoint on its task's test part; of the speeches on the `split` named, if one is."""
    if checkpoint.task == "names":
        known = {name for name, _ in datasets.load_names("train", directory)}
        return evaluate_names(checkpoint.model, checkpoint.classes, datasets.load_names("test", directory), known)
    splits = datasets.split_speeches(datasets.load_speeches(directory))
    return evaluate_speech(checkpoint.model, datasets.join_speeches(splits[split or "test"]))
