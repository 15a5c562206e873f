"""Prime -> text, one character at a time, for many texts of one model in one batch.

The lecture's `generate(prime_str, predict_len, temperature)`: the prime warms up the hidden state, then each
character sampled from the softmax is fed back as the next input. Temperature and top-k are applied in `sampling`.
"""

import weakref
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch

from charplay import limits
from charplay.inference.generation import POSITION, Generation, Request
from charplay.inference.held_units import Held
from charplay.inference.long_text import check_document
from charplay.inference.products import Array
from charplay.inference.quantized import QuantizedStep, State
from charplay.inference.sampling import sample
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM

PRIME_CHARACTERS_PER_STEP = 16  # characters read of each new prime per character generated: long primes stall no text


class HalfAdvanced(RuntimeError):
    """A step failed when some states were already those after it: the texts of its batch are lost."""


@dataclass
class Rows:
    """Generations with their recurrent states and sampling parameters, a row each."""

    generations: list[Generation]
    state: State  # its last array holds the logits (batch, vocabulary) for each row's next character

    def __post_init__(self) -> None:
        inverses = [generation.inverse_temperature for generation in self.generations]
        self.inverse_temperatures = np.array(inverses, np.float32)  # (batch,)
        size = self.state[-1].shape[1]
        top_k = np.array([min(generation.request.top_k or size, size) for generation in self.generations], np.int64)
        self.top_k = top_k if (top_k < size).any() else None
        self._held: Held | None = None
        self._is_holding = any(generation.request.held is not None for generation in self.generations)

    def held(self, quantized: QuantizedStep) -> Held | None:
        """What `quantized` holds of these rows, prepared once; None: no row has anything held."""
        if self._held is None and self._is_holding:
            self._held = quantized.hold([generation.request.held for generation in self.generations])
        return self._held

    def sample(self, mask: Array) -> Array:
        """The next code of each row, int64 (batch,); `mask` float32 (vocabulary,) is 0, or -inf: never to sample."""
        uniforms = np.array([generation.uniform for generation in self.generations])
        return sample(self.state[-1], mask, self.inverse_temperatures, uniforms, self.top_k)

    def select(self, rows: Sequence[int]) -> "Rows":
        """The given rows, in the given order."""
        index = np.array(rows, np.int64)
        return Rows([self.generations[row] for row in rows], tuple(part[index] for part in self.state))

    def filter(self, condition: Callable[[Generation], bool]) -> "Rows":
        """The rows whose generation fulfils the condition."""
        rows = [row for row, generation in enumerate(self.generations) if condition(generation)]
        return self if len(rows) == len(self.generations) else self.select(rows)


def _concatenate(groups: Sequence[Rows]) -> Rows:
    groups = [group for group in groups if group.generations] or list(groups[:1])
    if len(groups) == 1:
        return groups[0]
    generations = [generation for group in groups for generation in group.generations]
    return Rows(generations, tuple(map(np.concatenate, zip(*(group.state for group in groups), strict=True))))


