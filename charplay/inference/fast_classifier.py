"""The fast classifier: a name classifier with its weights prepared, run one step of time after another.

`NameClassifier` calls `nn.GRU`, which reads float32 weights from memory at every character. A `FastClassifier` computes
the same logits from the same weights, but

- the first layer's input product is a table of a row a character for each direction;
- products are in int8 where that is fastest on this processor (see `products`), and then each row is exact;
- all between two products is one compiled function (see `kernels`);
- the backward direction runs forward over reversed names. Hidden states are scaled by 127 throughout, and the outputs
  that a layer hands to the next are stored as the products read them.
"""

import weakref
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
import torch
from torch.nn import functional

from charplay.data.batches import Padded
from charplay.inference.products import (
    MAX_QUANTIZED,
    Array,
    Int8Product,
    Product,
    ProductType,
    UnroundedProduct,
    fastest_product,
)
from charplay.inference.quantized import Columns
from charplay.models.networks import NameClassifier

MIN_ROWS_PER_STEP = 128  # names in a batch from which on input products are computed step by step, to fit the cache
# (step of time, active rows) -> a layer's input products: a matrix, the row of each name, the columns
Inputs = Callable[[int, int], tuple[Array, Array, Columns]]


class _Direction(NamedTuple):
    """One direction of one layer."""

    inputs: Product | None  # None: the first layer's, which are looked up
    recurrent: Product


