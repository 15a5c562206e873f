"""How surprising each character of a text is to a language model, and what else it expected. No view here.

The surprise of a character is -log2 p, in bits (Shannon 1948): 0 for one that was certain, 1 for the toss of a coin,
about 6.5 for one of the 88 that the speeches hold, all alike. Its mean is the model's bits per character on that text.
"""

import math
from typing import TypedDict

import torch

from charplay import limits
from charplay.data.text import VOCABULARY_SIZE, encode
from charplay.inference.long_text import cached_forward_pass, check_document
from charplay.inference.sampling import inverse_temperature
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM

MAX_CANDIDATES = 10  # alternatives of one character
DECIMALS = 5  # of the bits of one character


class Surprisal(TypedDict):
    """A text and the bits of each of its characters."""

    text: str  # as read
    characters: int
    bits: list[float | None]  # -log2 p of each given all before it; none for the first, which nothing foretold
    bits_per_character: float | None  # their mean, as `evaluate speech` gives it; none for a single character


class Candidates(TypedDict):
    """The likeliest characters at one place of a text."""

    characters: list[str]  # the likeliest first
    probabilities: list[float]  # of each, at temperature 1
    tempered: list[float]  # of each to be drawn at the temperature asked for
    true: str | None  # the one that stands there; none at the end of the text
    rank: int | None  # its place among all 128 codes, from 1
    true_probability: float | None
    true_tempered: float | None


def surprisal_of(checkpoint: Checkpoint[CharLM], text: object) -> Surprisal:
    """Reads `text`, of ASCII characters, from a zero state.

    Raises:
        ValueError: it is no text that can be read.
    """
    text = check_document(text)
    logits, codes = cached_forward_pass(checkpoint.model, text).logits[:-1], encode(text)[1:, None]
    bits = (logits.logsumexp(1) - logits.gather(1, codes)[:, 0]).double() / math.log(2)  # (time - 1,)
    return Surprisal(
        text=text,
        characters=len(text),
        bits=[None, *(round(each, DECIMALS) for each in bits.clamp(min=0).tolist())],
        bits_per_character=bits.mean().item() if len(bits) else None,
    )


def candidates_at(checkpoint: Checkpoint[CharLM], text: object, at: object, temperature: object) -> Candidates:
    """What may stand at place `at` of `text` after what stands before it: the ten likeliest of all 128 codes.

    Args:
        checkpoint: a language model.
        text: of ASCII characters.
        at: from 1, since nothing foretells the first character, to the text's length, which is what would come next.
        temperature: of the second of the two softmaxes, which leaves out what is never drawn: codes that training
            never showed. At 0 the likeliest has all.

    Raises:
        ValueError: one of them is out of bounds.
    """
    text = check_document(text)
    at = limits.Limit("position", 1, len(text)).check(at)
    temperature = limits.TEMPERATURE.check(temperature)
    logits = cached_forward_pass(checkpoint.model, text).logits[at - 1].double()  # (128,)
    plain = logits.softmax(0)
    allowed = torch.full((VOCABULARY_SIZE,), -torch.inf, dtype=torch.float64)
    allowed[encode(checkpoint.alphabet)] = 0.0
    tempered = ((logits + allowed) * inverse_temperature(temperature)).softmax(0)
    order = logits.argsort(descending=True, stable=True)
    true = ord(text[at]) if at < len(text) else None
    return Candidates(
        characters=[chr(code) for code in order[:MAX_CANDIDATES].tolist()],
        probabilities=plain[order[:MAX_CANDIDATES]].tolist(),
        tempered=tempered[order[:MAX_CANDIDATES]].tolist(),
        true=None if true is None else chr(true),
        rank=None if true is None else order.tolist().index(true) + 1,
        true_probability=None if true is None else plain[true].item(),
        true_tempered=None if true is None else tempered[true].item(),
    )
