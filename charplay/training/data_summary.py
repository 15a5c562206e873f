"""The summary of user data that the page shows before training, and the recipe and training set made from it."""

import dataclasses
import math
from collections import Counter
from collections.abc import Sized
from pathlib import Path
from typing import Any, TypedDict

import torch

from charplay import limits
from charplay.data import datasets
from charplay.data.batches import group_by_length
from charplay.data.datasets import Speech
from charplay.data.user_data import MAX_REPORTED_ROWS, UserRows, UserText, count_labels, read_rows, read_text
from charplay.data.user_data.report import count_characters
from charplay.data.user_data.rows import FIRST_ROWS
from charplay.data.user_data.texts import first_lines
from charplay.data.vocabulary import END_OF_TEXT, UNKNOWN, vocabulary_of
from charplay.inference.classify import USER_RESULTS
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import build_without_weights, count_parameters
from charplay.training.conditional_task import ConditionalTask
from charplay.training.conditional_user_data import ngram_baseline, with_ends
from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup
from charplay.training.evaluation_example import opening_of
from charplay.training.fine_tuning import StartingModel, changes_of
from charplay.training.recipes import (
    FINE_TUNING_RECIPES,
    SIZES_OF_DATA,
    USER_RECIPES,
    InventRecipe,
    NamesRecipe,
    Recipe,
    SpeechRecipe,
    adjust,
)
from charplay.training.tasks import NamesTask, SpeechTask, class_shares
from charplay.training.time_estimate import Speed, estimate_seconds
from charplay.training.training_sets import TrainingSet, recognizing

UserData = UserText | UserRows
CHOSEN_ANEW = {"dropout", "character_dropout"}  # fields of a config that may change where a model is gone on from
MAX_SMALL_TEXT_STEPS = 800  # of all epochs on a text that an epoch of few steps goes through; more would overfit it
FINE_TUNING_STEPS = 400  # the same where a model is gone on from, which needs fewer
MIN_INVENT_STEPS = 600  # of all epochs on few rows that are written for their class
MIN_EPOCH_STEPS = 12  # steps of an epoch, at least: small data gets smaller batches

# What a recipe trains.
TASK_OF: dict[type[Recipe], str] = {NamesRecipe: "names", SpeechRecipe: "speech", InventRecipe: "invent"}


class DataSummary(TypedDict):
    """Data and recipe in figures; those of rows alone are empty for a text, and the reverse."""

    task: str  # "names", "speech" or "invent": what is trained on it
    read_as: dict[str, Any]  # encoding; of rows delimiter, has_header, columns, text_column, label_column
    count: int  # characters of a text; rows that can be used
    training: int  # of them
    validation: int
    characters: dict[str, int]  # that the network reads, and how often, the commonest first
    first: list[Any]  # the first three rows as they were read, [text, label], or lines of a text
    unknown: dict[str, int]  # those that are too rare, which it reads as `vocabulary.UNKNOWN`
    dropped: dict[str, int]  # control and format characters of a text -> how often each occurs
    classes: dict[str, int]  # label -> rows
    case_variants: list[list[str]]  # labels that differ by case alone
    cut: int  # texts of rows that were too long
    left_out: int  # rows that cannot be used
    named: list[dict[str, Any]]  # the first of them: {"line", "reason"}
    lengths: list[int]  # number of texts of each length, from 0 on
    padding_shuffled: float | None  # padding fraction of batches in random order
    padding_grouped: float | None  # padding fraction of batches of similar lengths
    baseline: float  # on the validation part: unigram bits per character, or accuracy of the commonest label
    recipe: dict[str, Any]  # every field of recipe and config
    parameters: int
    steps: int  # of all epochs
    per_second: float | None  # characters or rows, measured here
    seconds: float | None  # estimated duration of the training
    start: dict[str, Any] | None  # the model that it goes on from, and what of that grows (see `fine_tuning`)


def read_user_data(task: str, data: bytes | str, options: dict[str, Any]) -> UserData:
    """Reads user data for a task; `options` are those of `read_rows`, or of `read_text`.

    Raises:
        ValueError: it cannot be used; the sentence says what to change.
    """
    if task == "speech":
        return read_text(data, **options)
    rows = read_rows(data, **options)
    return with_ends(rows) if task == "invent" else rows


def read_data_set(task: str, directory: Path) -> UserData:
    """One of the project's data sets in the same form: the training names, or Barack Obama's training speeches."""
    if task != "speech":
        rows = datasets.load_names("train", directory)
        vocabulary, _ = vocabulary_of(Counter(character for name, _ in rows for character in name))
        read = UserRows(rows, vocabulary, "ASCII", ",", False, ("name", "country"), 0, 1, first=rows[:FIRST_ROWS])
        return with_ends(read) if task == "invent" else read
    speeches = datasets.split_speeches(datasets.load_speeches(directory))["train"]
    text = datasets.join_speeches(speeches)
    return UserText(text, vocabulary_of(Counter(text))[0], "UTF-8", first=first_lines(text))


