"""Beam search: the likeliest continuation that can be found by keeping the best few at each step.

Sampling draws each character from the softmax; beam search looks for the text whose product of probabilities is the
largest. Of a language model that text is dull and repeats itself (Holtzman et al. 2020, "The Curious Case of Neural
Text Degeneration"), which is why texts are sampled.
"""

import math
from typing import TypedDict

import torch

from charplay import limits
from charplay.cancellation import check_cancelled
from charplay.data.input_text import read_prime
from charplay.inference.quantized import QuantizedStep
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM


class Beam(TypedDict):
    """A continuation and how likely it is."""

    text: str
    bits_per_character: float  # -log2 of its probability, given the prime, for each of its characters


@torch.inference_mode()
def beam_search(checkpoint: Checkpoint[CharLM], prime: object, width: object, length: object) -> Beam:
    """The likeliest of the `width` continuations of a prime that are left at the end.

    Args:
        checkpoint: a language model.
        prime: the text to continue; it is read whole.
        width: continuations that are kept after each character; 1 always takes the likeliest one.
        length: characters to write.

    Raises:
        ValueError: one of them is out of bounds.
    """
    width, length = limits.BEAM_WIDTH.check(width), limits.BEAM_LENGTH.check(length)
    step, mask, vocabulary = QuantizedStep(checkpoint.model), checkpoint.sampling_mask(), checkpoint.vocabulary
    state, logits = step.initial_state(1), torch.empty(0)
    for code in vocabulary.encode(read_prime(prime, vocabulary)):
        logits, state = step.step(code[None], state)
    codes = torch.empty(1, 0, dtype=torch.int64)  # (beams, characters so far)
    scores = torch.zeros(1, dtype=torch.float64)  # log-probabilities, in nats
    for position in range(length):
        check_cancelled()
        candidates = scores[:, None] + (logits.double() + mask).log_softmax(1)  # (beams, vocabulary)
        possible = int(candidates.isfinite().sum())
        scores, best = candidates.flatten().topk(min(width, possible))
        beams, last = best // len(mask), best % len(mask)
        codes = torch.cat([codes[beams], last[:, None]], 1)
        if position + 1 < length:
            logits, state = step.step(last, tuple(part[beams.numpy()] for part in state))
    return Beam(
        text="".join(vocabulary.characters[code] for code in codes[0].tolist()),
        bits_per_character=-float(scores[0]) / math.log(2) / length,
    )
