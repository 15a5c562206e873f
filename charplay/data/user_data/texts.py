"""A text for a language model: read, checked, and split."""

import hashlib
import itertools
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field

from charplay import limits
from charplay.data.text import compose, is_dropped
from charplay.data.user_data.decoding import check_size, decode
from charplay.data.vocabulary import Vocabulary, vocabulary_of

VALIDATION_SHARE = 0.1  # of a user's data that is held out for validation
MAX_VALIDATION_CHARACTERS = 20_000  # of a text; more would delay every evaluation for no better an estimate
FIRST_LINES = 3  # lines that a summary shows as they were read
MAX_LINE_CHARACTERS = 200  # of each of them


@dataclass(frozen=True)
class UserText:
    """A text for a language model."""

    text: str  # as the network reads it
    vocabulary: Vocabulary
    encoding: str
    unknown: dict[str, int] = field(default_factory=dict)  # characters too rare for the vocabulary, and their counts
    dropped: dict[str, int] = field(default_factory=dict)  # control and format characters, and their counts
    first: tuple[str, ...] = ()  # the first lines, as they were read

    @property
    def fingerprint(self) -> str:
        """Identifies the text in a checkpoint's header."""
        return fingerprint(self.text)

    def split(self) -> tuple[str, str]:
        """(training text, its end held out for validation)."""
        held_out = min(int(len(self.text) * VALIDATION_SHARE), MAX_VALIDATION_CHARACTERS)
        return self.text[:-held_out], self.text[-held_out:]


def fingerprint(text: str) -> str:
    """Identifies data in a checkpoint's header."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_text(data: bytes | str, encoding: str | None = None) -> UserText:
    """Parses a text to train on; an encoding that is None is detected.

    Raises:
        ValueError: it is too large, too short or binary.
    """
    return _check(*decode(data, encoding))


def read_text_files(files: Sequence[tuple[str, bytes]], encoding: str | None = None) -> UserText:
    """One text of several files, (name, content), an empty line between them.

    Raises:
        ValueError: as `read_text` does; of several files the sentence names the one.
    """
    check_size(sum(len(content) for _, content in files))
    decoded = []
    for name, content in files:
        try:
            decoded.append(decode(content, encoding))
        except ValueError as error:
            raise ValueError(f"{name}: {error}" if len(files) > 1 else str(error)) from None
    return _check("\n\n".join(text for text, _ in decoded), ", ".join(dict.fromkeys(name for _, name in decoded)))


def check_text(text: str) -> str:
    """Returns a text, as the network reads it, that can be trained on.

    Raises:
        ValueError: it is too short or too long, or has one character only.
    """
    limits.USER_TEXT_CHARACTERS.check_length(text, "text")
    if len(set(text)) < 2:
        raise ValueError("The text has one character only: there is nothing to predict.")
    return text


def _check(text: str, encoding: str) -> UserText:
    read = check_text(compose(text).lstrip("\n").rstrip())
    vocabulary, unknown = vocabulary_of(Counter(read))
    return UserText(
        vocabulary.read(read) if unknown else read,
        vocabulary,
        encoding,
        unknown,
        {character: count for character, count in Counter(text).most_common() if is_dropped(character)},
        first_lines(read),
    )


def first_lines(text: str) -> tuple[str, ...]:
    """The first lines that are not blank, long ones cut."""
    lines = (line.rstrip()[:MAX_LINE_CHARACTERS] for line in text.splitlines() if line.strip())
    return tuple(itertools.islice(lines, FIRST_LINES))
