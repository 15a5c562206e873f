"""A language model laid out for running one character at a time, for many texts at once.

The job of a `QuantizedStep` is to do with as few and as cheap products as possible what `CharLM` does at one time step:

- the first layer's input product depends on the character alone: it is a table of 128 rows;
- each layer's recurrent matrix and the next layer's input matrix (the linear layer, after the last) read the same
  hidden states, so they are stacked and make one product; its recurrent half is kept for the next step;
- hidden states lie in (-1, 1), so they are kept 127 times as large and rounded to whole numbers for the products, and
  the weights to as many, by a scale for each output row. Sums of whole numbers are exact: a text does not depend on
  who else is in the batch.

Processors differ in what they multiply whole numbers fastest as: 8-bit integers, or floating-point numbers that hold
them exactly. The sums are the same, and what is fastest here is found by trying.
"""

import functools
import time
from collections.abc import Callable, Sequence
from typing import NamedTuple

import torch
from torch import nn
from torch.nn import functional

from charplay.data.text import VOCABULARY_SIZE
from charplay.models.networks import CharLM

State = tuple[torch.Tensor, ...]  # all that a step hands to the next; every tensor is (batch, something)
TRIALS = 20  # of each kind of product, to see which is fastest
TRIAL_ROWS, TRIAL_WEIGHT_SHAPE = 64, (1536, 512)  # of texts, and (out, in)
MAX_INTEGER = torch.tensor(127.0)  # of a whole number; a tensor, which costs a small step less than a Python number
MIN_INTEGER = -MAX_INTEGER
TWICE_UNSCALED = 2 / MAX_INTEGER  # times a memory, which is 127 times as large: twice what it is
MAX_EXACT_FLOAT = 2**24  # up to which float32 holds every whole number


def to_float_in_place(whole: torch.Tensor) -> torch.Tensor:
    """int32 -> the same numbers in float32, in the same memory: what is read again at once stays in the cache."""
    return whole.view(torch.float32).copy_(whole)


class IntegerProduct:
    """h W^T + b for x = 127 h, in whole numbers; each row of the result depends on its own row of x alone."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor):
        # A row's largest weight becomes 127, or less where the sum over that row might not be exact in float32.
        rows = weight.abs()
        may_sum = (
            MAX_EXACT_FLOAT / MAX_INTEGER - weight.shape[1]
        )  # of a row's whole numbers; rounding adds at most a half to each
        steps = torch.minimum(MAX_INTEGER / rows.amax(1).clamp(min=1e-12), may_sum / rows.sum(1).clamp(min=1e-12))
        self.prepare((weight * steps[:, None]).round())
        self.scale = 1 / steps / MAX_INTEGER  # the weights' for each row, times the states'
        self.bias = bias

    def prepare(self, weight: torch.Tensor) -> None:
        """Keeps the weight, float32 (out, in) of whole numbers, as `sums` wants it."""
        raise NotImplementedError

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        """x float32 (batch, in) of whole numbers -> float32 (batch, out), exact, and the caller's to overwrite."""
        raise NotImplementedError

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        """x float32 (batch, in), within -127 to 127 -> float32 (batch, out)."""
        sums = self.sums(x.round())
        return torch.addcmul(self.bias, sums, self.scale, out=sums)


class Int8Product(IntegerProduct):
    """In 8-bit integers, for processors with instructions for them."""

    def prepare(self, weight: torch.Tensor) -> None:
        # The view of a row-major (out, in) matrix: made contiguous it would be many times slower.
        self.weight = weight.to(torch.int8).t()

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        return to_float_in_place(torch._int_mm(x.char(), self.weight))


class HalfProduct(IntegerProduct):
    """In float32, the weights kept in half precision: half as much comes from memory, which is what one text costs."""

    def prepare(self, weight: torch.Tensor) -> None:
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight, None)

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        return torch.ops.quantized.linear_dynamic_fp16(x, self._packed)


class FloatProduct(IntegerProduct):
    """In float32 throughout, which every processor has."""

    def prepare(self, weight: torch.Tensor) -> None:
        self._weight = weight

    def sums(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self._weight)


class UnroundedProduct:
    """h W^T + b for x = 127 h as the network itself computes it, to rounding."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor):
        self._weight, self._bias = weight / MAX_INTEGER, bias

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return functional.linear(x, self._weight, self._bias)


Product = type[IntegerProduct] | type[UnroundedProduct]


def has_half_products() -> bool:
    """Whether PyTorch multiplies weights in half precision here."""
    return torch.backends.quantized.engine in ("x86", "fbgemm")


def is_exact(kind: type[IntegerProduct], outputs: int, inputs: int) -> bool:
    """Whether its sums are right here: some processors let those of large 8-bit numbers overflow in silence."""
    generator = torch.Generator().manual_seed(0)
    x, weight = (
        torch.randint(0, 2, (rows, inputs), generator=generator).float() * 254 - 127 for rows in (TRIAL_ROWS, outputs)
    )
    product = kind(weight, torch.zeros(outputs))
    return torch.equal(product.sums(x).double(), x.double() @ weight.double().t())


@functools.cache
def available_products() -> list[type[IntegerProduct]]:
    """The kinds of product that can be taken here."""
    outputs, inputs = TRIAL_WEIGHT_SHAPE
    kinds = [Int8Product, *([HalfProduct] if has_half_products() else []), FloatProduct]
    return [kind for kind in kinds if is_exact(kind, outputs, inputs)]


@functools.cache
def fastest_product() -> type[IntegerProduct]:
    """Which product is fastest here, by trying each on a batch of the size that a class makes."""
    outputs, inputs = TRIAL_WEIGHT_SHAPE
    weight, x = torch.ones(outputs, inputs), torch.ones(TRIAL_ROWS, inputs)
    tried = {kind: kind(weight, torch.zeros(outputs)) for kind in available_products()}
    seconds = {kind: [] for kind in tried}
    for _ in range(TRIALS):  # in turn, and the best of each counts: what else the machine does slows some of them down
        for kind, product in tried.items():
            start = time.perf_counter()
            product(x)
            seconds[kind].append(time.perf_counter() - start)
    return min(tried, key=lambda kind: min(seconds[kind]))


Parts = Sequence[torch.Tensor]  # of the gates, each (..., its width)


def _tanh_of_half(x: torch.Tensor) -> torch.Tensor:
    """127 tanh(x / 2), as 254 sigmoid(x) - 127, x being overwritten: PyTorch's tanh takes several times as long."""
    return torch.add(MIN_INTEGER, x.sigmoid_(), alpha=254)