def choose_recipe(
    task: str, user_data: UserData, preset: object, changes: dict[str, Any], start: StartingModel | None = None
) -> Recipe:
    """The recipe of a size by name, adjusted to the amount of data, then by `changes`.

    To go on from a model, the sizes are that model's, whatever the preset.

    Raises:
        ValueError: there is no such size, a field is out of bounds, or the network is too large.
    """
    recipe = USER_RECIPES[task][limits.check_choice("size", preset, tuple(USER_RECIPES[task]))]
    if start is not None:
        if task not in FINE_TUNING_RECIPES:
            raise ValueError("A network that invents texts begins as a new one: it cannot start from a model.")
        recipe = dataclasses.replace(FINE_TUNING_RECIPES[task], config=start.config)
        if fixed := sorted({field.name for field in dataclasses.fields(start.config)} & set(changes) - CHOSEN_ANEW):
            raise ValueError(f"The network is that of the model that training starts from: {', '.join(fixed)} stays.")
    known = {field.name for holder in (recipe, recipe.config) for field in dataclasses.fields(holder)}
    if unknown := sorted(set(changes) - known | {"config", *SIZES_OF_DATA} & set(changes)):
        raise ValueError(f"A recipe has no {', '.join(unknown)} to choose.")
    recipe = adjust(recipe, _changes_for_size(recipe, user_data, start is not None) | changes)
    limits.check_fields(limits.USER_RECIPE, recipe)
    limits.check_fields(limits.USER_RECIPE, recipe.config)
    sizes = {"vocabulary_size": user_data.vocabulary.size}
    if isinstance(user_data, UserRows):
        sizes["classes"] = len(user_data.classes)
    recipe = adjust(recipe, sizes)
    parameters = count_parameters(build_without_weights(task, recipe.config))
    if parameters > limits.MAX_USER_PARAMETERS:
        remedy = "choose a smaller hidden size, or fewer layers" if start is None else "start from a smaller model"
        raise ValueError(
            f"This network has {parameters:,} parameters, and at most {limits.MAX_USER_PARAMETERS:,} can be trained "
            f"here: {remedy}."
        )
    return recipe


