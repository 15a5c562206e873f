"""Runs of letters, and a classifier that only counts them: what an n-gram model knows of names, to be beaten."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import nn

from charplay.data.datasets import NameRows

MAX_ORDER = 5  # letters of a run that `NgramClassifier` counts
INVERSE_PENALTY = 30.0  # the loss summed over the rows weighs so much beside half the squared weights
MAX_ITERATIONS, LBFGS_HISTORY = 200, 20  # of L-BFGS at most, and how far back it looks


def ngrams_of(name: str, longest: int) -> list[str]:
    """All runs of 1 to `longest` letters of a name, both of its ends marked."""
    marked = f"^{name.lower()}$"
    return [marked[at : at + size] for size in range(1, longest + 1) for at in range(len(marked) - size + 1)]


class NgramClassifier:
    """Multinomial logistic regression on the tf-idf of letter n-grams: logits (names, classes) by `logits`.

    Term frequency times ln((1 + rows) / (1 + rows that have the n-gram)) + 1, of each name scaled to length 1, over the
    n-grams that two rows have; the weights have a Gaussian prior. An n-gram votes alike wherever it stands in a name.
    """

    def __init__(self, rows: NameRows, classes: Sequence[str]):
        counted = Counter(gram for name, _ in rows for gram in dict.fromkeys(ngrams_of(name, MAX_ORDER)))
        found = {gram: count for gram, count in counted.items() if count > 1}  # by one name nothing is told apart
        self._columns = {gram: column for column, gram in enumerate(found)}
        counts = torch.tensor(list(found.values()), dtype=torch.float32)
        self._rarity = ((1 + len(rows)) / (1 + counts)).log() + 1  # idf, (n-grams,)
        self._weight = torch.zeros(len(found), len(classes))
        self._bias = torch.zeros(len(classes))
        truth = torch.tensor([classes.index(country) for _, country in rows])
        self._fit(self._features([name for name, _ in rows]), truth)

    def _fit(self, features: torch.Tensor, truth: torch.Tensor) -> None:
        """L-BFGS on the penalised cross-entropy; the slope of a softmax is what it says less what is true."""
        by_gram = features.t().coalesce()  # both products run over rows that lie together
        by_name, weight, bias = features, self._weight, self._bias
        optimizer = torch.optim.LBFGS(
            [weight, bias], max_iter=MAX_ITERATIONS, history_size=LBFGS_HISTORY, line_search_fn="strong_wolfe"
        )

        def loss() -> torch.Tensor:
            logits = by_name @ weight + bias
            off = logits.softmax(1)
            off[torch.arange(len(truth)), truth] -= 1
            penalty = weight / INVERSE_PENALTY
            weight.grad, bias.grad = (by_gram @ off + penalty) / len(truth), off.mean(0)
            return nn.functional.cross_entropy(logits, truth) + (weight * penalty).sum() / (2 * len(truth))

        optimizer.step(loss)

    def logits(self, names: Sequence[str]) -> torch.Tensor:
        """Logits (names, classes) of names as the networks read them."""
        return self._features(names) @ self._weight + self._bias

    def _features(self, names: Sequence[str]) -> torch.Tensor:
        """The tf-idf of the names' n-grams, sparse (names, n-grams)."""
        counted = [Counter(gram for gram in ngrams_of(name, MAX_ORDER) if gram in self._columns) for name in names]
        rows = torch.arange(len(names)).repeat_interleave(torch.tensor([len(counts) for counts in counted]))
        columns = torch.tensor([self._columns[gram] for counts in counted for gram in counts], dtype=torch.int64)
        frequencies = torch.tensor([count for counts in counted for count in counts.values()], dtype=torch.float32)
        weights = frequencies * self._rarity[columns]
        lengths = torch.zeros(len(names)).index_add_(0, rows, weights.square()).sqrt()
        size = (len(names), len(self._columns))
        return torch.sparse_coo_tensor(
            torch.stack([rows, columns]), weights / lengths[rows], size, check_invariants=True
        ).coalesce()
