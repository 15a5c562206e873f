"""The quantized step: a language model run one character at a time for many texts, with 8-bit weights and states.

A `QuantizedStep` computes what `CharLM` does at one time step with as few and as cheap products as possible:

- the first layer's input product depends on the character alone, so it is a table of a row a character;
- each layer's recurrent matrix and the next layer's input matrix (after the last layer: the linear layer) multiply the
  same hidden states, so they are stacked into one product; its recurrent half is kept for the next step;
- hidden states lie in (-1, 1): they are scaled by 127 and rounded to integers for the products, and the weights are
  quantized by a scale for each output row. Sums of integers are exact, so a text does not depend on the rest of the
  batch.

Which arithmetic is fastest depends on the processor: int8, or floating-point numbers that hold the integers exactly.
The sums are the same; the fastest is found by a trial.
"""

import functools
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from charplay.inference.held_units import Held, HeldUnit, HeldWeights
from charplay.models.networks import CharLM, ConditionalCharLM

State = tuple[torch.Tensor, ...]  # what one step hands to the next; every tensor is (batch, features)
TRIALS_PER_PRODUCT = 20  # timed runs of each kind of product
TRIAL_ROWS, TRIAL_WEIGHT_SHAPE = 64, (1536, 512)  # batch size, and (out, in)
# Largest quantized value, and the scale of hidden states. A tensor: in a small step cheaper than a Python number.
MAX_QUANTIZED = torch.tensor(127.0)
MIN_QUANTIZED = -MAX_QUANTIZED
TWICE_UNSCALED = 2 / MAX_QUANTIZED  # factor from a scaled cell state to twice its true value
MAX_EXACT_FLOAT = 2**24  # float32 holds every integer up to this


def to_float_in_place(integers: torch.Tensor) -> torch.Tensor:
    """int32 -> the same numbers as float32 in the same memory, which is still in the processor's cache."""
    return integers.view(torch.float32).copy_(integers)


class IntegerProduct:
    """h W^T + b for x = 127 h, in integers; each row of the result depends on its own row of x alone."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor):
        # A row's largest weight becomes 127, or less where the products with states of 127 might sum to more than
        # float32 holds exactly; rounding adds at most 1/2 to each weight.
        magnitudes = weight.abs()
        max_row_sum = MAX_EXACT_FLOAT / MAX_QUANTIZED - weight.shape[1]
        scales = torch.minimum(
            MAX_QUANTIZED / magnitudes.amax(1).clamp(min=1e-12), max_row_sum / magnitudes.sum(1).clamp(min=1e-12)
        )
        self.prepare((weight * scales[:, None]).round())
        self.scale = 1 / scales / MAX_QUANTIZED  # undoes the scale of each row of weights and that of the states
        self.bias = bias

    def prepare(self, weight: torch.Tensor) -> None:
        """Stores the weight, float32 (out, in) of integers, in the format that `sums` multiplies."""
        raise NotImplementedError

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        """x float32 (batch, in) of integers -> float32 (batch, out), exact; the caller may overwrite it."""
        raise NotImplementedError

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x float32 (batch, in), within -127 to 127 -> float32 (batch, out)."""
        sums = self.sums(x.round())
        return torch.addcmul(self.bias, sums, self.scale, out=sums)


class Int8Product(IntegerProduct):
    """In int8, for processors with instructions for it."""

    def prepare(self, weight: torch.Tensor) -> None:
        # A transposed view of a row-major (out, in) matrix: made contiguous it would be many times slower.
        self.weight = weight.to(torch.int8).t()

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        integers = torch.empty(x.shape[0], self.weight.shape[1], dtype=torch.int32)
        return to_float_in_place(torch._int_mm(x.char(), self.weight, out=integers))


class HalfProduct(IntegerProduct):
    """In float32 with weights stored in half precision: half the memory traffic, which dominates for a single text."""

    def prepare(self, weight: torch.Tensor) -> None:
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight, None)

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.quantized.linear_dynamic_fp16(x, self._packed)


class FloatProduct(IntegerProduct):
    """In float32 throughout; works on every processor."""

    def prepare(self, weight: torch.Tensor) -> None:
        self._weight = weight

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self._weight)


