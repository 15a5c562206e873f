"""A user's rows as texts that a network writes for their label: how they are read, and what counting alone reaches."""

import dataclasses
import functools

from charplay import limits
from charplay.data.datasets import NameRows
from charplay.data.user_data import UserRows
from charplay.data.vocabulary import END_OF_TEXT
from charplay.evaluation.invented_texts import ngram_bits, per_character

MAX_COUNTED_ROWS = 20_000  # training rows that the n-grams count: with all of the largest table it would take minutes


def with_ends(user_rows: UserRows) -> UserRows:
    """The rows as a conditional model learns them: with the end of a text in the vocabulary, and no longer text."""
    longest = limits.MAX_INVENTED_CHARACTERS
    return dataclasses.replace(
        user_rows,
        rows=[(text[:longest].rstrip(), label) for text, label in user_rows.rows],
        vocabulary=user_rows.vocabulary.extended([END_OF_TEXT]),
        cut=sum(len(text) > longest for text, _ in user_rows.rows),
    )


@dataclasses.dataclass(frozen=True)
class NgramBits:
    """Bits per character of the validation part by n-grams of the training texts of each class."""

    overall: float
    by_class: dict[str, float]


@functools.lru_cache(maxsize=4)  # the summary, the training and its evaluations ask for the same
def _ngram_bits(train: tuple[tuple[str, str], ...], validation: tuple[tuple[str, str], ...]) -> NgramBits:
    characters = len({character for text, _ in train for character in text + END_OF_TEXT})
    bits = ngram_bits(list(train), list(validation), characters)
    by_class = {}
    for label in sorted({label for _, label in validation}):
        chosen = [row for row, (_, each) in enumerate(validation) if each == label]
        by_class[label] = per_character([bits[row] for row in chosen], [validation[row] for row in chosen])
    return NgramBits(per_character(bits, validation), by_class)


def ngram_baseline(train: NameRows, validation: NameRows) -> NgramBits:
    """What counting alone reaches on the validation part; that of the data used last is cached."""
    return _ngram_bits(tuple(train[:MAX_COUNTED_ROWS]), tuple(validation))
