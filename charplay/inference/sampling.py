"""Logits -> the next character: temperature, top-k and the seeded draw from the softmax."""

import torch

# Temperature 0 multiplies the logits by this: sharp enough that softmax becomes argmax, and still a finite float32.
MAX_INVERSE_TEMPERATURE = 1e30


def inverse_temperature(temperature: float) -> float:
    """1 / T, at most 1e30: a softmax of logits times this cannot overflow, as the lecture's exp(logit / T) can."""
    return min(1 / max(temperature, 1 / MAX_INVERSE_TEMPERATURE), MAX_INVERSE_TEMPERATURE)


def sample(scaled: torch.Tensor, chances: torch.Tensor, top_k: torch.Tensor | None = None) -> torch.Tensor:
    """Draws the next character of each text; a row depends on its own numbers alone.

    Args:
        scaled: float32 (batch, 128), logits over the temperature, -inf where a code must not be drawn.
        chances: float64 (batch, 1), in [0, 1): how far along the softmax's cumulated sum the die came to lie.
        top_k: int64 (batch, 1), draw among so many of the likeliest; None: among all.

    Returns:
        codes int64 (batch,); 128 where the logits are no numbers.
    """
    if top_k is not None:
        lowest = scaled.sort(1, descending=True).values.gather(1, top_k - 1)
        scaled = scaled.masked_fill(scaled < lowest, -torch.inf)
    reached = scaled.softmax(1).cumsum(1, dtype=torch.float64)  # (batch, 128), rising to 1
    return torch.searchsorted(reached, chances * reached[:, -1:], right=True).squeeze(1)
