"""Prefix probabilities: the class probabilities after each letter of a name."""

from collections.abc import Sequence
from typing import TypedDict

from charplay.inference.classify import Classification, read_text
from charplay.models.checkpoints import Checkpoint


class PrefixProbabilities(TypedDict):
    """The softmax after each prefix of a name."""

    name: str  # as typed
    normalized: str  # a column for each of its characters
    countries: list[str]  # in the model's order
    probabilities: list[list[float]]  # (countries, characters); each column sums to 1


def prefixes_of(checkpoint: Checkpoint, name: object) -> list[str]:
    """The prefixes of a name as the model reads it, from its first character to all of it.

    Raises:
        ValueError: it is blank or not acceptable; the sentence says what to change.
    """
    normalized = read_text(checkpoint, name)
    return [normalized[:end] for end in range(1, len(normalized) + 1)]


def prefix_probabilities(name: str, results: Sequence[Classification]) -> PrefixProbabilities:
    """The results of `classify` for `prefixes_of` as one table; its last column is the whole name's."""
    return PrefixProbabilities(
        name=name,
        normalized=results[-1]["normalized"],
        countries=list(results[-1]["probabilities"]),
        probabilities=[
            [result["probabilities"][country] for result in results] for country in results[-1]["probabilities"]
        ],
    )
