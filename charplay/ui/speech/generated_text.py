"""The text that stands on the Speech tab, as the page keeps it for the views that look inside it."""

import json
from dataclasses import asdict, dataclass

from charplay import limits
from charplay.data.text import encode
from charplay.inference.generate import make_request


@dataclass(frozen=True)
class GeneratedText:
    """The text that stands on the page: what the views that look inside it are told."""

    model: str  # name of the model that wrote it
    prime: str  # normalised
    prime_length: int
    temperature: float
    continuation: str

    def as_field(self) -> str:
        """For the page's hidden field: a line of JSON, then the text, so that of a growing one only the end is sent."""
        known = {key: value for key, value in asdict(self).items() if key not in ("prime", "continuation")}
        return f"{json.dumps(known | {'primed': len(self.prime)})}\n{self.prime}{self.continuation}"


def parse_generated_text(field: object) -> GeneratedText:
    """What the page's hidden field holds; it comes from a browser, so nothing in it is believed unchecked.

    Raises:
        ValueError: it is none that `Written.as_field` wrote.
    """
    known, _, text = limits.check_text("text on the page", field, limits.MAX_GENERATED_TEXT_CHARACTERS).partition("\n")
    try:
        known = json.loads(known)
        primed = limits.PRIME_LENGTH.check(known.pop("primed"))
        written = GeneratedText(prime=text[:primed], continuation=text[primed:], **known)
        request = make_request(written.prime, written.temperature, prime_length=written.prime_length)
        limits.LENGTH.check(len(written.continuation))
        encode(written.continuation)
    except (AttributeError, KeyError, TypeError, ValueError, RecursionError):
        request = None
    if request is None or request.prime != written.prime:
        raise ValueError("The text on the page cannot be read any more: press Generate again.")
    return written
