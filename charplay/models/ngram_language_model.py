"""A language model of short texts that only counts: the baseline of the conditional networks."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable

from charplay.data.vocabulary import END_OF_TEXT, PAD

START = chr(PAD)  # stands before a text in the histories of its first characters


class NgramLanguageModel:
    """Interpolated n-grams of texts and their ends, after Witten and Bell (1991).

    p(c | h) = (n(h c) + t(h) p(c | shorter h)) / (n(h) + t(h)), where t(h) is the number of distinct characters seen
    after the history h; below the shortest one all `characters` are equally likely.
    """

    def __init__(self, texts: Iterable[str], order: int, characters: int):
        """Counts `texts`.

        Args:
            texts: each is counted with its end.
            order: characters of the longest n-gram, the predicted one included.
            characters: that there are.
        """
        self._order, self._uniform = order, 1 / characters
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
                seen, shorter = counts.total(), len(counts)
                probability = (counts[character] + shorter * probability) / (seen + shorter)
        return probability
