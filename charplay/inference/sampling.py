"""Logits -> the next character: temperature, top-k, and a draw from the softmax by a given random number."""

import torch

# What temperature 0 multiplies logits by: sharp enough that softmax becomes argmax, and finite in float32.
MAX_INVERSE_TEMPERATURE = 1e30


def inverse_temperature(temperature: float) -> float:
    """1 / T, at most 1e30. A softmax of logits times this cannot overflow, as the lecture's exp(logit / T) can."""
    return min(1 / max(temperature, 1 / MAX_INVERSE_TEMPERATURE), MAX_INVERSE_TEMPERATURE)


def sample(logits: torch.Tensor, uniforms: torch.Tensor, top_k: torch.Tensor | None = None) -> torch.Tensor:
    """Samples the next character of each row by inverting the cumulated softmax; rows do not affect each other.

    Args:
        logits: float32 (batch, vocabulary), already divided by the temperature; -inf for codes never to sample.
        uniforms: float64 (batch, 1), in [0, 1): the random number of each row.
        top_k: int64 (batch, 1), sample among so many of the likeliest; None: among all.

    Returns:
        codes int64 (batch,); the vocabulary's size where the logits are NaN.
    """
    if top_k is not None:
        threshold = logits.sort(1, descending=True).values.gather(1, top_k - 1)
        logits = logits.masked_fill(logits < threshold, -torch.inf)
    cumulated = logits.softmax(1).cumsum(1, dtype=torch.float64)  # (batch, vocabulary), rising to 1
    return torch.searchsorted(cumulated, uniforms * cumulated[:, -1:], right=True).squeeze(1)
