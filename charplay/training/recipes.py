"""How each model is trained: the recipes, by name, in one table.

`python -m charplay train names --recipe gru` trains by `RECIPES["names"]["gru"]`; the checkpoint's header names it.
"""

from dataclasses import dataclass, replace
from typing import Any

from charplay import limits
from charplay.models.networks import CELLS, CharLMConfig, NameClassifierConfig, RecurrentConfig

SCHEDULES = ("cosine", "constant")


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; with its config all that is needed to train it again."""

    config: RecurrentConfig
    epochs: int
    batch_size: int
    learning_rate: float  # the highest
    weight_decay: float
    clip: float = 1.0  # largest norm of the gradient
    schedule: str = "cosine"  # up to the highest learning rate and down a cosine to zero; or "constant"
    warmup: float = 0.05  # share of the steps that it goes up
    evaluations: int = 1  # in an epoch
    seed: int = 1

    def __post_init__(self):
        limits.check_choice("schedule", self.schedule, SCHEDULES)


@dataclass(frozen=True)
class NamesRecipe(Recipe):
    """How a name classifier is trained."""

    label_smoothing: float = 0.1
    hold_out: float = 0.05  # share of the training rows that epochs are judged and the temperature is fitted on
    class_weight: float = 0.3  # a row weighs its country's share to the power of minus this
    truncation: float = 0.1  # share of the names cut to a prefix, drawn anew each epoch
    teachers: str = ""  # recipes, by comma; what they make teaches this one (see `distil`)
    ngram_weight: float = 0.0  # share that logistic regression on letter n-grams has in what they say
    synthetic: int = 0  # names that are made up for them to judge
    label_share: float = 0.5  # of what is learnt of a training row, its own country; the rest the teachers say

    def __post_init__(self):
        super().__post_init__()
        if (self.synthetic or self.ngram_weight) and not self.teachers:
            raise ValueError("synthetic and counting are for a network with teachers: name some, or make both 0.")


@dataclass(frozen=True)
class SpeechRecipe(Recipe):
    """How a language model of speeches is trained."""

    steps: int = 128  # characters of truncated backpropagation through time
    since: str = "1930"  # the other presidents' speeches from this year on
    copies: int = 3  # of Barack Obama's training speeches among them


_SMALL_CLASSIFIER = NamesRecipe(
    NameClassifierConfig("gru", 64, 96, 2, dropout=0.3, character_dropout=0.15),
    epochs=30,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.05,
)
_NARROW_TEACHER = NamesRecipe(
    NameClassifierConfig("gru", 64, 128, 2, dropout=0.4, character_dropout=0.2, members=8),
    epochs=40,
    batch_size=128,
    learning_rate=2e-3,
    weight_decay=0.05,
)
_WIDE_TEACHER_CONFIG = NameClassifierConfig("gru", 64, 256, 2, dropout=0.5, character_dropout=0.25, members=4)
_SMALL_LANGUAGE_MODEL = SpeechRecipe(
    CharLMConfig("gru", 64, 256, 1),
    epochs=2,
    batch_size=64,
    learning_rate=2e-3,
    weight_decay=0.01,
    steps=64,
)

RECIPES: dict[str, dict[str, Recipe]] = {
    "names": {
        "best": NamesRecipe(
            NameClassifierConfig("gru", 64, 64, 2, dropout=0.1, character_dropout=0.05, members=12),
            epochs=14,
            batch_size=128,
            learning_rate=2e-3,
            weight_decay=0.05,
            label_smoothing=0.0,
            truncation=0.05,
            teachers="narrow,plain,wide,wider",
            ngram_weight=0.3,
            synthetic=100_000,
        ),
        # Who teaches it: the more they differ, the less their average errs.
        "narrow": _NARROW_TEACHER,
        "plain": replace(
            _NARROW_TEACHER, config=replace(_NARROW_TEACHER.config, members=2), class_weight=0.0, truncation=0.0
        ),
        "wide": replace(_NARROW_TEACHER, config=_WIDE_TEACHER_CONFIG),
        "wider": replace(_NARROW_TEACHER, config=replace(_WIDE_TEACHER_CONFIG, hidden_size=384, members=2)),
        # One budget for three cells of equal hidden size, to compare them by.
        **{cell: replace(_SMALL_CLASSIFIER, config=replace(_SMALL_CLASSIFIER.config, cell=cell)) for cell in CELLS},
    },
    "speech": {
        "best": SpeechRecipe(  # two hours on two CPU cores with AVX-512
            CharLMConfig("gru", 64, 512, 2, dropout=0.05),
            epochs=7,
            batch_size=64,
            learning_rate=2e-3,
            weight_decay=0.01,
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
}


# What a page offers for a visitor's own data, by size: trained on one of two cores while somebody waits.
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
}


def adjust(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """`recipe` with some fields of its own or of its config replaced.

    Raises:
        ValueError: a value that no training can have.
    """
    own = {key: value for key, value in changes.items() if hasattr(recipe, key)}
    rest = {key: value for key, value in changes.items() if key not in own}
    adjusted = replace(recipe, **own, config=replace(recipe.config, **rest))
    limits.check_fields(limits.RECIPE, adjusted)
    return adjusted