class UnroundedProduct:
    """h W^T + b for x = 127 h without quantization: equal to the network's own to rounding."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor):
        self._weight, self._bias = weight / MAX_QUANTIZED, bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self._weight, self._bias)


ProductType = type[IntegerProduct] | type[UnroundedProduct]


# What a function of PyTorch's own raises where this build lacks it, has it with other arguments, or not for this
# processor: `torch._int_mm` and `torch.ops.quantized` are no part of its public interface.
UNSUPPORTED = (AttributeError, TypeError, RuntimeError)


def supports_half_precision_weights() -> bool:
    """Whether PyTorch can multiply by weights stored in half precision on this processor."""
    return torch.backends.quantized.engine in ("x86", "fbgemm")


def is_exact(product_type: type[IntegerProduct], outputs: int, inputs: int) -> bool:
    """Whether PyTorch has the product, and its sums are right here.

    On some processors they silently overflow, where int8 products are added in pairs.
    """
    generator = torch.Generator().manual_seed(0)
    x, weight = (
        torch.randint(0, 2, (rows, inputs), generator=generator).float() * 254 - 127 for rows in (TRIAL_ROWS, outputs)
    )
    try:
        sums = product_type(weight, torch.zeros(outputs)).sums(x)
    except UNSUPPORTED:
        return False
    return torch.equal(sums.double(), x.double() @ weight.double().t())


@functools.cache
def available_products() -> list[type[IntegerProduct]]:
    """The kinds of product that are supported and exact on this processor."""
    outputs, inputs = TRIAL_WEIGHT_SHAPE
    product_types = [Int8Product, *([HalfProduct] if supports_half_precision_weights() else []), FloatProduct]
    return [product_type for product_type in product_types if is_exact(product_type, outputs, inputs)]


@functools.cache
def fastest_product() -> type[IntegerProduct]:
    """The kind of product that is fastest on this processor, timed on a batch as large as a class of students makes."""
    outputs, inputs = TRIAL_WEIGHT_SHAPE
    weight, x = torch.ones(outputs, inputs), torch.ones(TRIAL_ROWS, inputs)
    products = {product_type: product_type(weight, torch.zeros(outputs)) for product_type in available_products()}
    seconds: dict[type[IntegerProduct], list[float]] = {product_type: [] for product_type in products}
    for _ in range(TRIALS_PER_PRODUCT):  # in turn, and the minimum counts: other processes slow some of the runs down
        for product_type, product in products.items():
            start = time.perf_counter()
            product(x)
            seconds[product_type].append(time.perf_counter() - start)
    return min(products, key=lambda product_type: min(seconds[product_type]))


Gates = Sequence[torch.Tensor]  # groups of gates, each (..., width of the group)


def _scaled_tanh_of_half(x: torch.Tensor) -> torch.Tensor:
    """127 tanh(x / 2), as 254 sigmoid(x) - 127; overwrites x. PyTorch's tanh takes several times as long."""
    return torch.add(MIN_QUANTIZED, x.sigmoid_(), alpha=254)


def _rnn_step(sums: Gates) -> tuple[torch.Tensor, ...]:
    return (_scaled_tanh_of_half(sums[0]),)


def _gru_step(sums: Gates, x: torch.Tensor, recurrent: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, ...]:
    reset, update = sums[0].sigmoid_().chunk(2, -1)
    h = torch.lerp(_scaled_tanh_of_half(torch.addcmul(x, reset, recurrent)), h, update)
    return h, h


def _lstm_step(sums: Gates, c: torch.Tensor) -> tuple[torch.Tensor, ...]:
    input_gate, forget = sums[0].sigmoid_().chunk(2, -1)
    c = torch.addcmul(forget * c, input_gate, _scaled_tanh_of_half(sums[1]))
    return sums[2].sigmoid_() * _scaled_tanh_of_half(c * TWICE_UNSCALED), c


class CellStep(NamedTuple):
    """How a layer with one kind of cell gets from its gates to its next hidden state."""

    # (groups that are sums of input and recurrent product, which it overwrites; input and recurrent product of the
    # group that is no sum, if there is one; memories) -> (hidden state, new memories), all scaled by 127
    advance: Callable[..., tuple[torch.Tensor, ...]]
    groups: tuple[int, ...]  # widths of the groups of gates that are computed together, in hidden sizes
    summed: int  # how many of the groups, from the first, are sums
    memories: int  # tensors carried to the next step beside the recurrent products: h of a GRU, c of an LSTM
    tanh_gate: int  # index of the gate that `advance` takes the tanh of; it wants twice the network's value

    def double_tanh_gate(self, rows: torch.Tensor) -> torch.Tensor:
        """A layer's weights (gates * hidden, in) or biases (gates * hidden,) with the tanh gate's rows doubled."""
        gates = rows.detach().clone().chunk(sum(self.groups))
        gates[self.tanh_gate].mul_(2)
        return torch.cat(gates)


