"""Letter n-grams as a language model of short texts, smoothed better than the baseline: a teacher in distillation."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from itertools import pairwise

import numpy as np

from charplay.data.vocabulary import END_OF_TEXT
from charplay.models.ngram_language_model import START

MIN_DISCOUNT = 0.1  # of any n-gram, however few there are to estimate it from
MAX_DISCOUNTS = (0.95, 1.9, 2.8)  # of n-grams counted once, twice, and three times or more


class KneserNeyModel:
    """Interpolated n-grams of texts and their ends, after Kneser and Ney (1995), modified by Chen and Goodman (1999).

    p(c | h) = (n(h c) - d(n(h c)) + sum of d * p(c | shorter h)) / n(h). Below the longest history, n counts the
    distinct characters before an n-gram, unless it begins a text; the discounts d are estimated from how many n-grams
    are counted once, twice and so on.
    """

    def __init__(self, texts: Iterable[str], order: int, alphabet: str):
        """Counts `texts`, each with its end.

        Args:
            texts: of the characters of `alphabet`, `END_OF_TEXT` among these.
            order: characters of the longest n-gram, the predicted one included.
            alphabet: the characters that there are.
        """
        self._order, self._alphabet = order, alphabet
        self._distributions: dict[str, np.ndarray] = {}
        raw: list[defaultdict[str, Counter[str]]] = [defaultdict(Counter) for _ in range(order)]  # by history's length
        for text in texts:
            padded = START * (order - 1) + text + END_OF_TEXT
            for at in range(order - 1, len(padded)):
                for length in range(order):
                    raw[length][padded[at - length : at]][padded[at]] += 1
        self._counts = [*(_continuations(shorter, longer) for shorter, longer in pairwise(raw)), raw[-1]]
        self._discounts = [_discounts(counts.values()) for counts in self._counts]

    def distribution(self, text: str) -> np.ndarray:
        """The probability of each character of the alphabet after the beginning of a text, float64 (alphabet,)."""
        return self._after(text[len(text) - min(len(text), self._order - 1) :].rjust(self._order - 1, START))

    def _after(self, history: str) -> np.ndarray:
        if history in self._distributions:
            return self._distributions[history]
        shorter = self._after(history[1:]) if history else np.full(len(self._alphabet), 1 / len(self._alphabet))
        distribution = shorter
        if counts := self._counts[len(history)].get(history):
            discounts = self._discounts[len(history)]
            distribution, freed = np.zeros(len(self._alphabet)), 0.0
            for character, count in counts.items():
                discount = discounts[min(count, len(discounts)) - 1]
                distribution[self._alphabet.index(character)] = count - discount
                freed += discount
            distribution = (distribution + freed * shorter) / counts.total()
        self._distributions[history] = distribution
        return distribution


def _continuations(counts: dict[str, Counter[str]], longer: dict[str, Counter[str]]) -> defaultdict[str, Counter[str]]:
    """How many distinct characters stand before each n-gram; of those that begin a text, how often they do."""
    found: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for history, after in longer.items():
        found[history[1:]].update(after.keys())
    return found | {history: after for history, after in counts.items() if history.startswith(START)}


def _discounts(counts: Iterable[Counter[str]]) -> list[float]:
    """What is taken from an n-gram counted once, twice, and three times or more."""
    occurrences = Counter(count for after in counts for count in after.values())
    numbers = [max(occurrences[count], 1) for count in (1, 2, 3, 4)]
    share = numbers[0] / (numbers[0] + 2 * numbers[1])
    return [
        float(np.clip(count - (count + 1) * share * numbers[count] / numbers[count - 1], MIN_DISCOUNT, most))
        for count, most in enumerate(MAX_DISCOUNTS, 1)
    ]