class FastClassifier:
    """`FastClassifier(model)(padded)` equals `model(padded.codes, padded.lengths)` and is faster."""

    @torch.no_grad()
    def __init__(self, model: NameClassifier, product: ProductType | None = None):
        """Prepares the weights of `model`; `product` None: in int8 where that is fastest on this processor."""
        from charplay.inference import kernels  # only where networks run, as in `quantized`

        self._config = config = model.config
        suffixes = ("", "_reverse") if config.bidirectional else ("",)
        self._cell, self._pool = kernels.CELL_STEPS[config.cell], kernels.pool
        if product is None:
            product = Int8Product if fastest_product() is Int8Product else UnroundedProduct

        def weights(kind: str, layer: int, suffix: str) -> tuple[torch.Tensor, torch.Tensor]:
            both = (getattr(model.rnn, f"{name}_{kind}_l{layer}{suffix}") for name in ("weight", "bias"))
            weight, bias = map(self._cell.double_tanh_gate, both)
            return weight, bias

        # Of each direction, (vocabulary, gates * hidden): the first layer's input products.
        self._tables: list[Array] = [
            functional.linear(model.embedding.weight, *weights("ih", 0, suffix)).numpy() for suffix in suffixes
        ]
        width = self._tables[0].shape[1]
        self._table_columns = Columns(0, np.ones(width, np.float32), np.zeros(width, np.float32))
        self._layers = [
            [
                _Direction(
                    product(*weights("ih", layer, suffix)) if layer else None, product(*weights("hh", layer, suffix))
                )
                for suffix in suffixes
            ]
            for layer in range(config.layers)
        ]
        # (classes, features of both directions) -> (directions, features of one, classes)
        linear = (model.linear.weight / MAX_QUANTIZED).unflatten(-1, (-1, len(suffixes), config.hidden_size))
        linear = linear.permute(2, 1, 3, 0)
        self._linear = linear.reshape(len(suffixes), -1, linear.shape[-1])
        self._linear_bias = model.linear.bias.detach()

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
        codes = padded.codes[order, :time].t()  # (time, batch)
        read = [codes.gather(0, columns).numpy() for columns in (forward, backward)]
        active = (lengths > torch.arange(time)[:, None]).sum(1).tolist()
        reversal = (backward * batch + torch.arange(batch)).flatten().numpy()

        def looked_up(direction: int) -> Inputs:
            return lambda t, count: (self._tables[direction], read[direction][t, :count], self._table_columns)

        inputs = [looked_up(direction) for direction in range(len(self._tables))]
        for below, layer in enumerate(self._layers[1:]):
            outputs = [self._outputs(*each, active) for each in zip(self._layers[below], inputs, strict=True)]
            inputs = [
                self._inputs_of(each, active, self._join(outputs, direction, reversal))
                for direction, each in enumerate(layer)
            ]
        features = [self._features(*each, active, lengths) for each in zip(self._layers[-1], inputs, strict=True)]
        logits = self._linear_bias + sum(map(torch.mm, features, self._linear))
        states = features[0][:, : self._config.hidden_size] / MAX_QUANTIZED
        logits, states = (torch.empty_like(rows).index_copy_(0, order, rows) for rows in (logits, states))
        return logits, states

    def _inputs_of(self, direction: _Direction, active: list[int], joined: Array) -> Inputs:
        """The input products of a layer above the first, from the outputs of both directions of the layer below."""
        product, every_row = direction.inputs, np.arange(active[0])
        assert product is not None
        columns = Columns(0, product.scale, product.bias)
        if active[0] >= MIN_ROWS_PER_STEP:
            out = product.zeros(active[0])
            return lambda t, count: (product.sums(joined[t, :count], out[:count]), every_row[:count], columns)
        flat = joined.reshape(-1, joined.shape[2])
        x = product.sums(flat, product.zeros(len(flat))).reshape(*joined.shape[:2], -1)
        return lambda t, count: (x[t], every_row[:count], columns)

    def _steps(self, direction: _Direction, inputs: Inputs, active: list[int], stored: Array) -> Iterator[Array]:
        """Yields the hidden states after each step, (batch, hidden); the first rows are active.

        Args:
            direction: of a layer.
            inputs: its input products.
            active: rows that have a character at each step, longest names first.
            stored: (time, batch, hidden), filled with the hidden states as products read them; time is 1 where no
                layer above reads them.
        """
        product, batch = direction.recurrent, active[0]
        sums = product.zeros(batch)
        hidden = np.zeros((batch, self._config.hidden_size), np.float32)
        memory = np.zeros_like(hidden) if self._cell.has_memory else hidden
        for t, count in enumerate(active):
            if t:
                product.sums(stored[(t - 1) % len(stored), :count], sums[:count])
            x, rows, columns = inputs(t, count)
            states = stored[t % len(stored), :count]
            self._cell.advance(
                x,
                rows,
                *columns,
                sums,
                product.scale,
                product.bias,
                hidden[:count],
                memory[:count],
                states,
                product.is_rounded,
            )
            yield hidden

    def _outputs(self, direction: _Direction, inputs: Inputs, active: list[int]) -> Array:
        """All outputs of a layer below another, as products read them: (time, batch, hidden), 0 at pads."""
        shape = len(active), active[0], self._config.hidden_size
        outputs = np.zeros(shape, direction.recurrent.dtype)
        for _ in self._steps(direction, inputs, active, outputs):
            pass
        return outputs

    def _join(self, outputs: list[Array], direction: int, reversal: Array) -> Array:
        """All directions' outputs side by side, (time, batch, directions * hidden), in one direction's order of time.

        Args:
            outputs: of each direction, (time, batch, hidden).
            direction: the one whose order counts.
            reversal: int64 (time * batch,), for each step and row the index of the same character in the other
                direction's order.
        """
        time, batch, size = outputs[0].shape
        joined = np.empty((time * batch, len(outputs) * size), outputs[0].dtype)
        for number, each in enumerate(outputs):
            rows = each.reshape(-1, size)
            joined[:, number * size : (number + 1) * size] = rows if number == direction else rows[reversal]
        return joined.reshape(time, batch, -1)

    def _features(
        self, direction: _Direction, inputs: Inputs, active: list[int], lengths: torch.Tensor
    ) -> torch.Tensor:
        """The inputs of the linear layer, (batch, features); see `NameClassifier.features`."""
        shape = active[0], self._config.hidden_size
        stored = np.empty((1, *shape), direction.recurrent.dtype)
        largest, total = np.full(shape, -np.inf, np.float32), np.zeros(shape, np.float32)
        for hidden, count in zip(self._steps(direction, inputs, active, stored), active, strict=True):
            if self._config.pooling:
                self._pool(hidden[:count], largest, total)
        last = torch.from_numpy(hidden)  # a name's row is as it was after its last character
        if not self._config.pooling:
            return last
        return torch.cat([last, torch.from_numpy(largest), torch.from_numpy(total) / lengths[:, None]], -1)


_CACHE: weakref.WeakKeyDictionary[NameClassifier, FastClassifier] = weakref.WeakKeyDictionary()


def fast_classifier_of(model: NameClassifier) -> FastClassifier:
    """The model's fast classifier, prepared once and cached as long as the model lives."""
    if model not in _CACHE:
        _CACHE[model] = FastClassifier(model)
    return _CACHE[model]
