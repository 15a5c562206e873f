"""The elementwise part of a step of time: from the sums of products to the next hidden states, and to a character.

PyTorch does this in a dozen passes over memory, each started from Python; here a row is finished while it is in the
processor's cache. Hidden states are scaled by 127 throughout, as the products read them (see `products`). A row's
results depend on that row alone.

The sums x of a layer's input product are given as the rows of a matrix from a column on, with a scale and a bias for
each column: the first layer's are looked up in a table, a row a character; the other layers' stand beside the recurrent
sums of the layer below. Sums are int32, or float32 where a product has floating-point numbers.

Rows of every matrix lie one after the other in memory.
"""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch

from charplay.inference.compiled import compiled
from charplay.inference.products import MAX_QUANTIZED, Array

Row = tuple[Array, Array, Array, Array, Array, Array]  # x, x_scale, x_bias, sums, scale and bias of one row of a step
_SCALE = np.float32(MAX_QUANTIZED)  # of hidden states
_TWICE = np.float32(2)
_TWICE_UNSCALED = _TWICE / _SCALE  # factor from a scaled cell state to twice its true value
_ONE = np.float32(1)

_LOG2_E = np.float32(1.4426950408889634)
_MIN_EXPONENT, _MAX_EXPONENT = np.float32(-87), np.float32(88)  # e to the power of these is a normal float32
_EXPONENT_BIAS, _MANTISSA_BITS = np.int32(127), np.int32(23)  # of a float32
# ln(2)^n / n!: of the Taylor series of 2^x, which is right to 3e-6 where x is within 1/2
_TERM_1, _TERM_2, _TERM_3, _TERM_4, _TERM_5 = (np.float32(math.log(2) ** n / math.factorial(n)) for n in range(1, 6))


@compiled
def exponential(x: Any) -> Any:
    """e^x in float32, to 3e-6 of it, of x within `_MIN_EXPONENT` and `_MAX_EXPONENT`, else of the nearer of these.

    As 2^(k + r) with r within 1/2. A function of the C library would keep the loop around it from being computed in
    vector instructions.
    """
    y = min(max(x, _MIN_EXPONENT), _MAX_EXPONENT) * _LOG2_E
    k = np.rint(y)
    r = y - k
    series = _ONE + r * (_TERM_1 + r * (_TERM_2 + r * (_TERM_3 + r * (_TERM_4 + r * _TERM_5))))
    power = np.int32((np.int32(k) + _EXPONENT_BIAS) << _MANTISSA_BITS)  # the bits of 2^k
    return series * power.view(np.float32)


@compiled
def sigmoid(x: Any) -> Any:
    """1 / (1 + e^-x)."""
    return _ONE / (_ONE + exponential(-x))


@compiled
def scaled_tanh_of_half(x: Any) -> Any:
    """127 tanh(x / 2)."""
    return _TWICE * _SCALE * sigmoid(x) - _SCALE


@compiled
def _from(row: Row, first: int) -> Row:
    """The columns of a row's products from `first` on."""
    x, x_scale, x_bias, sums, scale, bias = row
    return x[first:], x_scale[first:], x_bias[first:], sums[first:], scale[first:], bias[first:]


@compiled
def _sigmoid_gates(row: Row, gates: Array) -> None:
    """Gates of a row, from as many columns of its products."""
    x, x_scale, x_bias, sums, scale, bias = row
    for j in range(gates.shape[0]):
        gates[j] = sigmoid(np.float32(x[j]) * x_scale[j] + x_bias[j] + np.float32(sums[j]) * scale[j] + bias[j])


@compiled
def _tanh_gate(row: Row, gate: Array) -> None:
    """The same for the gate with a tanh, whose weights are doubled; scaled."""
    x, x_scale, x_bias, sums, scale, bias = row
    for j in range(gate.shape[0]):
        total = np.float32(x[j]) * x_scale[j] + x_bias[j] + np.float32(sums[j]) * scale[j] + bias[j]
        gate[j] = scaled_tanh_of_half(total)


