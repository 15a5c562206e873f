"""One training run from the data to a checkpoint with its measured results, and measuring it again."""

import dataclasses
import datetime
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from charplay import checkpoints, datasets
from charplay.baselines import names_baselines, speech_baselines
from charplay.calibration import fit_temperature
from charplay.checkpoints import Checkpoint
from charplay.classify import logits_of
from charplay.evaluate import evaluate_names, evaluate_speech, prefix_loss
from charplay.models import MODELS, NameClassifier, average
from charplay.recipes import RECIPES, NamesRecipe, Recipe
from charplay.tasks import NamesTask, SpeechTask, Task, class_counts, class_shares, training_mix
from charplay.training import Progress, choose_device, choose_precision, fit


@dataclasses.dataclass(frozen=True)
class Started:
    """A network that is about to be trained."""

    what: str  # "the model", or "member 1 of 4" of an average
    model: nn.Module
    task: Task
    recipe: Recipe
    precision: str  # "float32" or "bfloat16"
    device: torch.device


@dataclasses.dataclass(frozen=True)
class Watcher:
    """Who is told how a run goes; by default nobody."""

    on_start: Callable[[Started], None] = lambda started: None
    on_step: Callable[[Progress], None] = lambda progress: None
    on_epoch: Callable[[int, dict[str, Any], bool], None] = lambda epoch, measured, best: None


SILENT = Watcher()


def train(
    task_name: str,
    recipe: Recipe,
    directory: Path,
    out: Path,
    *,
    name: str = "best",
    precision: str | None = None,
    watcher: Watcher = SILENT,
) -> dict[str, Any]:
    """Trains a model from scratch, keeps the best epoch, measures it on the test part and writes the checkpoint.

    Args:
        task_name: "names" or "speech".
        recipe: how.
        directory: where the data lies.
        out: the checkpoint; a file already there is replaced when the run has finished, not before.
        name: what the recipe, or the one that it was adjusted from, is called in the table.
        precision: "float32" or "bfloat16"; None: the faster one here.
        watcher: is told how it goes.

    Returns:
        What was measured, as the header holds it: {"validation", "test", "baselines"...}.

    Raises:
        ValueError: the data is missing, or `out` cannot be a file.
        FloatingPointError: the loss is no number any more; the best epoch is in the unfinished file beside `out`.
    """
    if out.is_dir():
        raise ValueError(f"{out} is a directory: name a file for the checkpoint.")
    # The best epoch so far is on disk whatever happens to the run, and the last good checkpoint too.
    unfinished = out.with_name(f"{out.stem}.unfinished.safetensors")
    described: dict[str, Any] = {"task": task_name, "date": datetime.date.today().isoformat()}
    written = describe(task_name, recipe, name)

    def fit_one(what: str, task: Task, recipe: Recipe, before: Sequence[nn.Module] = ()) -> tuple[nn.Module, dict]:
        """Trains one network of the run; gives it, and what was measured at its best epoch.

        The file holds what there is so far: the network, or its average with the members `before` it.
        """
        device = choose_device()
        torch.manual_seed(recipe.seed)
        model = MODELS[task_name][1](recipe.config).to(device)
        chosen = precision or choose_precision(model, task, device)
        watcher.on_start(Started(what, model, task, recipe, chosen, device))
        written.update(precision=chosen, device=device.type, torch=torch.__version__)

        def on_epoch(epoch: int, measured: dict[str, Any], is_best: bool) -> None:
            watcher.on_epoch(epoch, measured, is_best)
            if is_best:
                so_far = average([*before, model]) if before else model
                checkpoint = Checkpoint(model=so_far, recipe=written, results={"validation": measured}, **described)
                checkpoints.save(unfinished, checkpoint)

        measured = fit(model, task, recipe, device=device, precision=chosen, on_step=watcher.on_step, on_epoch=on_epoch)
        return model.eval(), measured

    start = time.perf_counter()
    results = {"names": _train_names, "speech": _train_speech}[task_name](recipe, directory, described, fit_one)
    written["seconds"] = round(time.perf_counter() - start)
    stored = checkpoints.load(unfinished)
    if temperature := results.get("temperature"):
        # Baked into the last layer: softmax of what it gives is calibrated, and nobody has to know of it.
        for network in (stored.model, *stored.model.others):
            for parameter in network.linear.parameters():
                parameter /= temperature
    # The header says what the file gives, so the figures are taken from the file, rounded weights and all.
    checkpoints.save(unfinished, stored, half=True)
    stored = checkpoints.load(unfinished)
    results |= measure_all(stored, directory)
    checkpoints.save(out, dataclasses.replace(stored, recipe=written, results=results), half=True)
    unfinished.unlink()
    return results


