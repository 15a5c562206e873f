"""The text on the Speech tab, as the page keeps it for the accordions that analyze it."""

import json
from dataclasses import asdict, dataclass

from charplay import limits
from charplay.data.text import is_dropped
from charplay.ui import controls


@dataclass(frozen=True)
class GeneratedText:
    """A generated text, and what it was generated from."""

    model: str  # name of the model
    prime: str  # as the network read it
    prime_length: int  # characters of the prime's end that warmed up the hidden state
    temperature: float  # of its last character
    seed: int
    continuation: str

    @property
    def read(self) -> str:
        """What the network has read of it, the last `prime_length` characters of the prime and the continuation."""
        return self.prime[-self.prime_length :] + self.continuation

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


def parse_generated_text(field: object) -> GeneratedText:
    """The text in the page's hidden field. It comes from a browser, so everything in it is checked.

    Raises:
        ValueError: `GeneratedText.as_field` cannot have made it.
    """
    header, _, text = limits.check_text("text on the page", field, limits.MAX_GENERATED_TEXT_CHARACTERS).partition("\n")
    try:
        header = json.loads(header)
        end = int(limits.PRIME_LENGTH.check(header.pop("prime_characters")))
        generated = GeneratedText(prime=text[:end], continuation=text[end:], **header)
        limits.check_text("model", generated.model, limits.MAX_NAME_CHARACTERS)
        limits.Limit("prime length", 1, len(generated.prime)).check(generated.prime_length)
        limits.TEMPERATURE.check(generated.temperature)
        limits.SEED.check(generated.seed)
        if generated.continuation:
            limits.LENGTH.check(len(generated.continuation))
        is_possible = not any(map(is_dropped, set(text)))
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        is_possible = False
    if not is_possible:
        raise ValueError("The text on the page cannot be read any more: press Generate again.")
    return generated
