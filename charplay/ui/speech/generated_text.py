"""The text on the Speech tab, as the page keeps it for the accordions that analyze it."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, NamedTuple

from charplay import limits
from charplay.data.text import is_dropped
from charplay.ui import controls

MAX_CHANGES = 100  # of temperature and top-k within one text: its settings stay short


class Sampling(NamedTuple):
    """How the characters of a continuation were sampled, from the end of the ones before."""

    end: int  # characters of the continuation before another sampling begins
    temperature: float
    top_k: int


@dataclass(frozen=True)
class GeneratedText:
    """A generated text, and what it was generated from."""

    model: str  # name of the model
    prime: str  # as the network read it
    prime_length: int  # characters of the prime's end that warmed up the hidden state
    temperature: float  # of its last character
    seed: int
    continuation: str
    top_k: int = 0  # of its last character
    earlier: Sequence[Sampling] = ()  # of the characters before: of a text written one by one, both may change

    @property
    def read(self) -> str:
        """What the network has read of it, the last `prime_length` characters of the prime and the continuation."""
        return self.prime[-self.prime_length :] + self.continuation

    def append(self, character: str, temperature: float, top_k: int) -> "GeneratedText":
        """The text with a character more, sampled at this temperature among the `top_k` likeliest.

        Raises:
            ValueError: the sampling has changed too often.
        """
        earlier = self.earlier
        if self.continuation and (temperature, top_k) != (self.temperature, self.top_k):
            earlier = (*earlier, Sampling(len(self.continuation), self.temperature, self.top_k))
        if len(earlier) > MAX_CHANGES:
            raise ValueError(
                f"Temperature and top-k have changed {MAX_CHANGES} times in this text: press Start over for another."
            )
        continuation = self.continuation + character
        return replace(self, temperature=temperature, top_k=top_k, continuation=continuation, earlier=earlier)

    def first(self, characters: int) -> "GeneratedText":
        """The text with so many characters of its continuation."""
        whole = (*self.earlier, Sampling(len(self.continuation), self.temperature, self.top_k))
        earlier = tuple(each for each in self.earlier if each.end < characters)
        _, temperature, top_k = whole[len(earlier)]
        continuation = self.continuation[:characters]
        return replace(self, temperature=temperature, top_k=top_k, continuation=continuation, earlier=earlier)

    def as_field(self) -> str:
        """The value of the page's hidden field: a line of JSON, then the text.

        While a text grows, Gradio sends only the difference: the end.
        """
        header = {key: value for key, value in asdict(self).items() if key not in ("prime", "continuation")}
        header["prime_characters"] = len(self.prime)
        return f"{json.dumps(header)}\n{self.prime}{self.continuation}"


def seed_of(typed: object, field: object) -> int:
    """The seed that was typed; without one, that of the text in the page's hidden field.

    Raises:
        ValueError: what was typed is no seed, or the field cannot be read.
    """
    seed = controls.read_seed(typed)
    return parse_generated_text(field).seed if seed is None else seed


def _read_samplings(given: Any, characters: int) -> tuple[Sampling, ...]:
    """The samplings before the last one, of a continuation of so many characters.

    Raises:
        TypeError, ValueError: no text can have them.
    """
    samplings = tuple(
        Sampling(int(limits.LENGTH.check(end)), limits.TEMPERATURE.check(temperature), int(limits.TOP_K.check(top_k)))
        for end, temperature, top_k in given
    )
    ends = [0, *(each.end for each in samplings), characters]
    if len(samplings) > MAX_CHANGES or (samplings and ends != sorted(set(ends))):
        raise ValueError("no text has these samplings")
    return samplings


def parse_generated_text(field: object) -> GeneratedText:
    """The text in the page's hidden field. It comes from a browser, so everything in it is checked.

    Raises:
        ValueError: `GeneratedText.as_field` cannot have made it.
    """
    header, _, text = limits.check_text("text on the page", field, limits.MAX_GENERATED_TEXT_CHARACTERS).partition("\n")
    try:
        header = json.loads(header)
        end = int(limits.PRIME_LENGTH.check(header.pop("prime_characters")))
        header["earlier"] = _read_samplings(header["earlier"], len(text) - end)
        generated = GeneratedText(prime=text[:end], continuation=text[end:], **header)
        limits.check_text("model", generated.model, limits.MAX_NAME_CHARACTERS)
        limits.Limit("prime length", 1, len(generated.prime)).check(generated.prime_length)
        limits.TEMPERATURE.check(generated.temperature)
        limits.SEED.check(generated.seed)
        limits.TOP_K.check(generated.top_k)
        if generated.continuation:
            limits.LENGTH.check(len(generated.continuation))
        is_possible = not any(map(is_dropped, set(text)))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        is_possible = False
    if not is_possible:
        raise ValueError("The text on the page cannot be read any more: press Generate again.")
    return generated
