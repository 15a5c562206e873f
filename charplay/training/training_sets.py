"""What a model is trained on: the project's data sets as tasks, with soft targets where a recipe names teachers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from charplay.data import datasets
from charplay.data.datasets import NameRows
from charplay.data.vocabulary import ASCII, END_OF_TEXT, Vocabulary
from charplay.inference.classify import remove_prior
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import ConditionalCharLM, Network
from charplay.models.ngrams import NgramClassifier
from charplay.models.text_filter import add_texts
from charplay.training import distillation
from charplay.training.conditional_distillation import Teachers
from charplay.training.conditional_task import ConditionalTask
from charplay.training.distributed import ProcessGroup
from charplay.training.measurements import measure_all
from charplay.training.recipes import InventRecipe, NamesRecipe, SpeechRecipe
from charplay.training.tasks import NamesTask, SpeechTask, Task, class_shares, training_mix


@dataclass(frozen=True)
class TrainingSet:
    """A task, and what a checkpoint's header says of its data."""

    task: Task
    alphabet: str  # the characters in it, in order of code
    data: str  # its fingerprint
    measure: Callable[[Checkpoint], dict[str, Any]]  # results for the header, beside those of the validation part
    classes: tuple[str, ...] = ()
    shares: tuple[float, ...] = ()  # of the classes, as weighted in training
    vocabulary: Vocabulary = ASCII  # of the task's texts
    # Gives a new network what it holds of the data beside its weights.
    prepare: Callable[[Network], None] = lambda model: None


def names_training_set(
    recipe: NamesRecipe, directory: Path, group: ProcessGroup, teachers: Sequence[Checkpoint] = ()
) -> TrainingSet:
    """The names; with teachers, their soft targets and synthetic names too."""
    rows, validation = datasets.hold_out(datasets.load_names("train", directory), recipe.seed, recipe.hold_out)
    classes = datasets.COUNTRIES
    shares = class_shares(rows, classes, recipe.class_weight)
    task = NamesTask(rows, validation, classes, recipe, group)
    if teachers:
        by_class = dict(zip(classes, shares, strict=True))
        synthetic = distillation.synthesize_names(rows, by_class, recipe.synthetic, recipe.seed)
        names = [*(name for name, _ in rows), *synthetic]
        task.distill(synthetic, _soft_targets(recipe, rows, names, shares, teachers, group))
    return TrainingSet(
        task,
        alphabet="".join(sorted({character for name, _ in rows for character in name})),
        data=datasets.fingerprint(datasets.NAMES_TRAIN),
        measure=lambda checkpoint: measure_all(checkpoint, directory),
        classes=classes,
        shares=tuple(shares),
    )


def _soft_targets(
    recipe: NamesRecipe,
    rows: NameRows,
    names: Sequence[str],
    shares: Sequence[float],
    teachers: Sequence[Checkpoint],
    group: ProcessGroup,
) -> torch.Tensor:
    """The teachers' class probabilities (names, classes), an n-gram classifier mixed in by the recipe's weight.

    Teachers may have been trained with other class weights: all are brought to the class shares of this recipe.
    """
    logits = distillation.soft_target_logits(teachers, names, group)
    if recipe.ngram_weight:
        ngrams = NgramClassifier(rows, datasets.COUNTRIES).logits(names)
        without_prior = remove_prior(ngrams, class_shares(rows, datasets.COUNTRIES, 0.0))
        logits = logits.lerp(without_prior, recipe.ngram_weight)
    return (logits + torch.tensor(shares).log()).softmax(1)


def speech_training_set(recipe: SpeechRecipe, directory: Path, group: ProcessGroup) -> TrainingSet:
    """The speeches."""
    splits = datasets.split_speeches(datasets.load_speeches(directory))
    speeches = training_mix(splits, recipe)
    return TrainingSet(
        SpeechTask(speeches, datasets.join_speeches(splits["val"]), recipe, group),
        alphabet="".join(sorted(set(datasets.join_speeches(speeches)))),
        data=datasets.fingerprint(datasets.SPEECHES),
        measure=lambda checkpoint: measure_all(checkpoint, directory),
    )


def recognizing(texts: Sequence[str]) -> Callable[[Network], None]:
    """Has a new conditional network recognize the texts that it is trained on."""

    def prepare(model: Network) -> None:
        assert isinstance(model, ConditionalCharLM)
        add_texts(model.seen, texts)

    return prepare


def invent_training_set(
    recipe: InventRecipe, directory: Path, group: ProcessGroup, teachers: Sequence[Checkpoint] = ()
) -> TrainingSet:
    """The names, to be written letter by letter for their country; with teachers, names that these write instead."""
    every = datasets.load_names("train", directory)
    rows, validation = datasets.hold_out(every, recipe.seed, recipe.hold_out)
    classes = datasets.COUNTRIES
    alphabet = "".join(sorted({character for name, _ in every for character in name + END_OF_TEXT}))
    task = ConditionalTask(rows, validation, classes, recipe, group)
    if teachers and recipe.synthetic:
        shares = torch.tensor(class_shares(rows, classes, recipe.class_weight))
        generator = torch.Generator().manual_seed(recipe.seed)
        labels = torch.multinomial(shares, recipe.synthetic, replacement=True, generator=generator)
        written = Teachers(teachers, rows, validation, classes, alphabet).write(labels, recipe.seed)
        task.distill(written, alphabet)
    return TrainingSet(
        task,
        alphabet=alphabet,
        data=datasets.fingerprint(datasets.NAMES_TRAIN),
        measure=lambda checkpoint: measure_all(checkpoint, directory),
        classes=classes,
        shares=tuple(class_shares(rows, classes, recipe.class_weight)),
        prepare=recognizing([name for name, _ in every]),
    )


# task -> its training set; the recipe may name teachers
DISTILLED_SETS: dict[str, Callable[..., TrainingSet]] = {"names": names_training_set, "invent": invent_training_set}
