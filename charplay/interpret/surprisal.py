"""Surprisal: how unexpected each character of a text is to a language model, and which candidates it expected.

The surprisal of a character is -log2 p, in bits (Shannon 1948): 0 if it was certain, 1 like the toss of a coin, about
6.5 like a uniform draw from the 88 characters of the speeches. Its mean is the model's bits per character on the text.
"""

import math
from typing import TypedDict

from charplay import limits
from charplay.inference.long_text import cached_forward_pass, check_document
from charplay.inference.sampling import inverse_temperature
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import STATE_UNITS, CharLM

MAX_CANDIDATES = 10  # at one position
POSITIONS = limits.Limit("number of positions", 1, 64)  # whose likeliest next characters are requested at once
LIKELIEST = 3  # next characters of each of them
DECIMALS = 5  # of the surprisal of one character
STATE_DECIMALS = 3  # of a number of a hidden state


class Surprisal(TypedDict):
    """A text and the surprisal of each of its characters."""

    text: str  # normalised
    characters: int
    bits: list[float | None]  # -log2 p of each given all before it; None for the first
    bits_per_character: float | None  # their mean, as in `evaluate speech`; None for a single character


class Candidates(TypedDict):
    """The likeliest characters at one position of a text."""

    characters: list[str]  # the likeliest first
    probabilities: list[float]  # of each, at temperature 1
    tempered: list[float]  # of each when sampled at the requested temperature
    true: str | None  # the character there; None at the end of the text
    rank: int | None  # of the true character among all codes, from 1
    true_probability: float | None
    true_tempered: float | None


class Expectation(TypedDict):
    """What a network holds after a character of a text."""

    likeliest: list[tuple[str, float]]  # (next character, probability) at temperature 1, the likeliest first
    state: list[float]  # the first `STATE_UNITS` numbers of the last layer's hidden state


def surprisal_of(checkpoint: Checkpoint[CharLM], text: object) -> Surprisal:
    """The surprisal of `text`, as the network reads it, from a zero state.

    Raises:
        ValueError: `text` is not acceptable; the sentence says why.
    """
    text, vocabulary = check_document(text, checkpoint.vocabulary), checkpoint.vocabulary
    logits, codes = (
        cached_forward_pass(checkpoint.model, text, checkpoint.vocabulary).logits[:-1],
        vocabulary.encode(text)[1:, None],
    )
    bits = (logits.logsumexp(1) - logits.gather(1, codes)[:, 0]).double() / math.log(2)  # (time - 1,)
    return Surprisal(
        text=text,
        characters=len(text),
        bits=[None, *(round(each, DECIMALS) for each in bits.clamp(min=0).tolist())],
        bits_per_character=bits.mean().item() if len(bits) else None,
    )


def candidates_at(checkpoint: Checkpoint[CharLM], text: object, at: object, temperature: object) -> Candidates:
    """The ten likeliest of all codes at position `at` of `text`, given all before it.

    Args:
        checkpoint: a language model.
        text: as the network reads it.
        at: from 1, since the first character is not predicted, to the text's length: the character that would follow.
        temperature: of `tempered`, which leaves out characters that are not in the training data and hence never
            sampled. At 0 the likeliest has probability 1.

    Raises:
        ValueError: one of them is out of bounds.
    """
    text, vocabulary = check_document(text, checkpoint.vocabulary), checkpoint.vocabulary
    at = limits.Limit("position", 1, len(text)).check(at)
    temperature = limits.TEMPERATURE.check(temperature)
    logits = cached_forward_pass(checkpoint.model, text, vocabulary).logits[at - 1].double()  # (vocabulary,)
    plain = logits.softmax(0)
    tempered = ((logits + checkpoint.sampling_mask()) * inverse_temperature(temperature)).softmax(0)
    order = logits.argsort(descending=True, stable=True)
    true = vocabulary.code_of(text[at]) if at < len(text) else None
    return Candidates(
        characters=[vocabulary.characters[code] for code in order[:MAX_CANDIDATES].tolist()],
        probabilities=plain[order[:MAX_CANDIDATES]].tolist(),
        tempered=tempered[order[:MAX_CANDIDATES]].tolist(),
        true=None if true is None else text[at],
        rank=None if true is None else order.tolist().index(true) + 1,
        true_probability=None if true is None else plain[true].item(),
        true_tempered=None if true is None else tempered[true].item(),
    )


def likeliest_next(checkpoint: Checkpoint[CharLM], text: object, positions: object) -> list[Expectation]:
    """The three likeliest next characters after each of the last characters of `text`, and the state behind them.

    Args:
        checkpoint: a language model.
        text: as the network reads it.
        positions: for how many of its last characters; all of them where it has fewer.

    Raises:
        ValueError: one of them is out of bounds.
    """
    vocabulary = checkpoint.vocabulary
    text, positions = check_document(text, vocabulary), POSITIONS.check(positions)
    found = cached_forward_pass(checkpoint.model, text, vocabulary)
    shares, codes = found.logits[-positions:].double().softmax(1).topk(LIKELIEST, dim=1)  # (positions, 3) each
    states = found.hidden[-1, -positions:, :STATE_UNITS].tolist()
    return [
        Expectation(
            likeliest=[(vocabulary.characters[code], share) for code, share in zip(*each, strict=True)],
            state=[round(value, STATE_DECIMALS) for value in state],
        )
        for *each, state in zip(codes.tolist(), shares.tolist(), states, strict=True)
    ]