def _changes_for_size(recipe: Recipe, user_data: UserData, is_fine_tuned: bool) -> dict[str, Any]:
    """Smaller batches and more epochs for data that would take only a few steps."""
    if isinstance(user_data, UserRows):
        batch_size = max(min(recipe.batch_size, len(user_data.rows) // MIN_EPOCH_STEPS), 2)
        if isinstance(recipe, InventRecipe):
            steps = max(len(user_data.rows) // batch_size, 1)
            return {"batch_size": batch_size, "epochs": max(recipe.epochs, min(MIN_INVENT_STEPS // steps, 60))}
        return {"batch_size": batch_size}
    assert isinstance(recipe, SpeechRecipe)  # that of a text
    characters = len(user_data.split()[0])
    batch_size = max(min(recipe.batch_size, characters // (MIN_EPOCH_STEPS * recipe.steps)), 1)
    steps = min(recipe.steps, (characters - 1) // (2 * batch_size))
    all_steps = FINE_TUNING_STEPS if is_fine_tuned else MAX_SMALL_TEXT_STEPS
    wanted = all_steps * recipe.batch_size * recipe.steps  # characters of all epochs
    epochs = max(recipe.epochs, min(round(wanted / characters), 60))
    return {"batch_size": batch_size, "steps": steps, "epochs": epochs}


def training_set_of(
    task: str, user_data: UserData, recipe: Recipe, group: ProcessGroup = SINGLE_PROCESS
) -> TrainingSet:
    """What `run.run` trains on. There is no test part: the header holds the baseline and the count instead.

    Raises:
        ValueError: the data is too short for the recipe's batches.
    """
    baseline = baseline_of(user_data, recipe)
    vocabulary = user_data.vocabulary

    def measure(checkpoint: Checkpoint) -> dict[str, Any]:
        own = {"baseline": baseline, "count": count_of(user_data), "opening": opening_of(training_task)}
        return {USER_RESULTS: own}

    training_task: NamesTask | SpeechTask | ConditionalTask
    if isinstance(user_data, UserRows):
        assert isinstance(recipe, NamesRecipe | InventRecipe)  # that of rows
        train, validation = user_data.split(recipe.seed)
        seen = {character for text, _ in train for character in text}
        described: dict[str, Any] = {
            "classes": user_data.classes,
            "shares": tuple(class_shares(train, user_data.classes, recipe.class_weight)),
        }
        if isinstance(recipe, InventRecipe):
            training_task = ConditionalTask(train, validation, user_data.classes, recipe, group, vocabulary)
            seen |= {END_OF_TEXT}
            described["prepare"] = recognizing([text for text, _ in user_data.rows])
        else:
            training_task = NamesTask(train, validation, user_data.classes, recipe, group, vocabulary)
    else:
        assert isinstance(recipe, SpeechRecipe)  # that of a text
        train_text, validation_text = user_data.split()
        training_task = SpeechTask([Speech("", "", train_text)], validation_text, recipe, group, vocabulary)
        seen, described = set(train_text), {}
    alphabet = "".join(sorted(seen - {UNKNOWN}))
    return TrainingSet(training_task, alphabet, user_data.fingerprint, measure, **described, vocabulary=vocabulary)


def count_of(user_data: UserData) -> int:
    """Rows, or characters."""
    return len(user_data.rows) if isinstance(user_data, UserRows) else len(user_data.text)


def baseline_of(user_data: UserData, recipe: Recipe) -> float:
    """The baseline on the validation part: the commonest label's accuracy, or a unigram model's bits per character.

    Of texts that are written for their label: the bits per character of n-grams of that label's texts.
    Characters that are not in the training part count once.
    """
    if isinstance(user_data, UserRows):
        train, validation = user_data.split(recipe.seed)
        if isinstance(recipe, InventRecipe):
            return ngram_baseline(train, validation).overall
        commonest, _ = Counter(label for _, label in train).most_common(1)[0]
        return sum(label == commonest for _, label in validation) / len(validation)
    train_text, validation_text = user_data.split()
    counts = Counter(train_text)
    total = len(train_text) + len(set(validation_text) - set(train_text))
    bits = sum(math.log2(total / max(counts[character], 1)) for character in validation_text)
    return bits / len(validation_text)


def summarize(
    user_data: UserData, recipe: Recipe, speed: Speed | None = None, start: StartingModel | None = None
) -> DataSummary:
    """The figures of user data, and of training on it by `recipe`, with its duration where the speed is known."""
    task = TASK_OF[type(recipe)]
    training_set = training_set_of(task, user_data, recipe)
    steps = training_set.task.count()
    parts: tuple[Sized, Sized]  # training and validation
    parts = user_data.split(recipe.seed) if isinstance(user_data, UserRows) else user_data.split()
    summary = DataSummary(
        task=task,
        read_as={"encoding": user_data.encoding},
        count=count_of(user_data),
        training=len(parts[0]),
        validation=len(parts[1]),
        characters=count_characters(user_data),
        first=[list(row) if isinstance(row, tuple) else row for row in user_data.first],
        unknown=user_data.unknown,
        dropped=user_data.dropped if isinstance(user_data, UserText) else {},
        classes={},
        case_variants=[],
        cut=0,
        left_out=0,
        named=[],
        lengths=[],
        padding_shuffled=None,
        padding_grouped=None,
        baseline=baseline_of(user_data, recipe),
        recipe={key: value for key, value in dataclasses.asdict(recipe).items() if key != "config"}
        | dataclasses.asdict(recipe.config),
        parameters=count_parameters(build_without_weights(task, recipe.config)),
        steps=steps * recipe.epochs,
        per_second=speed.per_second if speed else None,
        seconds=estimate_seconds(recipe, training_set, speed) if speed else None,
        start=changes_of(start, user_data) if start else None,
    )
    if isinstance(user_data, UserRows):
        lengths = [len(text) for text, _ in user_data.rows]
        named = ("delimiter", "has_header", "columns", "text_column", "label_column")
        summary["read_as"] |= {key: getattr(user_data, key) for key in named}
        summary["case_variants"], summary["cut"] = [list(labels) for labels in user_data.case_variants], user_data.cut
        summary["classes"], summary["left_out"] = count_labels(user_data.rows), len(user_data.rejected)
        summary["named"] = [left._asdict() for left in user_data.rejected[:MAX_REPORTED_ROWS]]
        summary["lengths"] = torch.tensor(lengths).bincount().tolist()
        summary["padding_shuffled"], summary["padding_grouped"] = padding_of(lengths, recipe)
    return summary


def padding_of(lengths: list[int], recipe: Recipe) -> tuple[float, float]:
    """The padding fraction of an epoch's batches: in random order, and in batches of similar lengths."""
    generator = torch.Generator().manual_seed(recipe.seed)
    shuffled = torch.tensor(lengths)[torch.randperm(len(lengths), generator=generator)].tolist()
    in_order = [shuffled[start : start + recipe.batch_size] for start in range(0, len(shuffled), recipe.batch_size)]
    grouped = [[lengths[index] for index in batch] for batch in group_by_length(lengths, recipe.batch_size, generator)]

    def fraction(batches: list[list[int]]) -> float:
        return 1 - sum(lengths) / sum(max(batch) * len(batch) for batch in batches)

    return fraction(in_order), fraction(grouped)
