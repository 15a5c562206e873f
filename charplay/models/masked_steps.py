"""A recurrent network run one step of time at a time over a padded batch: each row keeps its state at its pads."""

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import nn

_CELL_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "rnn": torch.rnn_tanh_cell,
    "gru": torch.gru_cell,
    "lstm": torch.lstm_cell,
}


def run_masked(rnn: nn.RNNBase, x: torch.Tensor, lengths: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Runs `rnn` over x (batch, time, features) one step at a time, keeping each row's state at its pads.

    Yields:
        for each layer the outputs (batch, time, directions * hidden) and the final states (directions, batch, hidden).
    """
    step = _CELL_FUNCTIONS[rnn.mode.removesuffix("_TANH").lower()]
    batch, time, _ = x.shape
    is_real = torch.arange(time, device=x.device) < lengths.to(x.device)[:, None]  # (batch, time)
    for layer in range(rnn.num_layers):
        finals, outputs = [], []  # one (batch, hidden) and one (batch, time, hidden) for each direction
        for suffix in ("", "_reverse") if rnn.bidirectional else ("",):
            weights = [
                getattr(rnn, f"{kind}_l{layer}{suffix}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            h = c = x.new_zeros(batch, rnn.hidden_size)
            layer_outputs = [h] * time
            for t in reversed(range(time)) if suffix else range(time):
                is_active = is_real[:, t, None]  # (batch, 1)
                if rnn.mode == "LSTM":
                    new_h, new_c = step(x[:, t], (h, c), *weights)
                    c = torch.where(is_active, new_c, c)
                else:
                    new_h = step(x[:, t], h, *weights)
                h = torch.where(is_active, new_h, h)
                layer_outputs[t] = torch.where(is_active, new_h, 0.0)
            outputs.append(torch.stack(layer_outputs, 1))
            finals.append(h)
        x = torch.cat(outputs, 2)  # (batch, time, directions * hidden)
        yield x, torch.stack(finals)
