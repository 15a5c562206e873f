"""A name classifier laid out for speed: all its members and directions take each step of time together.

`NameClassifier` calls `nn.GRU` once for each member and batch, and reads 32-bit weights from memory at every letter.
A `FastClassifier` computes the same numbers from the same weights, but

- the members of an average and the two directions are one stack; the backward direction runs forward over each name
  reversed. For a few names the whole stack takes each step together, so that it costs one round of small operations
  and not one for each; for many, one of the stack after the other reads them all, in what the processor's cache holds;
- the first layer's input product is a table of 128 rows;
- products are in 8-bit integers where that is faster here (see `stepper`), and exact row by row then. What a layer
  hands to the next is kept as those; hidden states are 127 times as large throughout.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence

import torch

from charplay.data.batches import Padded
from charplay.data.text import VOCABULARY_SIZE
from charplay.inference.quantized import CELL_STEPS, MAX_INTEGER, Int8Product, fastest_product, to_float_in_place
from charplay.models.networks import NameClassifier

MIN_ROWS_PER_NETWORK = 128  # names of a batch, from which on one of the stack after the other reads them
# hidden states (part of the stack, rows, in) and what is added to each part of the product -> those sums
Product = Callable[..., list[torch.Tensor]]
# part of the stack -> step of time -> what it reads there, (part of the stack, active rows, gates)
Inputs = Callable[[slice], Callable[[int], torch.Tensor]]


class _Int8Stack:
    """Products of a stack of weights with the hidden states of each, in 8-bit integers."""

    dtype = torch.int8  # of hidden states, as the product reads them

    def __init__(self, weights: Sequence[torch.Tensor]):
        products = [Int8Product(weight, weight.new_zeros(weight.shape[0])) for weight in weights]
        self._weights = [product.weight for product in products]
        self._scales = torch.stack([product.scale for product in products])[:, None]  # (stack, 1, out)

    def hold(self, h: torch.Tensor, held: torch.Tensor) -> None:
        """Writes hidden states into `held` as the product reads them."""
        held.copy_(h.round())

    def of(self, which: slice, widths: list[int]) -> Product:
        """The products of part of the stack, cut into parts of these widths."""
        weights, scales = self._weights[which], self._scales[which].split_with_sizes(widths, -1)

        def product(held: torch.Tensor, *others: torch.Tensor) -> list[torch.Tensor]:
            whole = torch.empty(*held.shape[:2], sum(widths), dtype=torch.int32)
            for row, weight, out in zip(held, weights, whole, strict=True):
                torch._int_mm(row, weight, out=out)
            parts = to_float_in_place(whole).split_with_sizes(widths, -1)
            return [
                torch.addcmul(other, part, scale, out=part)
                for other, part, scale in zip(others, parts, scales, strict=True)
            ]

        return product


class _FloatStack:
    """The same in float32, as one batched product."""

    dtype = torch.float32

    def __init__(self, weights: Sequence[torch.Tensor]):
        self._weights = torch.stack(list(weights)).transpose(1, 2) / MAX_INTEGER

    def hold(self, h: torch.Tensor, held: torch.Tensor) -> None:
        """Writes hidden states into `held` as the product reads them."""
        held.copy_(h)

    def of(self, which: slice, widths: list[int]) -> Product:
        """The products of part of the stack, cut into parts of these widths."""
        weights = self._weights[which]

        def product(held: torch.Tensor, *others: torch.Tensor) -> list[torch.Tensor]:
            parts = torch.bmm(held, weights).split_with_sizes(widths, -1)
            return [part.add_(other) for other, part in zip(others, parts, strict=True)]

        return product


class FastClassifier:
    """`Reader(model)(padded)` is `model(padded.codes, padded.lengths)`, sooner."""

    @torch.no_grad()
    def __init__(self, model: NameClassifier, is_int8: bool | None = None):
        """Lays out `model`; `is_int8` None: whichever product is faster here."""
        self._config, members = model.config, model.ensemble_members
        suffixes = ("", "_reverse") if self._config.bidirectional else ("",)
        self._directions, self._members = len(suffixes), len(members)
        self._cell = CELL_STEPS[self._config.cell]

        def stack(kind: str, layer: int) -> list[torch.Tensor]:
            """(direction, member) flattened: the forward direction of each member, then the backward."""
            return [
                self._cell.doubled(getattr(member.rnn, f"{kind}_l{layer}{suffix}"))
                for suffix in suffixes
                for member in members
            ]

        if is_int8 is None:
            is_int8 = fastest_product() is Int8Product
        self._product = _Int8Stack if is_int8 else _FloatStack
        size = self._config.hidden_size
        self._parts = [part * size for part in self._cell.parts[: self._cell.summed]]  # widths, of the gates' sums
        summed, gates = sum(self._parts), size * sum(self._cell.parts)
        self._gates = [gates]
        self._widths = [summed, gates - summed] if summed < gates else [summed]
        embeddings = torch.stack([member.embedding.weight for member in members] * self._directions)
        self._offsets = torch.arange(len(embeddings))[:, None] * VOCABULARY_SIZE
        self._inputs, self._recurrent = [], []
        for layer in range(self._config.layers):
            bias_ih, bias_hh = (torch.stack(stack(kind, layer))[:, None] for kind in ("bias_ih", "bias_hh"))
            bias_ih[..., :summed] += bias_hh[..., :summed]  # of what is a sum, once and for all
            if layer:
                self._inputs.append((self._product(stack("weight_ih", layer)), bias_ih))
            else:
                weight = torch.stack(stack("weight_ih", 0)).transpose(1, 2)
                # (stack * 128, gates * hidden): the codes of number k of the stack begin at row 128 k
                self._table = torch.baddbmm(bias_ih, embeddings, weight).flatten(0, 1)
            apart = [bias_hh[..., summed:]] if summed < gates else []
            self._recurrent.append((self._product(stack("weight_hh", layer)), apart))
        last = torch.stack([member.linear.weight for member in members]) / (len(members) * MAX_INTEGER)
        # (members, classes, features of both directions) -> (direction and member, features of one, classes)
        last = last.unflatten(-1, (-1, self._directions, size)).permute(3, 0, 2, 4, 1)
        self._last = last.reshape(len(embeddings), -1, last.shape[-1])
        self._last_bias = torch.stack([member.linear.bias for member in members]).mean(0)

    @torch.inference_mode()
    def __call__(self, padded: Padded) -> torch.Tensor:
        """Logits (batch, classes) of a padded batch, rows in any order."""
        lengths, order = padded.lengths.sort(descending=True, stable=True)
        batch, time = len(lengths), int(lengths[0])  # columns that no name of the batch reaches are not read
        # Where a direction's step t of each row lies in the padded batch, and back: reversing twice is nothing.
        forward = torch.arange(time)[:, None].expand(time, batch)
        backward = (lengths - 1 - forward).clamp(min=0)
        steps = [forward, backward][: self._directions]
        codes = padded.codes[order, :time].t()  # (time, batch)
        own = torch.cat([codes.gather(0, step)[:, None].expand(-1, self._members, -1) for step in steps], 1)
        rows = own + self._offsets  # (time, stack, batch), into the table
        active = (lengths > torch.arange(time)[:, None]).sum(1).tolist()

        def first(which: slice) -> Callable[[int], torch.Tensor]:
            def read(t: int) -> torch.Tensor:
                below = rows[t, which, : active[t]]
                return self._table.index_select(0, below.flatten()).view(*below.shape, -1)

            return read

        inputs = first
        for layer in range(1, self._config.layers):
            outputs = self._outputs(layer - 1, active, inputs)
            inputs = self._inputs_of(layer, active, outputs, (backward * batch + torch.arange(batch)).flatten())
        logits = self._last_bias.repeat(batch, 1)
        for which in self._groups(batch):
            logits += torch.bmm(self._features(which, active, lengths, inputs), self._last[which]).sum(0)
        return torch.empty_like(logits).index_copy_(0, order, logits)

    def _inputs_of(self, layer: int, active: list[int], outputs: torch.Tensor, turned: torch.Tensor) -> Inputs:
        """What a layer above the first reads.

        Args:
            outputs: of the layer below, (stack, time, batch, hidden).
            turned: where in the other direction's (time * batch) each of one direction's lies.
        """
        stacked, bias = self._inputs[layer - 1]

        def read(which: slice) -> Callable[[int], torch.Tensor]:
            product, joined, added = stacked.of(which, self._gates), self._join(outputs, turned, which), bias[which]
            if active[0] >= MIN_ROWS_PER_NETWORK:
                return lambda t: product(joined[:, t, : active[t]], added)[0]
            x = product(joined.flatten(1, 2), added)[0].view(*joined.shape[:3], -1)
            return lambda t: x[:, t, : active[t]]

        return read

    def _groups(self, batch: int) -> list[slice]:
        """The parts of the stack that take their steps one after the other."""
        stack = len(self._offsets)
        return (
            [slice(0, stack)]
            if batch < MIN_ROWS_PER_NETWORK
            else [slice(number, number + 1) for number in range(stack)]
        )

    def _steps(
        self, layer: int, which: slice, active: list[int], inputs: Inputs, held: torch.Tensor
    ) -> Iterator[torch.Tensor]:
        """Hidden states after each step, (which, active rows, hidden).

        Args:
            held: (which, steps, batch, hidden), which becomes the same as products read them; of one step if none but
                the recurrent product reads it.
        """
        stacked, apart = self._recurrent[layer]
        product, apart, read = stacked.of(which, self._widths), [bias[which] for bias in apart], inputs(which)
        memories = [torch.zeros(len(held), active[0], self._config.hidden_size)] * self._cell.memories
        for t, count in enumerate(active):
            summed, *own = read(t).split_with_sizes(self._widths, -1)
            kept = apart
            if t:
                summed, *kept = product(held[:, (t - 1) % held.shape[1], :count], summed, *apart)
            memories = [memory[:, :count] for memory in memories]
            h, *memories = self._cell.advance(summed.split_with_sizes(self._parts, -1), *own, *kept, *memories)
            stacked.hold(h, held[:, t % held.shape[1], :count])
            yield h

    def _outputs(self, layer: int, active: list[int], inputs: Inputs) -> torch.Tensor:
        """Of a layer below another, as products read them: (stack, time, batch, hidden), 0 at pads."""
        shape = len(self._offsets), len(active), active[0], self._config.hidden_size
        outputs = torch.zeros(shape, dtype=self._product.dtype)
        for which in self._groups(active[0]):
            for _ in self._steps(layer, which, active, inputs, outputs[which]):
                pass
        return outputs

    def _join(self, outputs: torch.Tensor, turned: torch.Tensor, which: slice) -> torch.Tensor:
        """Both directions' outputs side by side, each time in the order that this part of the stack reads in."""
        if self._directions == 1:
            return outputs[which]
        stack, time, batch, size = outputs.shape
        numbers = range(stack)[which]
        joined = outputs.new_empty(len(numbers), time, batch, 2 * size)
        for number, out in zip(numbers, joined, strict=True):
            own, both = number // self._members, outputs[number % self._members :: self._members].flatten(1, 2)
            halves = out.view(-1, 2, size)  # (time * batch, direction, hidden)
            halves[:, own] = both[own]
            torch.index_select(both[1 - own], 0, turned, out=halves[:, 1 - own])
        return joined

    def _features(self, which: slice, active: list[int], lengths: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """What the linear layers read of the last layer, (which, batch, features), as `NameClassifier` makes it."""
        shape, layer = (len(self._last[which]), active[0], self._config.hidden_size), self._config.layers - 1
        held = torch.empty(shape[0], 1, *shape[1:], dtype=self._product.dtype)
        last, largest, total = torch.empty(shape), torch.full(shape, -torch.inf), torch.zeros(shape)
        for h, go_on in zip(self._steps(layer, which, active, inputs, held), [*active[1:], 0], strict=True):
            rows = h.shape[1]
            last[:, go_on:rows] = h[:, go_on:]  # of the names that end here
            if self._config.pooling:
                torch.maximum(largest[:, :rows], h, out=largest[:, :rows])
                total[:, :rows] += h
        return torch.cat([last, largest, total / lengths[:, None]], -1) if self._config.pooling else last


_PREPARED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


def fast_classifier_of(model: NameClassifier) -> FastClassifier:
    """The model's reader, laid out once for as long as the model lives."""
    if model not in _PREPARED:
        _PREPARED[model] = FastClassifier(model)
    return _PREPARED[model]