CELL_STEPS = {
    "rnn": CellStep(_rnn_step, (1,), 1, 0, tanh_gate=0),
    "gru": CellStep(_gru_step, (2, 1), 1, 1, tanh_gate=2),
    "lstm": CellStep(_lstm_step, (2, 1, 1), 3, 1, tanh_gate=2),
}


class QuantizedStep:
    """Runs a language model one character at a time: `initial_state` before any text, then `step` for each character.

    A state holds for each layer the recurrent products with the hidden state, a tensor for each group of gates, and
    the cell's memories.
    """

    @torch.no_grad()
    def __init__(self, model: CharLM, product: ProductType | None = None):
        """Prepares the weights of `model`; `product` None: the fastest kind on this processor."""
        rnn: nn.RNNBase = model.rnn
        self._cell = CELL_STEPS[model.config.cell]
        layers = [
            [
                self._cell.double_tanh_gate(getattr(rnn, f"{kind}_l{layer}"))
                for kind in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
            ]
            for layer in range(rnn.num_layers)
        ]
        above = [(weight, bias) for weight, bias, _, _ in layers[1:]] + [(model.linear.weight, model.linear.bias)]
        stacked = [
            (torch.cat([weight_hh, weight]), torch.cat([bias_hh, bias]))
            for (_, _, weight_hh, bias_hh), (weight, bias) in zip(layers, above, strict=True)
        ]
        self._held_weights = HeldWeights(model, self._cell.double_tanh_gate)
        self.product = product or fastest_product()
        self._products = [self.product(weight, bias) for weight, bias in stacked]
        self._widths = [group * rnn.hidden_size for group in self._cell.groups]
        # (vocabulary, gates * hidden): the first layer's input product with the embedding of each character
        self._input_table = functional.linear(model.embedding.weight, layers[0][0], layers[0][1])
        if isinstance(model, ConditionalCharLM):  # (classes, gates * hidden): of the embedding of each class
            self._class_table = functional.linear(model.class_embedding.weight, layers[0][0], layers[0][1])
        self._initial_state = []
        for _, _, _, bias_hh in layers:
            memories = [bias_hh.new_zeros(rnn.hidden_size)] * self._cell.memories
            self._initial_state += [*bias_hh.split(self._widths), *memories]
        per_layer = len(self._widths) + self._cell.memories
        # For each layer: its tensors in a state, and the widths that its stacked product is split into.
        self._splits = [
            (slice(layer * per_layer, (layer + 1) * per_layer), [*self._widths, *widths_above])
            for layer, widths_above in enumerate([self._widths] * len(layers[1:]) + [[model.config.vocabulary_size]])
        ]

    def initial_state(self, batch: int) -> State:
        """The state before the first character of `batch` texts."""
        return tuple(row.repeat(batch, 1) for row in self._initial_state)

    def step(self, codes: torch.Tensor, state: State, held: Held | None = None) -> tuple[torch.Tensor, State]:
        """Codes int64 (batch,) -> logits (batch, vocabulary) for the next character, and the state after the codes.

        Units that are `held`, as `hold` gives it, have their values in that state.
        """
        return self._advance(self._input_table.index_select(0, codes), state, held)

    def hold(self, held: Sequence[HeldUnit | None]) -> Held:
        """For `step`: the unit that each row of a batch holds, or None."""
        return self._held_weights.rows(held)

    def start(self, mixture: torch.Tensor) -> tuple[torch.Tensor, State]:
        """Of a conditional model: the weights of its classes -> logits for the first character, and the state.

        Args:
            mixture: float32 (batch, classes); a row sums to 1, so that its products are the weighted mean of theirs.
        """
        return self._advance(mixture @ self._class_table, self.initial_state(len(mixture)))

    def _advance(self, inputs: torch.Tensor, state: State, held: Held | None = None) -> tuple[torch.Tensor, State]:
        """One step from the first layer's input products, (batch, gates * hidden)."""
        advance, summed, groups = self._cell.advance, self._cell.summed, len(self._widths)
        after: list[torch.Tensor] = []
        x = torch.split_with_sizes(inputs, self._widths, 1)
        for index, (product, (layer, widths)) in enumerate(zip(self._products, self._splits, strict=True)):
            before = state[layer]
            h, *memories = advance(list(map(torch.add, x[:summed], before[:summed])), *x[summed:], *before[summed:])
            # this layer's recurrent product, then the input product of the layer above
            sums = held[index].apply(h, product) if held and index in held else product(h)
            parts = torch.split_with_sizes(sums, widths, 1)
            after += parts[:groups]
            after += memories
            x = parts[groups:]
        return x[0], tuple(after)