@compiled
def _new_gate(row: Row, gate: Array) -> None:
    """The same for a GRU's, whose recurrent product is multiplied by the reset gate, which is in `gate` before."""
    x, x_scale, x_bias, sums, scale, bias = row
    for j in range(gate.shape[0]):
        recurrent = gate[j] * (np.float32(sums[j]) * scale[j] + bias[j])
        gate[j] = scaled_tanh_of_half(np.float32(x[j]) * x_scale[j] + x_bias[j] + recurrent)


@compiled
def _interpolate(new: Array, update: Array, hidden: Array) -> None:
    for j in range(hidden.shape[0]):
        hidden[j] = new[j] + update[j] * (hidden[j] - new[j])


@compiled
def _remember(gates: Array, new: Array, memory: Array) -> None:
    """`gates` are an LSTM's input and forget gate."""
    size = memory.shape[0]
    for j in range(size):
        memory[j] = gates[size + j] * memory[j] + gates[j] * new[j]


@compiled
def _put_out(memory: Array, output: Array, hidden: Array) -> None:
    for j in range(hidden.shape[0]):
        hidden[j] = output[j] * scaled_tanh_of_half(memory[j] * _TWICE_UNSCALED)


@compiled
def _store(hidden: Array, is_rounded: bool, states: Array) -> None:
    if is_rounded:
        for j in range(hidden.shape[0]):
            states[j] = np.rint(hidden[j])
    else:
        for j in range(hidden.shape[0]):
            states[j] = hidden[j]


@compiled
def step_rnn(
    x: Array,
    rows: Array,
    first: int,
    x_scale: Array,
    x_bias: Array,
    sums: Array,
    scale: Array,
    bias: Array,
    hidden: Array,
    memory: Array,
    states: Array,
    is_rounded: bool,
) -> None:
    """One step of a layer, of whatever cell.

    Args:
        x: (any, columns), with the sums of the input product.
        rows: int64 (batch,), of `x`.
        first: the column of `x` from which they are.
        x_scale: float32 (gates * hidden,), of each of these columns.
        x_bias: float32 (gates * hidden,).
        sums: (batch, gates * hidden or more), of the recurrent product.
        scale: float32 (gates * hidden or more,).
        bias: the same.
        hidden: float32 (batch, hidden), overwritten.
        memory: float32 (batch, hidden), overwritten: an LSTM's cell state. Other cells have none.
        states: (batch, hidden), gets the new hidden states as the products read them.
        is_rounded: to integers.
    """
    for row in range(hidden.shape[0]):
        of_row = x[rows[row], first:], x_scale, x_bias, sums[row], scale, bias
        _tanh_gate(of_row, hidden[row])
        _store(hidden[row], is_rounded, states[row])


@compiled
def step_gru(
    x: Array,
    rows: Array,
    first: int,
    x_scale: Array,
    x_bias: Array,
    sums: Array,
    scale: Array,
    bias: Array,
    hidden: Array,
    memory: Array,
    states: Array,
    is_rounded: bool,
) -> None:
    """The same; the gates are reset, update and new."""
    size = hidden.shape[1]
    gates = np.empty(2 * size, np.float32)
    for row in range(hidden.shape[0]):
        of_row = x[rows[row], first:], x_scale, x_bias, sums[row], scale, bias
        _sigmoid_gates(of_row, gates)
        new, update = gates[:size], gates[size:]
        _new_gate(_from(of_row, 2 * size), new)
        _interpolate(new, update, hidden[row])
        _store(hidden[row], is_rounded, states[row])


