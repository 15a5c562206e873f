"""Letter n-grams, and a linear classifier on them: a baseline for the networks, and a teacher in distillation."""

from collections import Counter
from collections.abc import Sequence

import torch
from torch import nn

from charplay.data.datasets import NameRows

MAX_NGRAM_LETTERS = 5  # of the n-grams that `NgramClassifier` counts
INVERSE_REGULARIZATION = 30.0  # weight of the loss summed over the rows, against half the squared weights
MAX_LBFGS_ITERATIONS = 200
LBFGS_HISTORY = 20  # iterations that the curvature is estimated from


def ngrams_of(name: str, max_letters: int) -> list[str]:
    """All n-grams of 1 to `max_letters` letters of a name in lower case, with ^ and $ at its ends."""
    marked = f"^{name.lower()}$"
    return [marked[at : at + size] for size in range(1, max_letters + 1) for at in range(len(marked) - size + 1)]


class NgramClassifier:
    """Multinomial logistic regression on the tf-idf of letter n-grams, fitted when it is made.

    A feature is the n-gram's count in the name times ln((1 + rows) / (1 + rows with the n-gram)) + 1; each name's
    features are scaled to length 1. N-grams that occur in one row only are ignored. L2 regularization.
    """

    def __init__(self, rows: NameRows, classes: Sequence[str]):
        row_counts = Counter(gram for name, _ in rows for gram in dict.fromkeys(ngrams_of(name, MAX_NGRAM_LETTERS)))
        kept = {gram: count for gram, count in row_counts.items() if count > 1}
        self._columns = {gram: column for column, gram in enumerate(kept)}
        counts = torch.tensor(list(kept.values()), dtype=torch.float32)
        self._idf = ((1 + len(rows)) / (1 + counts)).log() + 1  # (n-grams,)
        self._weight = torch.zeros(len(kept), len(classes))
        self._bias = torch.zeros(len(classes))
        truth = torch.tensor([classes.index(country) for _, country in rows])
        self._fit(self._features([name for name, _ in rows]), truth)

    def _fit(self, features: torch.Tensor, truth: torch.Tensor) -> None:
        """L-BFGS on the regularized cross-entropy, with the gradient written out: softmax minus one-hot truth."""
        by_gram = features.t().coalesce()  # contiguous in memory for the second product
        by_name, weight, bias = features, self._weight, self._bias
        optimizer = torch.optim.LBFGS(
            [weight, bias], max_iter=MAX_LBFGS_ITERATIONS, history_size=LBFGS_HISTORY, line_search_fn="strong_wolfe"
        )

        def loss() -> torch.Tensor:
            logits = by_name @ weight + bias
            gradient = logits.softmax(1)  # with respect to the logits, (rows, classes)
            gradient[torch.arange(len(truth)), truth] -= 1
            penalty = weight / INVERSE_REGULARIZATION
            weight.grad, bias.grad = (by_gram @ gradient + penalty) / len(truth), gradient.mean(0)
            return nn.functional.cross_entropy(logits, truth) + (weight * penalty).sum() / (2 * len(truth))

        optimizer.step(loss)

    def logits(self, names: Sequence[str]) -> torch.Tensor:
        """Logits (names, classes) of normalised names."""
        return self._features(names) @ self._weight + self._bias

    def _features(self, names: Sequence[str]) -> torch.Tensor:
        """The tf-idf of the names' n-grams, sparse (names, n-grams)."""
        name_counts = [
            Counter(gram for gram in ngrams_of(name, MAX_NGRAM_LETTERS) if gram in self._columns) for name in names
        ]
        rows = torch.arange(len(names)).repeat_interleave(torch.tensor([len(counts) for counts in name_counts]))
        columns = torch.tensor([self._columns[gram] for counts in name_counts for gram in counts], dtype=torch.int64)
        frequencies = torch.tensor([count for counts in name_counts for count in counts.values()], dtype=torch.float32)
        weights = frequencies * self._idf[columns]
        lengths = torch.zeros(len(names)).index_add_(0, rows, weights.square()).sqrt()
        size = (len(names), len(self._columns))
        return torch.sparse_coo_tensor(
            torch.stack([rows, columns]), weights / lengths[rows], size, check_invariants=True
        ).coalesce()
