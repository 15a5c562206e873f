"""What is known of a visitor's own data before anything is trained on it, and what a run is given of it."""

import dataclasses
import math
import time
from collections import Counter
from pathlib import Path
from typing import Any, TypedDict

import torch

from charplay import limits
from charplay.data import datasets
from charplay.data.batches import group_by_length
from charplay.data.datasets import Speech
from charplay.data.user_data import MAX_REPORTED_ROWS, UserRows, UserText, count_labels, read_rows, read_text
from charplay.models.networks import MODELS, build_without_weights, count_parameters
from charplay.training.recipes import USER_RECIPES, Recipe, adjust
from charplay.training.tasks import NamesTask, SpeechTask, class_shares
from charplay.training.trainer import Trainer
from charplay.training.training_sets import TrainingSet

UserData = UserText | UserRows
MIN_EPOCH_STEPS = 12  # that a small text or table is cut into at least, by smaller batches
EVALUATION_SECONDS = 6.0  # between two evaluations, about
TRIAL_SECONDS = 0.7  # for which steps are taken, to see how long the training will last
CPU = torch.device("cpu")


class DataSummary(TypedDict):
    """The checked summary; what only rows or only a text has is empty for the other."""

    task: str  # "names" or "speech": what can be trained on it
    read_as: dict[str, Any]  # encoding; of rows delimiter, has_header, columns, text_column, label_column
    count: int  # characters of a text; rows that can be used
    training: int  # of them
    validation: int
    vocabulary: str  # the different characters, in order of code
    lost: dict[str, int]  # characters of a text that have no ASCII form, and how often each stood there
    classes: dict[str, int]  # label -> rows
    left_out: int  # rows that cannot be used
    named: list[dict[str, Any]]  # the first of them: {"line", "reason"}
    lengths: list[int]  # how many texts have each length, from 0 on
    padding_shuffled: float | None  # share of a batch's cells that hold no character, in batches as they come
    padding_grouped: float | None  # and in batches of similar lengths
    baseline: float  # what counting reaches on the validation part: unigram bits per character, or accuracy
    recipe: dict[str, Any]  # every field, as it would be trained
    parameters: int
    steps: int  # of all epochs
    per_second: float | None  # characters or rows, as measured here
    seconds: float | None  # that the training will last, about


def read_user_data(task: str, data: bytes | str, options: dict[str, Any]) -> UserData:
    """Reads a visitor's data for a task; `options` are those of `read_rows`.

    Raises:
        ValueError: it cannot be used; the sentence says what to change.
    """
    return read_rows(data, **options) if task == "names" else read_text(data)


def read_data_set(task: str, directory: Path) -> UserData:
    """One of the project's own data sets in the same form: the training names, or the speeches to learn most from."""
    if task == "names":
        rows = datasets.load_names("train", directory)
        return UserRows(rows, "ASCII", ",", False, ("name", "country"), 0, 1, [])
    speeches = datasets.split_speeches(datasets.load_speeches(directory))["train"]
    return UserText(datasets.join_speeches(speeches), "UTF-8", {})


def choose_recipe(task: str, own: UserData, preset: object, changes: dict[str, Any]) -> Recipe:
    """The recipe of a size by name, adjusted to what is there, with some fields chosen otherwise.

    Raises:
        ValueError: there is no such size, or a field is out of bounds, or the network too large.
    """
    recipe = USER_RECIPES[task][limits.check_choice("size", preset, tuple(USER_RECIPES[task]))]
    known = {field.name for holder in (recipe, recipe.config) for field in dataclasses.fields(holder)}
    if unknown := sorted(set(changes) - known | {"config", "members", "classes"} & set(changes)):
        raise ValueError(f"A recipe has no {', '.join(unknown)} to choose.")
    recipe = adjust(recipe, _fitting(recipe, own) | changes)
    limits.check_fields(limits.USER_RECIPE, recipe)
    limits.check_fields(limits.USER_RECIPE, recipe.config)
    if isinstance(own, UserRows):
        recipe = adjust(recipe, {"classes": len(own.classes)})
    parameters = count_parameters(build_without_weights(task, recipe.config))
    if parameters > limits.MAX_USER_PARAMETERS:
        raise ValueError(
            f"This network has {parameters:,} parameters, and at most {limits.MAX_USER_PARAMETERS:,} can be trained "
            "here: choose a smaller hidden size, or fewer layers."
        )
    return recipe


