"""One generation: its validated request, its random numbers, the characters written so far."""

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from charplay import limits
from charplay.data.input_text import read_prime, read_stop_mark
from charplay.data.vocabulary import ASCII, Vocabulary
from charplay.inference.held_units import HeldUnit
from charplay.inference.sampling import inverse_temperature

POSITION = limits.Limit("position", 0, limits.LENGTH.high - 1)  # of a character in a continuation


@dataclass(frozen=True)
class Request:
    """The validated parameters of one generation; made by `make_request`."""

    prime: str  # as the network reads it
    temperature: float
    length: int  # characters after the prime
    prime_length: int  # how many of the prime's last characters warm up the hidden state
    top_k: int  # sample among the k likeliest characters; 0: among all
    seed: int
    until: str = ""  # a stop mark: the text ends with the first one that the model writes; empty: at its length
    # Of a conditional language model (see `inference.invent`): the weights of its classes, and the texts to be written.
    mixture: Sequence[float] = ()
    count: int = 1
    held: HeldUnit | None = None  # from the first character that is written; the prime is read without

    def __post_init__(self) -> None:
        if self.held is not None:  # of a request that came as JSON: a list
            object.__setattr__(self, "held", HeldUnit(*self.held))

    def is_complete(self, continuation: str) -> bool:
        """Whether a continuation has all its characters, or ends with the stop mark."""
        return len(continuation) >= self.length or (bool(self.until) and continuation.endswith(self.until))


def make_request(
    prime: object,
    temperature: object = 0.8,
    length: object = 200,
    prime_length: object = None,
    top_k: object = 0,
    seed: object = None,
    until: object = None,
    vocabulary: Vocabulary = ASCII,
    held: HeldUnit | None = None,
) -> Request:
    """Validates user input: every field is checked against its limit.

    Args:
        prime: the text to continue.
        temperature: 0 is argmax; above 1 flattens the softmax.
        length: characters to generate.
        prime_length: None, or more than the prime has: the whole prime.
        top_k: 0: sample among all characters.
        seed: None: a random one.
        until: a string of the continuation that ends it, and is its last part; None or "": only the length ends it.
        vocabulary: of the model that will generate.
        held: as `held_units.hold_unit` gives it; None: no unit is held.

    Raises:
        ValueError: a field is out of bounds; the message names the bounds.
    """
    read = read_prime(prime, vocabulary)
    wanted = len(read) if prime_length is None else limits.PRIME_LENGTH.check(prime_length)
    return Request(
        prime=read,
        temperature=limits.TEMPERATURE.check(temperature),
        length=limits.LENGTH.check(length),
        prime_length=min(wanted, len(read)),
        top_k=limits.TOP_K.check(top_k),
        seed=secrets.randbelow(int(limits.SEED.high) + 1) if seed is None else limits.SEED.check(seed),
        until=read_stop_mark("" if until is None else until, vocabulary),
        held=held,
    )


class Generation:
    """One text being generated: its request, the characters so far, and the state of its random numbers."""

    def __init__(self, request: Request, vocabulary: Vocabulary = ASCII, position: int = 0):
        """Before its first character.

        Args:
            request: what is to be generated.
            vocabulary: the model's.
            position: of the first character in a longer continuation, whose random numbers it goes on with.
        """
        self.request = request
        self.unread_prime = vocabulary.encode(request.prime[-request.prime_length :])  # int64 (time,)
        self.remaining = request.length  # characters still to be generated
        self.failure: Exception | None = None
        self.inverse_temperature = inverse_temperature(request.temperature)
        self._alphabet = vocabulary.characters
        self._until = request.until
        self._characters: list[str] = []  # that were generated
        # Uniform in [0, 1), a new one for each character; at temperature 0 always 0.0: the first of equal maxima.
        self._next_uniform = random.Random(request.seed).random if request.temperature else float
        for _ in range(position):
            self._next_uniform()
        self.uniform = self._next_uniform()

    def is_last(self, code: int) -> bool:
        """Whether a character, coming next, ends the text: by its length, or since it completes the stop mark."""
        mark = self._until
        if self.remaining == 1 or not mark:
            return self.remaining == 1
        written = self._characters[len(self._characters) - len(mark) + 1 :] if len(mark) > 1 else []
        return self._alphabet[code] == mark[-1] and "".join(written) == mark[:-1]

    def append(self, code: int, is_last: bool) -> None:
        """Adds a character, of which `is_last` is known, and draws the random number for the next one."""
        self.remaining = 0 if is_last else self.remaining - 1
        self._characters.append(self._alphabet[code])
        self.uniform = self._next_uniform()

    @property
    def is_done(self) -> bool:
        """Whether it has all its characters, or failed."""
        return self.failure is not None or not self.remaining

    @property
    def has_begun(self) -> bool:
        """Whether it has a character."""
        return bool(self._characters)

    @property
    def continuation(self) -> str:
        """The characters generated so far."""
        return "".join(self._characters)
