"""A name classifier laid out for speed: all its members and directions take each step of time together.

`NameClassifier` calls `nn.GRU` once for each member and batch, and reads 32-bit weights from memory at every letter.
A `Reader` computes the same numbers from the same weights, but

- the members of an average and the two directions are one stack, so that a step costs one round of small operations
  and not eight; the backward direction runs forward over each name reversed;
- the first layer's input product is a table of 128 rows, the other layers' is one product over all steps of time;
- products are in 8-bit integers where that is faster here (see `stepper`), and exact row by row then.
"""

import weakref
from collections.abc import Sequence

import torch

from charplay.batches import Padded
from charplay.models import NameClassifier
from charplay.stepper import CELL_STEPS, LARGEST, Int8Product, fastest_product
from charplay.text import CODES


class _Int8Stack:
    """(stack, rows, in) -> (stack, rows, out), each of the stack by its own weight and bias, in 8-bit integers."""

    def __init__(self, weights: Sequence[torch.Tensor], biases: torch.Tensor):
        products = [Int8Product(weight, weight.new_zeros(weight.shape[0])) for weight in weights]
        self._weights = [product.weight for product in products]
        self._scales = torch.stack([product.scale for product in products])[:, None]  # (stack, 1, out)
        self._biases = biases[:, None]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        rounded = torch.mul(x, LARGEST).round_().char()
        whole = torch.empty(*x.shape[:2], self._scales.shape[2], dtype=torch.int32)
        for row, weight, out in zip(rounded, self._weights, whole, strict=True):
            torch._int_mm(row, weight, out=out)
        return torch.addcmul(self._biases, whole.float(), self._scales)


class _FloatStack:
    """The same in float32, as one batched product."""

    def __init__(self, weights: Sequence[torch.Tensor], biases: torch.Tensor):
        self._weights, self._biases = torch.stack(list(weights)).transpose(1, 2), biases[:, None]

    def __call__(self, x: torch.Tensor) -> torch.Tensor:
        return torch.baddbmm(self._biases, x, self._weights)