class GenerationBatch:
    """The running generations of one model. They are added and removed between steps and advance together.

    Each row of a step depends on that row alone, so a text does not depend on the rest of the batch. An exception
    ends only the generations that cause it and is stored in their `failure`; one in the midst of a step, which
    overwrites states, ends all of them.
    """

    def __init__(self, checkpoint: Checkpoint[CharLM], quantized: QuantizedStep | None = None):
        self._quantized = quantized or QuantizedStep(checkpoint.model)
        checkpoint.vocabulary.check_size(checkpoint.config.vocabulary_size)
        self._mask: Array = checkpoint.sampling_mask().numpy()
        self._priming = self._running = self._new_rows([])  # still reading the prime; generating

    @property
    def generations(self) -> list[Generation]:
        """All that are not done."""
        return self._priming.generations + self._running.generations

    def add(self, generations: Sequence[Generation]) -> None:
        """Adds generations; they start at the next step."""
        self._priming = _concatenate([self._priming, self._new_rows(list(generations))])

    def remove(self, generations: set[Generation]) -> None:
        """Drops generations before they are done."""
        self._priming = self._priming.filter(lambda generation: generation not in generations)
        self._running = self._running.filter(lambda generation: generation not in generations)

    def step(self) -> list[Generation]:
        """Generates one character of each running text, and reads a few characters of each new prime.

        Faster within `torch.inference_mode()`, which the caller enters once for many steps.

        Returns:
            the generations that this step completed or that failed in it.
        """
        before = self.generations if self._priming.generations else self._running.generations
        if self._priming.generations:
            read = self._isolate_failures(self._read_primes, self._priming)
            self._priming = read.filter(lambda generation: len(generation.unread_prime) > 0)
            ready = read.filter(lambda generation: not len(generation.unread_prime))
            self._running = _concatenate([self._running, ready])
        if self._running.generations:
            self._running = self._isolate_failures(self._extend, self._running)
        if len(before) == len(self._priming.generations) + len(self._running.generations):
            return []
        return [generation for generation in before if generation.is_done]

    def _new_rows(self, generations: list[Generation]) -> Rows:
        logits = np.zeros((len(generations), len(self._mask)), np.float32)
        return Rows(generations, (*self._quantized.initial_state(len(generations)), logits))

    def _sample(self, group: Rows) -> Array:
        """The next code of each row, int64 (batch,)."""
        return group.sample(self._mask)

    def _restart(self, group: Rows, codes: Array) -> None:
        """Sets back the states of rows that `codes` (batch,) end a text of; of a plain language model none does."""

    def _isolate_failures(self, advance: Callable[[Rows], Rows], group: Rows) -> Rows:
        """Advances a group; if that raises, advances its halves separately, down to the rows that raise.

        Raises:
            HalfAdvanced: no row can be advanced again.
        """
        try:
            return advance(group)
        except HalfAdvanced:
            raise
        except Exception as failure:
            if len(group.generations) == 1:
                group.generations[0].failure = failure
                return group.select([])
            middle = len(group.generations) // 2
            halves = group.select(range(middle)), group.select(range(middle, len(group.generations)))
            return _concatenate([self._isolate_failures(advance, half) for half in halves])

    def _read_primes(self, group: Rows) -> Rows:
        """Reads a chunk of each prime. Rows are sorted by length and the batch shrinks, as with a packed batch."""
        by_length = sorted(range(len(group.generations)), key=lambda row: -len(group.generations[row].unread_prime))
        group = group.select(by_length)
        chunks = [generation.unread_prime[:PRIME_CHARACTERS_PER_STEP] for generation in group.generations]
        codes = torch.nn.utils.rnn.pad_sequence(chunks).numpy()  # (time, batch)
        *state, logits = group.state
        for time, row in enumerate(codes):
            active = sum(len(chunk) > time for chunk in chunks)
            logits[:active] = self._quantized.advance(row[:active], tuple(part[:active] for part in state))
        for generation in group.generations:
            generation.unread_prime = generation.unread_prime[PRIME_CHARACTERS_PER_STEP:]
        return group

    def _extend(self, group: Rows) -> Rows:
        """Generates one character of each text; returns the rows that are not done."""
        codes = self._sample(group)
        sampled, rest, invalid = codes.tolist(), group, len(self._mask)
        ends = [
            code == invalid or generation.is_last(code)
            for generation, code in zip(group.generations, sampled, strict=True)
        ]
        if any(ends):
            unfinished = [row for row, end in enumerate(ends) if not end]
            rest, codes = group.select(unfinished), codes[unfinished]
        if rest.generations:
            held = rest.held(self._quantized)
            try:
                rest.state = (*rest.state[:-1], self._quantized.advance(codes, rest.state[:-1], held))
                self._restart(rest, codes)
            except Exception as failure:
                raise HalfAdvanced("A step failed in its midst.") from failure
        # Generations change only after everything that can raise, so `_isolate_failures` can repeat the step.
        for generation, code, is_last in zip(group.generations, sampled, ends, strict=True):
            if code == invalid:
                generation.failure = FloatingPointError("The network's logits are NaN.")
            else:
                generation.append(code, is_last)
        return rest


@torch.inference_mode()
def run_generations(batch: GenerationBatch, generations: Sequence[Generation]) -> list[str]:
    """Runs generations side by side to their ends; returns their continuations.

    Raises:
        Exception: whatever ended one of them.
    """
    batch.add(generations)
    while batch.generations:
        batch.step()
    for generation in generations:
        if generation.failure is not None:
            raise generation.failure
    return [generation.continuation for generation in generations]


def generate(
    checkpoint: Checkpoint[CharLM], requests: Sequence[Request], batch: GenerationBatch | None = None
) -> list[str]:
    """The continuation of each request, to its length or its stop mark; the same request gives the same text.

    Args:
        checkpoint: a language model.
        requests: generated side by side.
        batch: one of this checkpoint's, to reuse its prepared weights.

    Raises:
        Exception: whatever ended one of the generations.
    """
    return run_generations(
        batch or GenerationBatch(checkpoint), [Generation(request, checkpoint.vocabulary) for request in requests]
    )


# The prepared weights of `next_character`, which threads may share; they live as long as the model.
_quantized_by_model: weakref.WeakKeyDictionary[CharLM, QuantizedStep] = weakref.WeakKeyDictionary()


def next_character(
    checkpoint: Checkpoint[CharLM],
    text: object,
    seed: object,
    position: object,
    temperature: object,
    top_k: object = 0,
) -> str:
    """The character that `generate` would write after `text`, from its seed and position alone.

    Written one by one, a continuation is the same as that of one request; the temperature may change on the way.

    Args:
        checkpoint: a language model.
        text: what warms up the hidden state: the prime as far as it is read, and the continuation so far.
        seed: of the random numbers.
        position: of the character in the continuation, from 0.
        temperature: of the softmax.
        top_k: as for `make_request`.

    Raises:
        ValueError: one of them is out of bounds.
    """
    text = check_document(text, checkpoint.vocabulary)
    position = POSITION.check(position)
    temperature, top_k, seed = (
        limit.check(value)
        for limit, value in ((limits.TEMPERATURE, temperature), (limits.TOP_K, top_k), (limits.SEED, seed))
    )
    request = Request(text, temperature, 1, len(text), int(top_k), int(seed))
    quantized = _quantized_by_model.get(checkpoint.model)
    if quantized is None:
        quantized = _quantized_by_model[checkpoint.model] = QuantizedStep(checkpoint.model)
    return run_generations(
        GenerationBatch(checkpoint, quantized), [Generation(request, checkpoint.vocabulary, position)]
    )[0]