@compiled
def step_lstm(
    x: Array,
    rows: Array,
    first: int,
    x_scale: Array,
    x_bias: Array,
    sums: Array,
    scale: Array,
    bias: Array,
    hidden: Array,
    memory: Array,
    states: Array,
    is_rounded: bool,
) -> None:
    """The same; the gates are input, forget, new and output."""
    size = hidden.shape[1]
    gates, new, output = np.empty(2 * size, np.float32), np.empty(size, np.float32), np.empty(size, np.float32)
    for row in range(hidden.shape[0]):
        of_row = x[rows[row], first:], x_scale, x_bias, sums[row], scale, bias
        _sigmoid_gates(of_row, gates)
        _tanh_gate(_from(of_row, 2 * size), new)
        _sigmoid_gates(_from(of_row, 3 * size), output)
        _remember(gates, new, memory[row])
        _put_out(memory[row], output, hidden[row])
        _store(hidden[row], is_rounded, states[row])


@compiled
def scale_sums(sums: Array, first: int, scale: Array, bias: Array, out: Array) -> None:
    """Sums of a product, (batch, columns), from a column on -> float32 `out` (batch, width)."""
    for row in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[row, j] = np.float32(sums[row, first + j]) * scale[j] + bias[j]


@compiled
def pool(hidden: Array, largest: Array, total: Array) -> None:
    """Adds the hidden states of one step, (batch, hidden), to their maximum and their sum, (batch or more, hidden)."""
    for row in range(hidden.shape[0]):
        for j in range(hidden.shape[1]):
            largest[row, j] = max(largest[row, j], hidden[row, j])
            total[row, j] += hidden[row, j]


@compiled
def draw(
    logits: Array, mask: Array, inverse_temperatures: Array, thresholds: Array, uniforms: Array, codes: Array
) -> None:
    """Draws a code for each row by inverting the cumulated softmax.

    Args:
        logits: float32 (batch, vocabulary).
        mask: float32 (vocabulary,), 0, or -inf where a code is never drawn.
        inverse_temperatures: float32 (batch,), finite.
        thresholds: float32 (batch,): codes with a smaller logit are not drawn.
        uniforms: float64 (batch,), in [0, 1).
        codes: int64 (batch,), gets them; the vocabulary's size where logits are NaN or infinite.
    """
    size = logits.shape[1]
    scaled, cumulated = np.empty(size, np.float32), np.empty(size, np.float64)
    for row in range(logits.shape[0]):
        largest, wrong = np.float32(-np.inf), 0
        for j in range(size):
            is_drawn = logits[row, j] >= thresholds[row]
            value = logits[row, j] * inverse_temperatures[row] + mask[j]
            scaled[j] = value if is_drawn else np.float32(-np.inf)
            wrong += 0 if logits[row, j] < np.inf else 1  # NaN, too
            largest = max(largest, scaled[j])
        if wrong or largest == -np.inf:
            codes[row] = size
            continue
        for j in range(size):
            below = scaled[j] - largest
            scaled[j] = exponential(below) if below >= _MIN_EXPONENT else np.float32(0)
        total = 0.0
        for j in range(size):
            total += scaled[j]
            cumulated[j] = total
        reached = uniforms[row] * total
        code = 0
        while cumulated[code] <= reached:
            code += 1
        codes[row] = code


class CellStep(NamedTuple):
    """How a layer with one kind of cell gets from its products to its next hidden states."""

    advance: Callable[..., None]  # see `step_rnn`
    gates: int
    tanh_gate: int  # index of the gate that `advance` takes the tanh of; it wants twice the network's value
    has_memory: bool  # a cell state beside the hidden state

    def double_tanh_gate(self, rows: torch.Tensor) -> torch.Tensor:
        """A layer's weights (gates * hidden, in) or biases (gates * hidden,) with the tanh gate's rows doubled."""
        gates = rows.detach().clone().chunk(self.gates)
        gates[self.tanh_gate].mul_(2)
        return torch.cat(gates)


CELL_STEPS = {
    "rnn": CellStep(step_rnn, 1, tanh_gate=0, has_memory=False),
    "gru": CellStep(step_gru, 3, tanh_gate=2, has_memory=False),
    "lstm": CellStep(step_lstm, 4, tanh_gate=2, has_memory=True),
}
