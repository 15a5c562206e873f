"""The fast classifier: both directions of a name classifier take each step of time together.

`NameClassifier` calls `nn.GRU`, which reads float32 weights from memory at every character. A `FastClassifier` computes
the same logits from the same weights, but

- the two directions form one stack; the backward direction runs forward over reversed names. For a few names the whole
  stack takes each step together, one round of small operations for both. For many names one entry of the stack after
  the other runs over all of them, which fits the processor's cache;
- the first layer's input product is a table of a row a character for each entry;
- products are in int8 where that is faster on this processor (see `quantized`), and then each row is exact. Hidden
  states are scaled by 127 throughout, and the outputs that a layer hands to the next are stored as the products read
  them.
"""

import weakref
from collections.abc import Callable, Iterator, Sequence

import torch

from charplay.data.batches import Padded
from charplay.inference.quantized import CELL_STEPS, MAX_QUANTIZED, Int8Product, fastest_product, to_float_in_place
from charplay.models.networks import NameClassifier

MIN_ROWS_PER_ENTRY = 128  # names in a batch from which on the entries of the stack run one after the other
# (hidden states (entries, rows, in), an addend for each part of the product) -> the sums, (entries, rows, width) each
Product = Callable[..., list[torch.Tensor]]
# entries of the stack -> step of time -> a layer's input products, (entries, active rows, gates * hidden)
Inputs = Callable[[slice], Callable[[int], torch.Tensor]]


class _Int8Stack:
    """The products of a stack of weights with the hidden states of each entry, in int8."""

    dtype = torch.int8  # of stored hidden states

    def __init__(self, weights: Sequence[torch.Tensor]):
        products = [Int8Product(weight, weight.new_zeros(weight.shape[0])) for weight in weights]
        self._weights = [product.weight for product in products]
        self._scales = torch.stack([product.scale for product in products])[:, None]  # (stack, 1, out)

    def store(self, h: torch.Tensor, out: torch.Tensor) -> None:
        """Writes hidden states into `out` in the format that the product reads."""
        out.copy_(h.round())

    def product(self, entries: slice, widths: list[int]) -> Product:
        """The products of some entries of the stack, split into parts of these widths."""
        weights, scales = self._weights[entries], self._scales[entries].split_with_sizes(widths, -1)

        def product(states: torch.Tensor, *addends: torch.Tensor) -> list[torch.Tensor]:
            integers = torch.empty(*states.shape[:2], sum(widths), dtype=torch.int32)
            for rows, weight, out in zip(states, weights, integers, strict=True):
                torch._int_mm(rows, weight, out=out)
            parts = to_float_in_place(integers).split_with_sizes(widths, -1)
            return [
                torch.addcmul(addend, part, scale, out=part)
                for addend, part, scale in zip(addends, parts, scales, strict=True)
            ]

        return product


class _FloatStack:
    """The same in float32, as one batched product."""

    dtype = torch.float32

    def __init__(self, weights: Sequence[torch.Tensor]):
        self._weights = torch.stack(list(weights)).transpose(1, 2) / MAX_QUANTIZED

    def store(self, h: torch.Tensor, out: torch.Tensor) -> None:
        """Writes hidden states into `out` in the format that the product reads."""
        out.copy_(h)

    def product(self, entries: slice, widths: list[int]) -> Product:
        """The products of some entries of the stack, split into parts of these widths."""
        weights = self._weights[entries]

        def product(states: torch.Tensor, *addends: torch.Tensor) -> list[torch.Tensor]:
            parts = torch.bmm(states, weights).split_with_sizes(widths, -1)
            return [part.add_(addend) for addend, part in zip(addends, parts, strict=True)]

        return product


