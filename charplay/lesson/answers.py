"""The answers of a lesson by name: each is computed from a model, and none is typed in.

A computation takes a checkpoint of its task and the step's arguments, checked; for a decoder pair it takes the pair's
history instead, which is trained where the caller wants (`decoders.train`, or the page's own worker).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from charplay import limits
from charplay.lesson import decoders, names, speech
from charplay.lesson.answer import Answer
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.training.teacher_forcing import make_settings

Task = Literal["names", "speech", "decoders"]
Check = Callable[[object], Any]  # returns a valid value; raises ValueError with a sentence for any other


@dataclass(frozen=True)
class Computation:
    """How an answer is computed, and what a step says about it."""

    name: str
    task: Task
    compute: Callable[..., Answer]
    parameters: Mapping[str, Check]
    facts: tuple[str, ...] = ()  # what `Answer.facts` has, which `why` can name
    optional: tuple[str, ...] = ()  # parameters


def _text(name: str, longest: int) -> Check:
    def check(value: object) -> str:
        text = limits.check_text(name, value, longest)
        if not text.strip():
            raise ValueError(f"The {name} is blank.")
        return text

    return check


def _names(value: object) -> list[str]:
    if not isinstance(value, list):
        raise ValueError("The names must be a list of texts.")
    limits.LESSON_NAMES.check(len(value))
    return [_NAME(each) for each in value]


def _temperatures(value: object) -> list[float]:
    if not isinstance(value, list) or not 2 <= len(value) <= limits.MAX_LESSON_CHOICES:
        raise ValueError(f"The temperatures must be a list of 2 to {limits.MAX_LESSON_CHOICES} numbers.")
    return [limits.TEMPERATURE.check(each) for each in value]


def _target(value: object) -> str:
    text = limits.check_text("target", value, limits.MAX_NAME_CHARACTERS)
    return make_settings(text, "rnn", 2, 0.1, 0, 0.0).target  # normalised, within its bounds


_NAME = _text("name", limits.MAX_NAME_CHARACTERS)
_PRIME = _text("prime", limits.MAX_PRIME_CHARACTERS)
_OF_NAMES: dict[str, Check] = {"name": _NAME, "model": _text("model", limits.MAX_NAME_CHARACTERS)}
_OF_SPEECH: dict[str, Check] = {"prime": _PRIME, "model": _text("model", limits.MAX_NAME_CHARACTERS)}
_MODEL = ("model",)  # a shipped one; without it the default of the task

COMPUTATIONS = {
    computation.name: computation
    for computation in (
        Computation("code", "names", names.code, {"character": names.check_character}, ("character",)),
        Computation("embedding_rows", "names", names.embedding_rows, _OF_NAMES, ("letters", "size"), _MODEL),
        Computation("outputs", "names", names.outputs, _OF_NAMES, ("letters",), _MODEL),
        Computation(
            "country", "names", names.country, _OF_NAMES, ("probability", "second", "second_probability"), _MODEL
        ),
        Computation("deciding_prefix", "names", names.deciding_prefix, _OF_NAMES, ("country", "probability"), _MODEL),
        Computation("pads", "names", names.pads, {"names": _names}, ("cells", "longest", "share")),
        Computation(
            "unmasked_country",
            "names",
            names.unmasked_country,
            {**_OF_NAMES, "names": _names},
            ("packed", "packed_probability", "probability", "pads"),
            _MODEL,
        ),
        Computation(
            "untrained_loss", "names", names.untrained_loss, {"labels": limits.LESSON_LABELS.check}, ("uniform",)
        ),
        Computation(
            "next_character",
            "speech",
            speech.next_character,
            _OF_SPEECH,
            ("probability", "second", "second_probability"),
            _MODEL,
        ),
        Computation(
            "text_at_temperature",
            "speech",
            speech.text_at_temperature,
            {
                **_OF_SPEECH,
                "temperature": limits.TEMPERATURE.check,
                "temperatures": _temperatures,
                "length": limits.LESSON_LENGTH.check,
                "seed": limits.SEED.check,
            },
            ("temperature",),
            _MODEL,
        ),
        Computation(
            "free_running_curve",
            "decoders",
            decoders.free_running_curve,
            {
                "target": _target,
                "cell": lambda value: limits.check_choice("cell", value, ("rnn", "gru", "lstm")),
                "hidden_size": limits.DECODER_SIZE.check,
                "learning_rate": limits.DECODER_RATE.check,
                "seed": limits.SEED.check,
                "epochs": limits.LESSON_EPOCHS.check,
            },
            ("characters", "forced", "free", "epochs"),
        ),
    )
}


def answer(name: str, arguments: Mapping[str, Any], checkpoint: Checkpoint | None = None) -> Answer:
    """The answer by a computation.

    Args:
        name: of the computation.
        arguments: of it, checked.
        checkpoint: of its task; None: that of the argument `model`, or the default.

    Raises:
        ValueError: the model cannot read the arguments, or there is no such model; the sentence says why.
    """
    computation, given = COMPUTATIONS[name], dict(arguments)
    model = given.pop("model", computation.task)
    if computation.task == "decoders":
        return computation.compute(decoders.train(given), **given)
    return computation.compute(checkpoint or checkpoints.load(checkpoints.find(model)), **given)
