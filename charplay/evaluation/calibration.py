"""Whether a classifier is right as often as it is sure, and one number that mends it: its temperature.

After Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (2017).
"""

from collections.abc import Sequence

import torch
from torch import nn

BINS = 15  # of a reliability diagram


def reliability(probabilities: torch.Tensor, truth: torch.Tensor) -> list[dict[str, float | int]]:
    """How often a model is right when it is that sure: 15 bins of equal width over the winner's probability.

    Args:
        probabilities: (rows, classes).
        truth: int64 (rows,).

    Returns:
        A dict a bin: n, the mean confidence and the accuracy (0 in an empty bin).
    """
    confidence, guesses = probabilities.double().max(1)
    right = (guesses == truth).double()
    bins = (confidence * BINS).long().clamp(max=BINS - 1)

    def total(values: torch.Tensor) -> torch.Tensor:
        return torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, values)

    counts = total(torch.ones_like(right))
    means = [(total(values) / counts.clamp(min=1)).tolist() for values in (confidence, right)]
    return [
        {"n": int(n), "confidence": mean, "accuracy": share}
        for n, mean, share in zip(counts.tolist(), *means, strict=True)
    ]


def calibration_error(bins: Sequence[dict[str, float | int]]) -> float:
    """Expected calibration error: the mean over the rows of |accuracy - confidence| of their bin."""
    rows = sum(each["n"] for each in bins)
    return sum(each["n"] * abs(each["accuracy"] - each["confidence"]) for each in bins) / rows


def fit_temperature(logits: torch.Tensor, truth: torch.Tensor) -> float:
    """The T for which softmax(logits / T) has the least cross-entropy with the truth; it changes no guess.

    Args:
        logits: (rows, classes), of rows that the network was not trained on.
        truth: int64 (rows,).
    """
    log_inverse = torch.zeros((), dtype=torch.float64, requires_grad=True)  # the loss is convex in 1 / T
    optimizer = torch.optim.LBFGS([log_inverse], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        value = nn.functional.cross_entropy(logits.double() * log_inverse.exp(), truth)
        value.backward()
        return value

    optimizer.step(loss)
    return (-log_inverse).exp().item()
