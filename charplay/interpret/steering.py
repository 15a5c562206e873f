"""Steering: what a language model writes while one unit of its hidden state is held, and what that costs.

What the text then has more of is what the unit pushes the softmax to. Radford, Jozefowicz and Sutskever (2017) held the
sentiment unit of a character-level LSTM like that. Here no unit is named by hand: every unit is held at several values,
texts are written, and what they have more of is counted (`interpret.steering_search`).
"""

import itertools
import math
import re
from collections.abc import Sequence
from typing import TypedDict

import torch

from charplay import limits
from charplay.cancellation import check_cancelled
from charplay.inference.held_units import HeldUnit, hold_unit
from charplay.inference.long_text import check_document
from charplay.inference.quantized import QuantizedStep
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM

MAX_READ_CHARACTERS = 1_000  # of a text, from its start, that are read with a unit held and without

# What is counted in a text: its name, and what each occurrence matches.
COUNTED = {
    "commas": re.compile(r"[,،、，]"),
    "full stops": re.compile(r"[.。]"),
    "question marks": re.compile(r"[?？؟]"),
    "exclamation marks": re.compile(r"[!！]"),
    "quotation marks": re.compile(r"[\"“”„«»]"),
    "brackets": re.compile(r"[()\[\]]"),
    "hyphens": re.compile(r"-"),
    "colons": re.compile(r":"),
    "apostrophes": re.compile(r"['’]"),
    "dollar signs": re.compile(r"\$"),
    "digits": re.compile(r"\d"),
    "line ends": re.compile(r"\n"),
    "capital letters": re.compile(r"[A-ZÀ-ÖØ-ÞΑ-ΩА-ЯЁ]"),
    "“I”": re.compile(r"\bI\b"),
    "“we”": re.compile(r"\bwe\b", re.IGNORECASE),
    "“you”": re.compile(r"\byou\b", re.IGNORECASE),
    "“the”": re.compile(r"\bthe\b", re.IGNORECASE),
    "“and”": re.compile(r"\band\b", re.IGNORECASE),
}


class SteeringCost(TypedDict):
    """How well a network reads a text with a unit held."""

    characters: int  # that were read
    free: float | None  # bits per character with no unit held
    held: float | None  # with the unit held; None: the text has one character


def counts(text: str) -> dict[str, float]:
    """How often each of `COUNTED` occurs in 1,000 characters of a text."""
    return {name: 1_000 * len(pattern.findall(text)) / max(len(text), 1) for name, pattern in COUNTED.items()}


def occurrences(text: str, name: str) -> list[tuple[int, int]]:
    """Where one of `COUNTED` occurs: start and end of each."""
    return [match.span() for match in COUNTED[limits.check_choice("name", name, tuple(COUNTED))].finditer(text)]


def most_increased(free: str, held: str) -> str | None:
    """Which of `COUNTED` the second text has most more of, in equally many characters; None: nothing."""
    before, after = counts(free), counts(held)
    name = max(COUNTED, key=lambda each: after[each] - before[each])
    return name if after[name] > before[name] else None


@torch.inference_mode()
def read_bits(checkpoint: Checkpoint[CharLM], texts: Sequence[str], held: Sequence[HeldUnit | None]) -> list[float]:
    """Bits per character of texts of one length, two or more characters, each read with its unit held.

    The first character is read without being predicted.
    """
    step = QuantizedStep(checkpoint.model)
    codes = torch.stack([checkpoint.vocabulary.encode(text) for text in texts], 1)  # (time, batch)
    state, rows, bits = step.initial_state(len(texts)), step.hold(held), torch.zeros(len(texts), dtype=torch.float64)
    for position, (code, following) in enumerate(itertools.pairwise(codes)):
        if position % 50 == 0:
            check_cancelled()
        logits, state = step.step(code, state, rows)
        bits -= logits.double().log_softmax(1).gather(1, following[:, None])[:, 0]
    return (bits / math.log(2) / (len(codes) - 1)).tolist()


def steering_cost(checkpoint: Checkpoint[CharLM], text: object, held: object) -> SteeringCost:
    """How many bits per character a text takes when it is read with a unit held, and without.

    Args:
        checkpoint: a language model.
        text: of which the first `MAX_READ_CHARACTERS` are read.
        held: layer, unit and value.

    Raises:
        ValueError: `text` is not acceptable, the model has no such unit, or the value is out of bounds.
    """
    text = check_document(text, checkpoint.vocabulary)[:MAX_READ_CHARACTERS]
    unit = hold_unit(checkpoint.config, held)
    if len(text) < 2:
        return SteeringCost(characters=len(text), free=None, held=None)
    free, cost = read_bits(checkpoint, [text, text], [None, unit])
    return SteeringCost(characters=len(text), free=free, held=cost)
