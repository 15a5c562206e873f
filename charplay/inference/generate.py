"""Prime -> text, one character at a time, at any temperature; many texts of one model side by side.

The lecture's `generate(prime_str, predict_len, temperature)`: the prime warms up the hidden state, then each
character drawn from the softmax is fed back as the next input. Here all texts take each step as one batch.
"""

import random
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from charplay import limits
from charplay.data.text import VOCABULARY_SIZE, encode, normalize_prime
from charplay.inference.quantized import QuantizedStep, State
from charplay.inference.sampling import inverse_temperature, sample
from charplay.models.checkpoints import Checkpoint

PRIME_CHUNK = 16  # characters of the primes that are read between two characters of the running texts


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


class Generation:
    """A text in the making: what was asked, and what there is of it."""

    def __init__(self, request: Request):
        self.request = request
        self.unread = encode(request.prime[-request.prime_length :])  # of the prime, int64 (time,)
        self.missing = request.length  # characters still to be written
        self.failure: Exception | None = None
        self.sharpness = inverse_temperature(request.temperature)
        self._written = bytearray()  # the codes of its characters
        # The die for each next character, uniform in [0, 1); at temperature 0 it is the first of the likeliest.
        self._throw = random.Random(request.seed).random if request.temperature else float
        self.chance = self._throw()

    def write(self, code: int) -> None:
        """Adds a character and throws the die for the next."""
        self._written.append(code)
        self.missing -= 1
        self.chance = self._throw()

    @property
    def is_done(self) -> bool:
        """Whether all its characters are written, or it failed."""
        return self.failure is not None or not self.missing

    @property
    def continuation(self) -> str:
        """The characters written so far."""
        return self._written.decode("ascii")


@dataclass
class _Rows:
    """Texts with their state, row by row."""

    texts: list[Generation]
    state: State  # the last tensor of it are the logits for each text's next character

    def __post_init__(self):
        self.sharpness = torch.tensor([[text.sharpness] for text in self.texts], dtype=torch.float32)  # (batch, 1)
        top_k = [[text.request.top_k or VOCABULARY_SIZE] for text in self.texts]
        self.top_k = torch.tensor(top_k) if any(k < VOCABULARY_SIZE for [k] in top_k) else None

    def draw(self, allowed: torch.Tensor) -> torch.Tensor:
        """The next code of each text, int64 (batch,); `allowed` float32 (128,) is 0 or -inf for each code."""
        chances = torch.tensor([[text.chance] for text in self.texts], dtype=torch.float64)
        return sample(torch.addcmul(allowed, self.state[-1], self.sharpness), chances, self.top_k)

    def pick(self, rows: Sequence[int]) -> "_Rows":
        index = torch.tensor(rows, dtype=torch.int64)
        return _Rows([self.texts[row] for row in rows], tuple(tensor[index] for tensor in self.state))

    def where(self, wanted: Callable[[Generation], bool]) -> "_Rows":
        rows = [row for row, text in enumerate(self.texts) if wanted(text)]
        return self if len(rows) == len(self.texts) else self.pick(rows)


def _concatenate(groups: Sequence[_Rows]) -> _Rows:
    groups = [group for group in groups if group.texts] or list(groups[:1])
    if len(groups) == 1:
        return groups[0]
    texts = [text for group in groups for text in group.texts]
    return _Rows(texts, tuple(map(torch.cat, zip(*(group.state for group in groups), strict=True))))


