"""Prime -> text, one character at a time, at any temperature.

The lecture's `generate(prime_str, predict_len, temperature)`: the prime warms up the hidden state, then each
character drawn from the softmax is fed back as the next input.
"""

import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from charplay import limits
from charplay.checkpoints import Checkpoint
from charplay.models import CharLM, State
from charplay.text import encode, normalize_prime


@dataclass(frozen=True)
class Request:
    """A checked wish for text; `make_request` makes it from what a person gave."""

    prime: str  # normalised
    temperature: float
    length: int  # characters after the prime
    prime_length: int  # how many of the prime's last characters warm up the hidden state
    top_k: int  # draw among the k likeliest alone; 0: among all
    seed: int


def make_request(
    prime: object,
    temperature: object = 0.8,
    length: object = 200,
    prime_length: object = None,
    top_k: object = 0,
    seed: object = None,
) -> Request:
    """Checks every field against its limit.

    Args:
        prime: the text to go on from; it is brought to ASCII.
        temperature: 0 takes the likeliest character each time; above 1 flattens the softmax.
        length: characters to generate.
        prime_length: None: the whole prime; a number beyond its length means the same.
        top_k: 0: no restriction.
        seed: None: a new one.

    Raises:
        ValueError: a field is out of bounds; the sentence names them.
    """
    normalized = normalize_prime(prime)
    wanted = len(normalized) if prime_length is None else limits.PRIME_LENGTH.check(prime_length)
    return Request(
        prime=normalized,
        temperature=limits.TEMPERATURE.check(temperature),
        length=limits.LENGTH.check(length),
        prime_length=min(wanted, len(normalized)),
        top_k=limits.TOP_K.check(top_k),
        seed=secrets.randbelow(int(limits.SEED.high) + 1) if seed is None else limits.SEED.check(seed),
    )


def draw(
    logits: torch.Tensor, temperature: float, top_k: int, allowed: torch.Tensor, generator: torch.Generator
) -> int:
    """Draws the next character's code from logits (128,), among the `allowed` codes, bool (128,)."""
    logits = logits.double().masked_fill(~allowed, -torch.inf)
    if temperature == 0:
        return int(logits.argmax())
    if top_k:
        lowest = logits.topk(min(top_k, int(allowed.sum()))).values[-1]
        logits = logits.masked_fill(logits < lowest, -torch.inf)
    # The lecture's exp(logit / T) overflows at small T; with the largest at 0 nothing can.
    probabilities = ((logits - logits.max()) / temperature).softmax(0)
    return int(torch.multinomial(probabilities, 1, generator=generator))


@torch.no_grad()
def _read(model: CharLM, codes: torch.Tensor, state: State | None) -> tuple[torch.Tensor, State]:
    """Reads codes (time,) and returns the logits (128,) for the character after them, with the state."""
    logits, state = model(codes[None], state)
    return logits[0, -1], state


def generate(checkpoint: Checkpoint, request: Request) -> Iterator[str]:
    """Yields `request.length` characters, one by one; the same request gives the same text."""
    model = checkpoint.model
    allowed = torch.zeros(128, dtype=torch.bool)
    allowed[encode(checkpoint.alphabet)] = True  # what training never showed is never drawn
    generator = torch.Generator().manual_seed(request.seed)
    logits, state = _read(model, encode(request.prime[-request.prime_length :]), None)
    for remaining in reversed(range(request.length)):
        code = draw(logits, request.temperature, request.top_k, allowed, generator)
        yield chr(code)
        if remaining:
            logits, state = _read(model, torch.tensor([code]), state)


def in_chunks(characters: Iterator[str], seconds: float) -> Iterator[str]:
    """Gathers characters into texts that took about `seconds` each to compute."""
    chunk, start = [], time.perf_counter()
    for character in characters:
        chunk.append(character)
        if time.perf_counter() - start >= seconds:
            yield "".join(chunk)
            chunk, start = [], time.perf_counter()
    if chunk:
        yield "".join(chunk)
