"""How each model is trained: the recipes, by name, in one table.

`python -m charplay train names --recipe gru` trains by `RECIPES["names"]["gru"]`; the checkpoint's header names it.
"""

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

from charplay import limits
from charplay.models.networks import (
    CELLS,
    CharLMConfig,
    ConditionalCharLMConfig,
    NameClassifierConfig,
    RecurrentConfig,
)

SCHEDULES = ("cosine", "constant")
SIZES_OF_DATA = ("classes", "vocabulary_size")  # fields of a config that the data gives, not the recipe


@dataclass(frozen=True)
class Recipe:
    """How a model is trained: with the data, all that is needed to train it again."""

    config: RecurrentConfig
    epochs: int
    batch_size: int
    learning_rate: float  # its peak
    weight_decay: float
    muon_learning_rate: float = 0.0  # its peak, of Muon on the recurrent matrices; 0: AdamW changes them too
    clip: float = 1.0  # largest norm of the gradient
    schedule: str = "cosine"  # warm-up to the peak, then cosine decay to zero; or "constant"
    warmup: float = 0.05  # share of the steps
    evaluations: int = 1  # per epoch
    seed: int = 1

    def __post_init__(self):
        limits.check_choice("schedule", self.schedule, SCHEDULES)


@dataclass(frozen=True)
class DistilledRecipe(Recipe):
    """How a network is trained that may learn from others (see `distillation` and `conditional_distillation`)."""

    hold_out: float = 0.05  # share of the training rows: the validation part; a classifier is calibrated on it too
    class_weight: float = 0.0  # a row's weight is its class's share to the power of minus this
    teachers: str = ""  # "narrow:8,plain:2": recipes, and how many networks of each give soft targets by their mean
    synthetic: int = 0  # synthetic names that have soft targets only

    def __post_init__(self):
        super().__post_init__()
        if self.synthetic and not self.teachers:
            raise ValueError("synthetic is for a network with teachers: name some, or make it 0.")


@dataclass(frozen=True)
class NamesRecipe(DistilledRecipe):
    """How a name classifier is trained."""

    config: NameClassifierConfig

    label_smoothing: float = 0.1
    class_weight: float = 0.3
    truncation: float = 0.1  # share of the names cut to a prefix, drawn anew each epoch
    label_share: float = 0.5  # of the true country in a training row's target; the rest is the soft target
    ngram_weight: float = 0.0  # of a classifier of letter n-grams in the soft targets, 0 to 1

    def __post_init__(self):
        super().__post_init__()
        if self.ngram_weight and not self.teachers:
            raise ValueError("ngram_weight is for a network with teachers: name some, or make it 0.")


def parse_teachers(teachers: str) -> list[tuple[str, int]]:
    """Recipes and how many networks of each: "narrow:8,plain" -> [("narrow", 8), ("plain", 1)].

    Raises:
        ValueError: a number is none.
    """
    parsed = []
    for each in filter(None, teachers.split(",")):
        name, separator, networks = each.partition(":")
        networks = networks if separator else "1"
        parsed.append((name, limits.TEACHERS.check(int(networks) if networks.isdecimal() else networks)))
    return parsed


@dataclass(frozen=True)
class SpeechRecipe(Recipe):
    """How a language model of speeches is trained."""

    config: CharLMConfig

    steps: int = 128  # characters of truncated backpropagation through time
    since: str = "1930"  # the other presidents' speeches from this year on
    copies: int = 3  # of Barack Obama's training speeches among them


@dataclass(frozen=True)
class InventRecipe(DistilledRecipe):
    """How a language model of short texts, conditioned on their class, is trained, such as names of a country."""

    config: ConditionalCharLMConfig


_SMALL_CLASSIFIER = NamesRecipe(
    NameClassifierConfig("gru", 64, 96, 2, dropout=0.3, character_dropout=0.15),
    epochs=30,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.05,
)
_NARROW_TEACHER = NamesRecipe(
    NameClassifierConfig("gru", 64, 128, 2, dropout=0.4, character_dropout=0.2),
    epochs=40,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.05,
)
_WIDE_TEACHER_CONFIG = NameClassifierConfig("gru", 64, 256, 2, dropout=0.5, character_dropout=0.25)
_SMALL_LANGUAGE_MODEL = SpeechRecipe(
    CharLMConfig("gru", 64, 256, 1),
    epochs=2,
    batch_size=64,
    learning_rate=2e-3,
    weight_decay=0.01,
    steps=64,
)
_BROAD_INVENTOR = InventRecipe(
    ConditionalCharLMConfig("lstm", 64, 896, 1, dropout=0.45),
    epochs=16,
    batch_size=64,
    learning_rate=3e-3,
    weight_decay=0.05,
    hold_out=0.02,
)