class Reader:
    """`Reader(model)(padded)` is `model(padded.codes, padded.lengths)`, sooner."""

    @torch.no_grad()
    def __init__(self, model: NameClassifier, is_int8: bool | None = None):
        """Lays out `model`; `is_int8` None: whichever product is faster here."""
        self._config, members = model.config, [model, *model.others]
        suffixes = ("", "_reverse") if self._config.bidirectional else ("",)
        self._directions, self._members = len(suffixes), len(members)

        def stack(kind: str, layer: int) -> list[torch.Tensor]:
            """(direction, member) flattened: the forward direction of each member, then the backward."""
            return [getattr(member.rnn, f"{kind}_l{layer}{suffix}") for suffix in suffixes for member in members]

        if is_int8 is None:
            is_int8 = fastest_product() is Int8Product
        self._product = _Int8Stack if is_int8 else _FloatStack
        embeddings = torch.stack([member.embedding.weight for member in members] * self._directions)
        first = torch.stack(stack("weight_ih", 0)).transpose(1, 2)
        # (stack * 128, gates * hidden): the codes of number k of the stack begin at row 128 k
        self._table = torch.baddbmm(torch.stack(stack("bias_ih", 0))[:, None], embeddings, first).flatten(0, 1)
        self._offsets = torch.arange(len(embeddings))[:, None] * CODES
        self._inputs, self._recurrent = [], []
        for layer in range(self._config.layers):
            if layer:
                self._inputs.append(self._product(stack("weight_ih", layer), torch.stack(stack("bias_ih", layer))))
            biases = torch.stack(stack("bias_hh", layer))
            self._recurrent.append((self._product(stack("weight_hh", layer), biases), biases[:, None]))
        self._last = torch.stack([member.linear.weight for member in members]).transpose(1, 2)
        self._last_bias = torch.stack([member.linear.bias for member in members])[:, None]
        self._cell = CELL_STEPS[self._config.cell]
        self._widths = [part * self._config.hidden_size for part in self._cell.parts]

    @torch.inference_mode()
    def __call__(self, padded: Padded) -> torch.Tensor:
        """Logits (batch, classes) of a padded batch, rows in any order."""
        lengths, order = padded.lengths.sort(descending=True, stable=True)
        batch, time = padded.codes.shape
        # Where a direction's step t of each row lies in the padded batch, and back: reversing twice is nothing.
        forward = torch.arange(time)[:, None].expand(time, batch)
        backward = (lengths - 1 - forward).clamp(min=0)
        steps = [forward, backward][: self._directions]
        codes = padded.codes[order].t()  # (time, batch)
        own = torch.cat([codes.gather(0, step)[:, None].expand(-1, self._members, -1) for step in steps], 1)
        rows = own + self._offsets  # (time, stack, batch), into the table
        active = (lengths > torch.arange(time)[:, None]).sum(1).tolist()
        outputs = self._run(0, active, [self._table[rows[t, :, :count]] for t, count in enumerate(active)])
        for layer in range(1, self._config.layers):
            x = self._inputs[layer - 1](self._join(outputs, backward).flatten(1, 2))
            x = x.view(len(outputs), time, batch, -1)
            outputs = self._run(layer, active, [x[:, t, :count] for t, count in enumerate(active)])
        logits = torch.baddbmm(self._last_bias, self._features(outputs, lengths), self._last).mean(0)
        return torch.empty_like(logits).index_copy_(0, order, logits)

    def _run(self, layer: int, active: list[int], x: list[torch.Tensor]) -> torch.Tensor:
        """One layer over inputs (stack, active rows, gates) -> outputs (stack, time, batch, hidden), 0 at pads."""
        product, kept = self._recurrent[layer]
        stack, batch, size = kept.shape[0], active[0], self._config.hidden_size
        outputs = kept.new_zeros(stack, len(active), batch, size)
        kept, memories = kept.expand(-1, batch, -1), [kept.new_zeros(stack, batch, size)] * self._cell.memories
        for t, count in enumerate(active):
            h, *memories = self._cell.advance(
                x[t].split_with_sizes(self._widths, -1),
                kept[:, :count].split_with_sizes(self._widths, -1),
                *(memory[:, :count] for memory in memories),
            )
            outputs[:, t, :count] = h
            if t + 1 < len(active):
                kept = product(h[:, : active[t + 1]])
        return outputs

    def _join(self, outputs: torch.Tensor, backward: torch.Tensor) -> torch.Tensor:
        """What each direction of the next layer reads: both directions' outputs, in its own order of time."""
        if self._directions == 1:
            return outputs
        turned = outputs.gather(1, backward[None, :, :, None].expand_as(outputs))
        ahead, back = outputs.chunk(2)
        ahead_turned, back_turned = turned.chunk(2)
        return torch.cat([torch.cat([ahead, back_turned], -1), torch.cat([ahead_turned, back], -1)])

    def _features(self, outputs: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """What the linear layers read, (members, batch, features), as `NameClassifier` makes it."""
        stack, time, batch, size = outputs.shape
        last = (lengths - 1)[None, None, :, None].expand(stack, 1, batch, size)
        features = [outputs.gather(1, last)[:, 0]]
        if self._config.pooling:
            is_pad = torch.arange(time)[:, None] >= lengths  # (time, batch)
            features.append(outputs.masked_fill(is_pad[:, :, None], -torch.inf).amax(1))
            features.append(outputs.sum(1) / lengths[:, None])
        # (stack, batch, hidden) -> the directions of a member side by side
        return torch.cat([part for feature in features for part in feature.chunk(self._directions)], -1)


_READERS: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def reader_of(model: NameClassifier) -> Reader:
    """The model's reader, laid out once for as long as the model lives."""
    if model not in _READERS:
        _READERS[model] = Reader(model)
    return _READERS[model]