Fit = Callable[..., tuple[nn.Module, dict[str, Any]]]


def _train_names(recipe: NamesRecipe, directory: Path, described: dict[str, Any], fit_one: Fit) -> dict[str, Any]:
    """One network, or the members of an average one after another, each from its own seed; then its temperature."""
    classes = datasets.COUNTRIES
    rows, validation = datasets.hold_out(datasets.load_names("train", directory), recipe.seed, recipe.hold_out)
    described |= {
        "alphabet": "".join(sorted({character for name, _ in rows for character in name})),
        "classes": classes,
        "shares": tuple(class_shares(rows, classes, recipe.class_weight)),
        "data": datasets.fingerprint(datasets.NAMES_TRAIN),
    }
    task = NamesTask(rows, validation, classes, recipe)
    members: list[NameClassifier] = []
    count = recipe.config.members
    for number in range(count):
        alone = dataclasses.replace(recipe.config, members=1)
        own = dataclasses.replace(recipe, config=alone, seed=recipe.seed + number)
        what = f"member {number + 1} of {count}" if count > 1 else "the model"
        model, measured = fit_one(what, task, own, members)
        members.append(model)
    joined = average(members)
    truth = torch.tensor([classes.index(country) for _, country in validation])
    temperature = fit_temperature(logits_of(joined, [name for name, _ in validation]), truth)
    return {
        "validation": task.evaluate(joined) | {"per_second": measured["per_second"]},
        "temperature": temperature,
        "training_rows": class_counts(rows, classes).int().tolist(),
    }


def _train_speech(recipe: Recipe, directory: Path, described: dict[str, Any], fit_one: Fit) -> dict[str, Any]:
    splits = datasets.split_speeches(datasets.load_speeches(directory))
    speeches = training_mix(splits, recipe)
    described |= {
        "alphabet": "".join(sorted(set(datasets.join_speeches(speeches)))),
        "classes": (),
        "shares": (),
        "data": datasets.fingerprint(datasets.SPEECHES),
    }
    task = SpeechTask(speeches, datasets.join_speeches(splits["val"]), recipe)
    return {"validation": fit_one("the model", task, recipe)[1]}


def describe(task_name: str, recipe: Recipe, name: str) -> dict[str, Any]:
    """What a header says of a recipe, so that the file can be made again: its name, what was changed, all fields."""
    original = fields_of(RECIPES[task_name][name])
    changed = {key: value for key, value in fields_of(recipe).items() if value != original[key]}
    own = {key: value for key, value in dataclasses.asdict(recipe).items() if key != "config"}
    return {"name": name, "changed": changed, **own}


def fields_of(recipe: Recipe) -> dict[str, Any]:
    """Every field of a recipe and of its config that can be chosen."""
    return {
        field.name: getattr(holder, field.name)
        for holder in (recipe, recipe.config)
        for field in dataclasses.fields(holder)
        if field.name not in ("config", "classes")
    }


def measure(
    checkpoint: Checkpoint, directory: Path, split: str | None = None, prior: str = "data", engine: bool = False
) -> dict[str, Any]:
    """The checkpoint on its task's test part; of the speeches on the `split` named, or as `engine` runs it."""
    if checkpoint.task == "names":
        known = {name for name, _ in datasets.load_names("train", directory)}
        rows = datasets.load_names("test", directory)
        measured = evaluate_names(
            checkpoint.model,
            checkpoint.classes,
            rows,
            known,
            checkpoint.shares if prior == "uniform" else None,
            engine,
        )
        if prior == "data":
            measured["prefix_loss"] = prefix_loss(checkpoint.model, checkpoint.classes, rows, engine)
        return measured
    splits = datasets.split_speeches(datasets.load_speeches(directory))
    return evaluate_speech(checkpoint.model, datasets.join_speeches(splits[split or "test"]), engine)


def measure_baselines(task_name: str, directory: Path) -> dict[str, dict[str, Any]]:
    """What counting reaches on the test part, after the training part of the task's best recipe."""
    if task_name == "names":
        return names_baselines(
            datasets.load_names("train", directory), datasets.load_names("test", directory), datasets.COUNTRIES
        )
    splits = datasets.split_speeches(datasets.load_speeches(directory))
    mix = training_mix(splits, RECIPES["speech"]["best"])
    return speech_baselines(datasets.join_speeches(mix), datasets.join_speeches(splits["test"]))


def measure_all(checkpoint: Checkpoint, directory: Path) -> dict[str, Any]:
    """All that a header says of how good a model is, by test, beside the baselines."""
    results = {"test": measure(checkpoint, directory), "baselines": measure_baselines(checkpoint.task, directory)}
    if checkpoint.task == "names":
        results["uniform"] = measure(checkpoint, directory, prior="uniform")
    return results