# task -> name -> a `NamesRecipe`, `SpeechRecipe` or `InventRecipe`, as the task has it
RECIPES: dict[str, dict[str, Any]] = {
    "names": {
        "best": NamesRecipe(
            NameClassifierConfig("gru", 64, 192, 2, dropout=0.05, character_dropout=0.02),
            epochs=8,
            batch_size=256,
            learning_rate=2e-3,
            weight_decay=0.05,
            label_smoothing=0.0,
            truncation=0.05,
            teachers="averaged:12",
            synthetic=400_000,
            label_share=0.2,
        ),
        # Its teachers: the mean of twelve errs less than each of them.
        "averaged": NamesRecipe(
            NameClassifierConfig("gru", 64, 64, 2, dropout=0.1, character_dropout=0.05),
            epochs=14,
            batch_size=128,
            learning_rate=2e-3,
            weight_decay=0.05,
            label_smoothing=0.0,
            truncation=0.05,
            teachers="narrow:8,plain:2,wide:4,wider:2",
            ngram_weight=0.3,
            synthetic=100_000,
        ),
        # The teachers of those: the more they differ, the smaller the error of their mean.
        "narrow": _NARROW_TEACHER,
        "plain": replace(_NARROW_TEACHER, class_weight=0.0, truncation=0.0),
        "wide": replace(_NARROW_TEACHER, config=_WIDE_TEACHER_CONFIG),
        "wider": replace(_NARROW_TEACHER, config=replace(_WIDE_TEACHER_CONFIG, hidden_size=384)),
        # Three cells of equal hidden size and equal budget, to compare.
        **{cell: replace(_SMALL_CLASSIFIER, config=replace(_SMALL_CLASSIFIER.config, cell=cell)) for cell in CELLS},
    },
    "speech": {
        "best": SpeechRecipe(  # three hours on two CPU cores with AVX-512
            CharLMConfig("gru", 64, 512, 2, dropout=0.1),
            epochs=10,
            batch_size=64,
            learning_rate=2e-3,
            weight_decay=0.1,
            muon_learning_rate=5e-3,
            steps=256,
        ),
        "large": SpeechRecipe(  # for a GPU
            CharLMConfig("gru", 64, 1024, 2, dropout=0.1),
            epochs=14,
            batch_size=96,
            learning_rate=1.5e-3,
            weight_decay=0.01,
            steps=256,
        ),
        **{
            cell: replace(_SMALL_LANGUAGE_MODEL, config=replace(_SMALL_LANGUAGE_MODEL.config, cell=cell))
            for cell in CELLS
        },
    },
    "invent": {
        "best": InventRecipe(
            ConditionalCharLMConfig("lstm", 64, 512, 1, dropout=0.0),
            epochs=22,
            batch_size=256,
            learning_rate=8e-3,
            weight_decay=0.0,
            hold_out=0.02,
            teachers="broad,deep",
            synthetic=600_000,
        ),
        # Its teachers: the more they differ, the better is their mean.
        "broad": _BROAD_INVENTOR,
        "deep": replace(_BROAD_INVENTOR, config=ConditionalCharLMConfig("lstm", 96, 512, 2, dropout=0.4)),
    },
}


# For user data, by size: small enough to train on one core while the user waits.
USER_RECIPES: dict[str, dict[str, Recipe]] = {
    "names": {
        size: NamesRecipe(
            NameClassifierConfig("gru", 32, hidden_size, 1, dropout=0.2, character_dropout=0.1),
            epochs=epochs,
            batch_size=32,
            learning_rate=4e-3,
            weight_decay=0.02,
            label_smoothing=0.0,
            hold_out=0.1,
        )
        for size, hidden_size, epochs in (("small", 48, 20), ("medium", 96, 20))
    },
    "speech": {
        size: SpeechRecipe(
            CharLMConfig("gru", 48, hidden_size, 1),
            epochs=epochs,
            batch_size=32,
            learning_rate=rate,
            weight_decay=0.01,
            steps=64,
        )
        for size, hidden_size, epochs, rate in (("small", 128, 4, 4e-3), ("medium", 256, 2, 2e-3))
    },
    "invent": {
        size: InventRecipe(
            ConditionalCharLMConfig("gru", 32, hidden_size, 1, dropout=0.3),
            epochs=20,
            batch_size=32,
            learning_rate=2e-3,
            weight_decay=0.05,
            hold_out=0.1,
        )
        for size, hidden_size in (("small", 96), ("medium", 192))
    },
}


# To go on from a trained model: small steps, for its weights are good already. Each takes the model's own config.
FINE_TUNING = "fine-tuning"
FINE_TUNING_RECIPES: dict[str, Recipe] = {
    "names": NamesRecipe(
        NameClassifierConfig(),
        epochs=10,
        batch_size=32,
        learning_rate=1e-3,
        weight_decay=0.02,
        label_smoothing=0.0,
        hold_out=0.1,
    ),
    "speech": SpeechRecipe(
        CharLMConfig(),
        epochs=2,
        batch_size=16,
        learning_rate=1e-3,
        weight_decay=0.01,
        steps=64,
    ),
}


def fields_of(recipe: Recipe) -> dict[str, Any]:
    """Every field of a recipe and of its config that can be chosen."""
    return {
        field.name: getattr(holder, field.name)
        for holder in (recipe, recipe.config)
        for field in dataclasses.fields(holder)
        if field.name not in ("config", *SIZES_OF_DATA)
    }


def describe(task_name: str, recipe: Recipe, name: str) -> dict[str, Any]:
    """What a header needs to train the model again: the recipe's name, the fields changed, and all fields."""
    known = RECIPES[task_name] | USER_RECIPES.get(task_name, {})
    if task_name in FINE_TUNING_RECIPES:
        known[FINE_TUNING] = FINE_TUNING_RECIPES[task_name]
    original = fields_of(known[name])
    changed = {key: value for key, value in fields_of(recipe).items() if value != original[key]}
    fields = {key: value for key, value in dataclasses.asdict(recipe).items() if key != "config"}
    return {"name": name, "changed": changed, **fields}


def adjust(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """`recipe` with some fields of it or of its config replaced.

    Raises:
        ValueError: a value out of bounds.
    """
    of_recipe = {key: value for key, value in changes.items() if hasattr(recipe, key)}
    of_config = {key: value for key, value in changes.items() if key not in of_recipe}
    adjusted = replace(recipe, **of_recipe, config=replace(recipe.config, **of_config))
    limits.check_fields(limits.RECIPE, adjusted)
    return adjusted