class GenerationBatch:
    """The texts that one model is writing: each joins when it likes, and all advance together.

    A text is the same whoever is beside it, since every row of every step depends on itself alone. A failure ends
    the texts that it befalls, with the exception in their `failure`; the others go on as if nothing had been.
    """

    def __init__(self, checkpoint: Checkpoint, stepper: QuantizedStep | None = None):
        self._stepper = stepper or QuantizedStep(checkpoint.model)
        self._allowed = torch.full((VOCABULARY_SIZE,), -torch.inf)
        self._allowed[encode(checkpoint.alphabet)] = 0.0  # what training never showed is never drawn
        self._priming = self._running = self._fresh([])

    @property
    def texts(self) -> list[Generation]:
        """All that are not done."""
        return self._priming.texts + self._running.texts

    def join(self, texts: Sequence[Generation]) -> None:
        """Adds texts; they begin at the next step."""
        self._priming = _concatenate([self._priming, self._fresh(list(texts))])

    def leave(self, texts: set[Generation]) -> None:
        """Lets texts go that nobody waits for any more."""
        self._priming = self._priming.where(lambda text: text not in texts)
        self._running = self._running.where(lambda text: text not in texts)

    def step(self) -> list[Generation]:
        """Writes one character of each running text, and reads a few of the primes of those that have just come.

        Sooner within `torch.inference_mode()`, which is the caller's to enter, once for many steps.

        Returns:
            the texts that are done since.
        """
        before = self.texts if self._priming.texts else self._running.texts
        if self._priming.texts:
            read = self._isolate(self._read, self._priming)
            self._priming = read.where(lambda text: len(text.unread) > 0)
            self._running = _concatenate([self._running, read.where(lambda text: not len(text.unread))])
        if self._running.texts:
            self._running = self._isolate(self._write, self._running)
        if len(before) == len(self._priming.texts) + len(self._running.texts):
            return []
        return [text for text in before if text.is_done]

    def _fresh(self, texts: list[Generation]) -> _Rows:
        return _Rows(texts, (*self._stepper.initial_state(len(texts)), torch.zeros(len(texts), VOCABULARY_SIZE)))

    def _isolate(self, advance: Callable[[_Rows], _Rows], group: _Rows) -> _Rows:
        """Advances the group; where that fails, its halves apart, down to the text that is to blame."""
        try:
            return advance(group)
        except Exception as failure:
            if len(group.texts) == 1:
                group.texts[0].failure = failure
                return group.pick([])
            middle = len(group.texts) // 2
            halves = group.pick(range(middle)), group.pick(range(middle, len(group.texts)))
            return _concatenate([self._isolate(advance, half) for half in halves])

    def _read(self, group: _Rows) -> _Rows:
        """Up to `PRIME_CHUNK` characters of each prime, the batch shrinking as primes end, as a packed batch does."""
        group = group.pick(sorted(range(len(group.texts)), key=lambda row: -len(group.texts[row].unread)))
        chunks = [text.unread[:PRIME_CHUNK] for text in group.texts]
        codes = torch.nn.utils.rnn.pad_sequence(chunks)  # (time, batch)
        state, ended = group.state, []
        for time, row in enumerate(codes):
            active = sum(len(chunk) > time for chunk in chunks)
            ended.append(tuple(tensor[active:] for tensor in state))
            logits, after = self._stepper.step(row[:active], tuple(tensor[:active] for tensor in state[:-1]))
            state = (*after, logits)
        state = tuple(map(torch.cat, zip(state, *reversed(ended), strict=True)))
        for text in group.texts:
            text.unread = text.unread[PRIME_CHUNK:]
        return _Rows(group.texts, state)

    def _write(self, group: _Rows) -> _Rows:
        """One character of each text; those that are done are left out."""
        codes = group.draw(self._allowed)
        drawn, rest = codes.tolist(), group
        if max(drawn) == VOCABULARY_SIZE or any(text.missing == 1 for text in group.texts):
            goes_on = [row for row, text in enumerate(group.texts) if drawn[row] < VOCABULARY_SIZE and text.missing > 1]
            rest, codes = group.pick(goes_on), codes[torch.tensor(goes_on, dtype=torch.int64)]
        if rest.texts:
            logits, after = self._stepper.step(codes, rest.state[:-1])
            rest.state = (*after, logits)
        # Nothing was changed before every product had succeeded, so a step which failed can be taken again.
        for text, code in zip(group.texts, drawn, strict=True):
            if code < VOCABULARY_SIZE:
                text.write(code)
            else:
                text.failure = FloatingPointError("The network's logits are no numbers.")
        return rest


@torch.inference_mode()
def generate(checkpoint: Checkpoint, requests: Sequence[Request], batch: GenerationBatch | None = None) -> list[str]:
    """The continuation of each request, `request.length` characters; the same request gives the same text.

    `batch` is one of this checkpoint's, for who times the writing without the laying out of the model.
    """
    batch, texts = batch or GenerationBatch(checkpoint), [Generation(request) for request in requests]
    batch.join(texts)
    while batch.texts:
        batch.step()
    for text in texts:
        if text.failure is not None:
            raise text.failure
    return [text.continuation for text in texts]
