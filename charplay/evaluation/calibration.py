"""Calibration of a classifier: reliability bins, expected calibration error, and temperature scaling.

After Guo, Pleiss, Sun and Weinberger, "On Calibration of Modern Neural Networks" (2017).
"""

from collections.abc import Sequence

import torch
from torch import nn

BINS = 15  # of a reliability diagram
MAX_TEMPERATURE = 20.0  # and its inverse the least: few rows, all of them right or all wrong, would be fitted by none


def reliability(probabilities: torch.Tensor, truth: torch.Tensor) -> list[dict[str, float | int]]:
    """Accuracy against confidence, the largest class probability, in 15 bins of equal width.

    Args:
        probabilities: (rows, classes).
        truth: int64 (rows,).

    Returns:
        a dict for each bin: n, mean confidence and accuracy (0 in an empty bin).
    """
    confidence, guesses = probabilities.double().max(1)
    correct = (guesses == truth).double()
    bins = (confidence * BINS).long().clamp(max=BINS - 1)

    def total(values: torch.Tensor) -> torch.Tensor:
        return torch.zeros(BINS, dtype=torch.float64).index_add_(0, bins, values)

    counts = total(torch.ones_like(correct))
    means = [(total(values) / counts.clamp(min=1)).tolist() for values in (confidence, correct)]
    return [
        {"n": int(n), "confidence": mean, "accuracy": accuracy}
        for n, mean, accuracy in zip(counts.tolist(), *means, strict=True)
    ]


def calibration_error(bins: Sequence[dict[str, float | int]]) -> float:
    """Expected calibration error: the mean over the rows of |accuracy - confidence| of their bin."""
    rows = sum(each["n"] for each in bins)
    return sum(each["n"] * abs(each["accuracy"] - each["confidence"]) for each in bins) / rows


def fit_temperature(logits: torch.Tensor, truth: torch.Tensor) -> float:
    """The T, within bounds, that minimises the cross-entropy of softmax(logits / T); the likeliest class stays.

    Args:
        logits: (rows, classes), of held-out rows.
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
    return min(max((-log_inverse).exp().item(), 1 / MAX_TEMPERATURE), MAX_TEMPERATURE)


@torch.no_grad()
def calibrate(last_layer: nn.Linear, logits: torch.Tensor, truth: torch.Tensor) -> float:
    """Divides the layer that gave `logits` by the temperature fitted on them, which it returns."""
    temperature = fit_temperature(logits, truth)
    for parameter in last_layer.parameters():
        parameter.div_(temperature)
    return temperature
