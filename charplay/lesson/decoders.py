"""Answers that a decoder pair gives, from its history: a row an epoch, as `DecoderPair.history` has it."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

from charplay.lesson.answer import Answer
from charplay.training.teacher_forcing import DecoderPair, DecoderSettings, make_settings

History = Sequence[Sequence[float]]
_FORCED, _FREE = 1, 2  # in a row: characters correct of the first decoder, teacher-forced and free-running
LABELS = ("Curve A", "Curve B")


def settings(arguments: Mapping[str, Any]) -> DecoderSettings:
    """Those of the pair; the second decoder is free-running."""
    return make_settings(
        arguments["target"],
        arguments["cell"],
        arguments["hidden_size"],
        arguments["learning_rate"],
        arguments["seed"],
        0.0,
    )


def train(arguments: Mapping[str, Any]) -> History:
    """The history of the pair after its epochs."""
    pair = DecoderPair(settings(arguments))
    for _ in range(arguments["epochs"]):
        pair.advance()
    return pair.history


def free_running_curve(history: History, target: str, epochs: int, **_: object) -> Answer:
    """Which of two curves counts the correct characters of the teacher-forced decoder once it is free-running.

    The other counts them while it reads the true text.
    """
    forced, free = (tuple(row[column] for row in history[:epochs]) for column in (_FORCED, _FREE))
    curves = sorted((forced, free), key=lambda curve: zlib.crc32(repr(curve).encode()))  # says nothing of the answer
    facts = {
        "characters": str(len(target) - 1),
        "forced": f"{forced[-1]:g}",
        "free": f"{free[-1]:g}",
        "epochs": str(epochs),
    }
    return Answer(LABELS[curves.index(free)], facts, LABELS, tuple(curves))