def _fitting(recipe: Recipe, own: UserData) -> dict[str, Any]:
    """Smaller batches, and more epochs, for what would be read in a few steps."""
    if isinstance(own, UserRows):
        batch_size = max(min(recipe.batch_size, len(own.rows) // MIN_EPOCH_STEPS), 2)
        return {"batch_size": batch_size}
    characters = len(own.split()[0])
    batch_size = max(min(recipe.batch_size, characters // (MIN_EPOCH_STEPS * recipe.steps)), 1)
    steps = min(recipe.steps, (characters - 1) // (2 * batch_size))
    wanted = 800 * recipe.batch_size * recipe.steps  # characters in all, before a small text is learnt by heart
    epochs = max(recipe.epochs, min(round(wanted / characters), 60))
    return {"batch_size": batch_size, "steps": steps, "epochs": epochs}


def training_set_of(task: str, own: UserData, recipe: Recipe) -> TrainingSet:
    """What `runs.run` trains on; the header gets what was measured in validation, since there is no test part.

    Raises:
        ValueError: it is too short for the recipe's batches.
    """
    baseline = baseline_of(own, recipe)
    measure = lambda checkpoint: {"own": {"baseline": baseline, "count": count_of(own)}}  # noqa: E731
    if isinstance(own, UserRows):
        train, validation = own.split(recipe.seed)
        return TrainingSet(
            NamesTask(train, validation, own.classes, recipe),
            alphabet="".join(sorted({character for text, _ in train for character in text})),
            data=own.fingerprint,
            measure=measure,
            classes=own.classes,
            shares=tuple(class_shares(train, own.classes, recipe.class_weight)),
        )
    train, validation = own.split()
    return TrainingSet(
        SpeechTask([Speech("", "", train)], validation, recipe),
        alphabet="".join(sorted(set(train))),
        data=own.fingerprint,
        measure=measure,
    )


def count_of(own: UserData) -> int:
    """Rows, or characters."""
    return len(own.rows) if isinstance(own, UserRows) else len(own.text)


def baseline_of(own: UserData, recipe: Recipe) -> float:
    """What counting reaches on the validation part: the commonest label's accuracy, or a unigram's bits per character.

    A character that training never showed counts as shown once.
    """
    if isinstance(own, UserRows):
        train, validation = own.split(recipe.seed)
        commonest, _ = Counter(label for _, label in train).most_common(1)[0]
        return sum(label == commonest for _, label in validation) / len(validation)
    train, validation = own.split()
    counts = Counter(train)
    total = len(train) + len(set(validation) - set(train))
    return -sum(math.log2(max(counts[character], 1) / total) for character in validation) / len(validation)


def with_evaluations(recipe: Recipe, steps: int, per_second: float, units: float) -> Recipe:
    """The recipe, evaluated so often that a page sees something new every few seconds.

    Args:
        recipe: as chosen.
        steps: in an epoch.
        per_second, units: characters or rows that are trained in a second, and in an epoch.
    """
    often = round(units / max(per_second, 1e-9) / EVALUATION_SECONDS)
    return dataclasses.replace(recipe, evaluations=int(max(min(often, steps, 100), 1)))


def measure_speed(task: str, training_set: TrainingSet, recipe: Recipe) -> float:
    """Characters or rows a second, from a few steps of a network that is thrown away."""
    torch.manual_seed(recipe.seed)
    trainer = Trainer(MODELS[task][1](recipe.config), training_set.task, recipe, device=CPU, precision="float32")
    trainer.advance()  # to warm up
    done, start = trainer.done, time.perf_counter()
    while time.perf_counter() - start < TRIAL_SECONDS and not trainer.is_done:
        trainer.advance()
    units = (trainer.done - done) * units_of(training_set.task) / trainer.steps
    return max(units, 1) / (time.perf_counter() - start)


def units_of(task: NamesTask | SpeechTask) -> int:
    """Rows or characters of an epoch."""
    return len(task.names) if isinstance(task, NamesTask) else task.characters


def summarize(own: UserData, recipe: Recipe, is_timed: bool = True) -> DataSummary:
    """The checked summary of a visitor's data, and of what training on it by `recipe` will be.

    `is_timed`: measure how long it will last, which takes a second; otherwise it is not known.
    """
    task = "names" if isinstance(own, UserRows) else "speech"
    training_set = training_set_of(task, own, recipe)
    per_second = measure_speed(task, training_set, recipe) if is_timed else None
    steps = training_set.task.count()
    made: dict[str, Any] = {"lost": {}, "classes": {}, "left_out": 0, "named": [], "lengths": []}
    made |= {"padding_shuffled": None, "padding_grouped": None, "read_as": {"encoding": own.encoding}}
    if isinstance(own, UserRows):
        train, validation = own.split(recipe.seed)
        lengths = [len(text) for text, _ in own.rows]
        named = ("delimiter", "has_header", "columns", "text_column", "label_column")
        made["read_as"] |= {key: getattr(own, key) for key in named}
        made |= {"vocabulary": "".join(sorted({character for text, _ in own.rows for character in text}))}
        made |= {"classes": count_labels(own.rows), "left_out": len(own.rejected)}
        made["named"] = [left._asdict() for left in own.rejected[:MAX_REPORTED_ROWS]]
        made["lengths"] = torch.tensor(lengths).bincount().tolist()
        made |= padding_of(lengths, recipe)
    else:
        train, validation = own.split()
        made |= {"vocabulary": "".join(sorted(set(own.text))), "lost": own.lost}
    return DataSummary(
        task=task,
        count=count_of(own),
        training=len(train),
        validation=len(validation),
        baseline=baseline_of(own, recipe),
        recipe={key: value for key, value in dataclasses.asdict(recipe).items() if key != "config"}
        | dataclasses.asdict(recipe.config),
        parameters=count_parameters(build_without_weights(task, recipe.config)),
        steps=steps * recipe.epochs,
        per_second=per_second,
        seconds=recipe.epochs * len(train) / per_second if per_second else None,
        **made,
    )


def padding_of(lengths: list[int], recipe: Recipe) -> dict[str, float]:
    """The share of padding in an epoch's batches: in a shuffled order, and in batches of similar lengths."""
    generator = torch.Generator().manual_seed(recipe.seed)
    shuffled = torch.tensor(lengths)[torch.randperm(len(lengths), generator=generator)]
    batches = {
        "padding_shuffled": [part.tolist() for part in shuffled.split(recipe.batch_size)],
        "padding_grouped": [
            [lengths[index] for index in batch] for batch in group_by_length(lengths, recipe.batch_size, generator)
        ],
    }
    return {key: 1 - sum(lengths) / sum(max(batch) * len(batch) for batch in parts) for key, parts in batches.items()}