def _rnn(summed: Parts) -> tuple[torch.Tensor, ...]:
    return (_tanh_of_half(summed[0]),)


def _gru(summed: Parts, x: torch.Tensor, kept: torch.Tensor, h: torch.Tensor) -> tuple[torch.Tensor, ...]:
    reset, update = summed[0].sigmoid_().chunk(2, -1)
    h = torch.lerp(_tanh_of_half(torch.addcmul(x, reset, kept)), h, update)
    return h, h


def _lstm(summed: Parts, c: torch.Tensor) -> tuple[torch.Tensor, ...]:
    let_in, forget = summed[0].sigmoid_().chunk(2, -1)
    c = torch.addcmul(forget * c, let_in, _tanh_of_half(summed[1]))
    return summed[2].sigmoid_() * _tanh_of_half(c * TWICE_UNSCALED), c


class Cell(NamedTuple):
    """How one kind of layer goes on from one step to the next, once its products are there."""

    # parts that are sums of input and recurrent product, which it overwrites; the input's and the recurrent part that
    # stay apart, if one does; memories -> the hidden state, and the memories, all of them 127 times as large
    advance: Callable[..., tuple[torch.Tensor, ...]]
    parts: tuple[int, ...]  # widths of the gates that are taken together, in hidden sizes
    summed: int  # how many of the parts are sums
    memories: int  # what is remembered besides the recurrent parts: h itself in a GRU, c in an LSTM
    halved: int  # the gate that `advance` takes the tanh of, by its number; it wants twice what the network computes

    def doubled(self, rows: torch.Tensor) -> torch.Tensor:
        """A layer's weights (gates * hidden, in) or biases (gates * hidden,) with those of that gate doubled."""
        gates = rows.detach().clone().chunk(sum(self.parts))
        gates[self.halved].mul_(2)
        return torch.cat(gates)


CELL_STEPS = {
    "rnn": Cell(_rnn, (1,), 1, 0, halved=0),
    "gru": Cell(_gru, (2, 1), 1, 1, halved=2),
    "lstm": Cell(_lstm, (2, 1, 1), 3, 1, halved=2),
}


class QuantizedStep:
    """Runs a language model one character at a time for many texts: the state before them, and one step of all."""

    @torch.no_grad()
    def __init__(self, model: CharLM, product: Product | None = None):
        """Lays out `model`; `product` None: the fastest kind here."""
        rnn: nn.RNNBase = model.rnn
        self._cell = CELL_STEPS[model.config.cell]
        layers = [
            [
                self._cell.doubled(getattr(rnn, f"{kind}_l{layer}"))
                for kind in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
            ]
            for layer in range(rnn.num_layers)
        ]
        after = [(weight, bias) for weight, bias, _, _ in layers[1:]] + [(model.linear.weight, model.linear.bias)]
        stacked = [
            (torch.cat([weight_hh, weight]), torch.cat([bias_hh, bias]))
            for (_, _, weight_hh, bias_hh), (weight, bias) in zip(layers, after, strict=True)
        ]
        self.product = product or fastest_product()
        self._products = [self.product(weight, bias) for weight, bias in stacked]
        self._widths = [part * rnn.hidden_size for part in self._cell.parts]
        self._table = functional.linear(model.embedding.weight, layers[0][0], layers[0][1])  # (128, gates * hidden)
        self._first_state = []
        for _, _, _, bias_hh in layers:
            memories = [bias_hh.new_zeros(rnn.hidden_size)] * self._cell.memories
            self._first_state += [*bias_hh.split(self._widths), *memories]
        per_layer = len(self._widths) + self._cell.memories
        # Of each layer: where its own lies in a state, and the widths that its product is cut into.
        self._layout = [
            (slice(layer * per_layer, (layer + 1) * per_layer), [*self._widths, *above])
            for layer, above in enumerate([self._widths] * len(layers[1:]) + [[VOCABULARY_SIZE]])
        ]

    def initial_state(self, batch: int) -> State:
        """The state before the first character of `batch` texts."""
        return tuple(row.repeat(batch, 1) for row in self._first_state)

    def step(self, codes: torch.Tensor, state: State) -> tuple[torch.Tensor, State]:
        """Reads codes int64 (batch,) -> logits (batch, 128) for the next characters, and the state after them."""
        advance, cut, parts, after = self._cell.advance, self._cell.summed, len(self._widths), []
        x = torch.split_with_sizes(self._table.index_select(0, codes), self._widths, 1)
        for product, (own, widths) in zip(self._products, self._layout, strict=True):
            kept = state[own]
            h, *memories = advance(list(map(torch.add, x[:cut], kept[:cut])), *x[cut:], *kept[cut:])
            both = torch.split_with_sizes(product(h), widths, 1)  # its own recurrent product, and what reads h next
            after += both[:parts]
            after += memories
            x = both[parts:]
        return x[0], tuple(after)