class FastClassifier:
    """`FastClassifier(model)(padded)` equals `model(padded.codes, padded.lengths)` and is faster.

    The stack holds the forward direction, then the backward one.
    """

    @torch.no_grad()
    def __init__(self, model: NameClassifier, is_int8: bool | None = None):
        """Prepares the weights of `model`; `is_int8` None: whichever product is faster on this processor."""
        self._config = model.config
        suffixes = ("", "_reverse") if self._config.bidirectional else ("",)
        self._directions = len(suffixes)
        self._cell = CELL_STEPS[self._config.cell]

        def stack(kind: str, layer: int) -> list[torch.Tensor]:
            """One layer's weights or biases, for each entry."""
            return [self._cell.double_tanh_gate(getattr(model.rnn, f"{kind}_l{layer}{suffix}")) for suffix in suffixes]

        if is_int8 is None:
            is_int8 = fastest_product() is Int8Product
        self._stack_type = _Int8Stack if is_int8 else _FloatStack
        size = self._config.hidden_size
        # Widths of the groups of gates that are sums of input and recurrent product.
        self._group_widths = [group * size for group in self._cell.groups[: self._cell.summed]]
        summed, gates = sum(self._group_widths), size * sum(self._cell.groups)
        self._input_widths = [gates]
        self._recurrent_widths = [summed, gates - summed] if summed < gates else [summed]
        embeddings = model.embedding.weight.expand(self._directions, -1, -1)
        self._offsets = torch.arange(len(embeddings))[:, None] * embeddings.shape[1]  # of each entry in `_input_table`
        self._inputs, self._recurrent = [], []
        for layer in range(self._config.layers):
            bias_ih, bias_hh = (torch.stack(stack(kind, layer))[:, None] for kind in ("bias_ih", "bias_hh"))
            bias_ih[..., :summed] += bias_hh[..., :summed]  # where the products are summed, so are the biases
            if layer:
                self._inputs.append((self._stack_type(stack("weight_ih", layer)), bias_ih))
            else:
                weight = torch.stack(stack("weight_ih", 0)).transpose(1, 2)
                # (stack * vocabulary, gates * hidden): the characters of entry k are the rows from k * vocabulary
                self._input_table = torch.baddbmm(bias_ih, embeddings, weight).flatten(0, 1)
            separate_bias = [bias_hh[..., summed:]] if summed < gates else []
            self._recurrent.append((self._stack_type(stack("weight_hh", layer)), separate_bias))
        # (classes, features of both directions) -> (directions, features of one, classes)
        linear = (model.linear.weight / MAX_QUANTIZED).unflatten(-1, (-1, self._directions, size)).permute(2, 1, 3, 0)
        self._linear = linear.reshape(self._directions, -1, linear.shape[-1])
        self._linear_bias = model.linear.bias

    def __call__(self, padded: Padded) -> torch.Tensor:
        """Logits (batch, classes) of a padded batch, rows in any order."""
        return self.run(padded)[0]

    @torch.inference_mode()
    def run(self, padded: Padded) -> tuple[torch.Tensor, torch.Tensor]:
        """The same logits, and the forward state of the last layer after each row, (batch, hidden)."""
        lengths, order = padded.lengths.sort(descending=True, stable=True)
        batch, time = len(lengths), int(lengths[0])  # columns that are padding in every row are not read
        # For each direction and step, the column of each row that is read; `backward` is its own inverse.
        forward = torch.arange(time)[:, None].expand(time, batch)
        backward = (lengths - 1 - forward).clamp(min=0)
        columns = [forward, backward][: self._directions]
        codes = padded.codes[order, :time].t()  # (time, batch)
        stacked = torch.stack([codes.gather(0, step) for step in columns], 1)
        rows = stacked + self._offsets  # of `_input_table`, (time, stack, batch)
        active = (lengths > torch.arange(time)[:, None]).sum(1).tolist()

        def table_inputs(entries: slice) -> Callable[[int], torch.Tensor]:
            def at(t: int) -> torch.Tensor:
                index = rows[t, entries, : active[t]]
                return self._input_table.index_select(0, index.flatten()).view(*index.shape, -1)

            return at

        inputs: Inputs = table_inputs
        for layer in range(1, self._config.layers):
            outputs = self._outputs(layer - 1, active, inputs)
            inputs = self._inputs_of(layer, active, outputs, (backward * batch + torch.arange(batch)).flatten())
        logits = self._linear_bias.repeat(batch, 1)
        for entries in self._groups(batch):
            features = self._features(entries, active, lengths, inputs)
            logits += torch.bmm(features, self._linear[entries]).sum(0)
            if entries.start == 0:  # the forward direction
                states = features[0, :, : self._config.hidden_size] / MAX_QUANTIZED
        logits, states = (torch.empty_like(rows).index_copy_(0, order, rows) for rows in (logits, states))
        return logits, states

    def _inputs_of(self, layer: int, active: list[int], outputs: torch.Tensor, reversal: torch.Tensor) -> Inputs:
        """The input products of a layer above the first.

        Args:
            layer: its number.
            active: rows that have a character at each step.
            outputs: of the layer below, (stack, time, batch, hidden).
            reversal: int64 (time * batch,), for each step and row the index of the same character in the other
                direction's order.
        """
        stack, bias = self._inputs[layer - 1]

        def inputs(entries: slice) -> Callable[[int], torch.Tensor]:
            product, addend = stack.product(entries, self._input_widths), bias[entries]
            joined = self._join_directions(outputs, reversal, entries)
            if active[0] >= MIN_ROWS_PER_ENTRY:
                return lambda t: product(joined[:, t, : active[t]], addend)[0]
            x = product(joined.flatten(1, 2), addend)[0].view(*joined.shape[:3], -1)
            return lambda t: x[:, t, : active[t]]

        return inputs

    def _groups(self, batch: int) -> list[slice]:
        """The groups of entries that take their steps together: all of them, or each by itself."""
        stack = len(self._offsets)
        return [slice(0, stack)] if batch < MIN_ROWS_PER_ENTRY else [slice(entry, entry + 1) for entry in range(stack)]

    def _steps(
        self, layer: int, entries: slice, active: list[int], inputs: Inputs, stored: torch.Tensor
    ) -> Iterator[torch.Tensor]:
        """Yields the hidden states after each step, (entries, active rows, hidden).

        Args:
            layer: its number.
            entries: of the stack.
            active: rows that have a character at each step, longest names first.
            inputs: the layer's input products.
            stored: (entries, time, batch, hidden), filled with the hidden states as products read them; time is 1
                where no layer above reads them.
        """
        stack, separate_bias = self._recurrent[layer]
        product, input_at = stack.product(entries, self._recurrent_widths), inputs(entries)
        separate_bias = [bias[entries] for bias in separate_bias]
        memories = [torch.zeros(len(stored), active[0], self._config.hidden_size)] * self._cell.memories
        for t, count in enumerate(active):
            sums, *separate_input = input_at(t).split_with_sizes(self._recurrent_widths, -1)
            separate_recurrent = separate_bias
            if t:
                before = stored[:, (t - 1) % stored.shape[1], :count]
                sums, *separate_recurrent = product(before, sums, *separate_bias)
            memories = [memory[:, :count] for memory in memories]
            groups = sums.split_with_sizes(self._group_widths, -1)
            h, *memories = self._cell.advance(groups, *separate_input, *separate_recurrent, *memories)
            stack.store(h, stored[:, t % stored.shape[1], :count])
            yield h

    def _outputs(self, layer: int, active: list[int], inputs: Inputs) -> torch.Tensor:
        """All outputs of a layer below another, as products read them: (stack, time, batch, hidden), 0 at pads."""
        shape = len(self._offsets), len(active), active[0], self._config.hidden_size
        outputs = torch.zeros(shape, dtype=self._stack_type.dtype)
        for entries in self._groups(active[0]):
            for _ in self._steps(layer, entries, active, inputs, outputs[entries]):
                pass
        return outputs

    def _join_directions(self, outputs: torch.Tensor, reversal: torch.Tensor, entries: slice) -> torch.Tensor:
        """Both directions' outputs side by side, (entries, time, batch, 2 * hidden), in each entry's order of time."""
        if self._directions == 1:
            return outputs[entries]
        stack, time, batch, size = outputs.shape
        numbers = range(stack)[entries]
        joined = outputs.new_empty(len(numbers), time, batch, 2 * size)
        for number, out in zip(numbers, joined, strict=True):
            both = outputs.flatten(1, 2)  # (2, time * batch, hidden)
            halves = out.view(-1, 2, size)  # (time * batch, direction, hidden)
            halves[:, number] = both[number]
            torch.index_select(both[1 - number], 0, reversal, out=halves[:, 1 - number])
        return joined

    def _features(self, entries: slice, active: list[int], lengths: torch.Tensor, inputs: Inputs) -> torch.Tensor:
        """The inputs of the linear layers, (entries, batch, features); see `NameClassifier.features`."""
        layer, shape = self._config.layers - 1, (len(self._linear[entries]), active[0], self._config.hidden_size)
        stored = torch.empty(shape[0], 1, *shape[1:], dtype=self._stack_type.dtype)
        last, largest, total = torch.empty(shape), torch.full(shape, -torch.inf), torch.zeros(shape)
        steps = self._steps(layer, entries, active, inputs, stored)
        for h, still_active in zip(steps, [*active[1:], 0], strict=True):
            rows = h.shape[1]
            last[:, still_active:rows] = h[:, still_active:]  # of the names that end at this step
            if self._config.pooling:
                torch.maximum(largest[:, :rows], h, out=largest[:, :rows])
                total[:, :rows] += h
        return torch.cat([last, largest, total / lengths[:, None]], -1) if self._config.pooling else last


_CACHE: weakref.WeakKeyDictionary[NameClassifier, FastClassifier] = weakref.WeakKeyDictionary()


def fast_classifier_of(model: NameClassifier) -> FastClassifier:
    """The model's fast classifier, prepared once and cached as long as the model lives."""
    if model not in _CACHE:
        _CACHE[model] = FastClassifier(model)
    return _CACHE[model]
