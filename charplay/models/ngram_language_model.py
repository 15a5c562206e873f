"""A language model of short texts that only counts: the baseline of the conditional networks."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

import numpy as np

from charplay.data.vocabulary import END_OF_TEXT, PAD

START = chr(PAD)  # stands before a text in the histories of its first characters


class NgramLanguageModel:
    """Interpolated n-grams of texts and their ends, after Witten and Bell (1991).

    p(c | h) = (n(h c) + b t(h) p(c | shorter h)) / (n(h) + b t(h)), where t(h) is the number of distinct characters
    seen after the history h, and b is 1 in their paper; below the shortest one all `characters` are equally likely.
    """

    def __init__(self, texts: Iterable[str], order: int, characters: int, backoff: float = 1.0):
        """Counts `texts`.

        Args:
            texts: each is counted with its end.
            order: characters of the longest n-gram, the predicted one included.
            characters: that there are.
            backoff: b, the weight of the shorter histories.
        """
        self._order, self._uniform, self._backoff = order, 1 / characters, backoff
        self._counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for text in texts:
            for history, character in self._steps(text):
                for length in range(order):
                    self._counts[history[order - 1 - length :]][character] += 1

    def _steps(self, text: str) -> Iterable[tuple[str, str]]:
        """Each character of a text, its end included, with the order - 1 before it."""
        before = self._order - 1
        padded = START * before + text + END_OF_TEXT
        return ((padded[at - before : at], padded[at]) for at in range(before, len(padded)))

    def bits(self, text: str) -> float:
        """-log2 p of a text and its end."""
        return -sum(math.log2(self.probability(history, character)) for history, character in self._steps(text))

    def probability(self, history: str, character: str) -> float:
        """Of a character after the order - 1 before it, `START` where there are fewer."""
        probability = self._uniform
        for length in range(self._order):
            if counts := self._counts.get(history[self._order - 1 - length :]):
                seen, shorter = counts.total(), self._backoff * len(counts)
                probability = (counts[character] + shorter * probability) / (seen + shorter)
        return probability

    def distribution(self, history: str, alphabet: str) -> np.ndarray:
        """The `probability` of each character of `alphabet` after a history of up to order - 1, (alphabet,)."""
        shorter = self.distribution(history[1:], alphabet) if history else np.full(len(alphabet), self._uniform)
        if not (counts := self._counts.get(history)):
            return shorter
        weight = self._backoff * len(counts)
        seen = np.array([counts.get(character, 0) for character in alphabet])
        return (seen + weight * shorter) / (counts.total() + weight)
