"""Logits -> the next character: temperature, top-k, and a draw from the softmax by a given random number."""

import numpy as np

from charplay.inference.products import Array

# What temperature 0 multiplies logits by: sharp enough that softmax becomes argmax, and finite in float32.
MAX_INVERSE_TEMPERATURE = 1e30


def inverse_temperature(temperature: float) -> float:
    """1 / T, at most 1e30. A softmax of logits times this cannot overflow, as the lecture's exp(logit / T) can."""
    return min(1 / max(temperature, 1 / MAX_INVERSE_TEMPERATURE), MAX_INVERSE_TEMPERATURE)


def sample(
    logits: Array, mask: Array, inverse_temperatures: Array, uniforms: Array, top_k: Array | None = None
) -> Array:
    """Samples the next character of each row by inverting the cumulated softmax; rows do not affect each other.

    Args:
        logits: float32 (batch, vocabulary).
        mask: float32 (vocabulary,), 0, or -inf for codes never to sample.
        inverse_temperatures: float32 (batch,), that logits are multiplied by.
        uniforms: float64 (batch,), in [0, 1): the random number of each row.
        top_k: int64 (batch,), sample among so many of the likeliest; None: among all.

    Returns:
        codes int64 (batch,); the vocabulary's size where the logits are NaN.
    """
    from charplay.inference import kernels  # only where networks run, as in `quantized`

    codes, thresholds = np.empty(len(logits), np.int64), np.full(len(logits), -np.inf, np.float32)
    if top_k is not None:
        ascending = np.sort(logits + mask, 1)
        thresholds = np.take_along_axis(ascending, logits.shape[1] - top_k[:, None], 1)[:, 0]
    kernels.draw(logits, mask, inverse_temperatures, thresholds, uniforms, codes)
    return codes
