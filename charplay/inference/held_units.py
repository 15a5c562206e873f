"""Held units: a unit of the hidden state keeps one value while a language model writes, whatever the cell computes.

The layer's own next step and the layer above (after the last layer: the softmax) read the held value. A cell's units
lie between -1 and 1, where in a large network one of them counts for little; held far outside, it changes the text.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import torch

from charplay import limits
from charplay.inference.products import Array, Product
from charplay.models.networks import CharLM, RecurrentConfig


class HeldUnit(NamedTuple):
    """Which unit is held, and at which value."""

    layer: int  # from 1
    unit: int  # from 0
    value: float


def hold_unit(config: RecurrentConfig, held: object) -> HeldUnit:
    """Validates what is held in a model with this config: `held` has layer, unit and value.

    Raises:
        ValueError: it has not, the model has no such unit, or the value is out of bounds.
    """
    if not isinstance(held, Sequence) or isinstance(held, str | bytes) or len(held) != 3:
        raise ValueError("What is held must be a layer, a unit and a value, such as 2, 450, 4.0.")
    layer, unit, value = held
    return HeldUnit(
        limits.Limit("layer", 1, config.layers).check(layer),
        limits.Limit("unit", 0, config.hidden_size - 1).check(unit),
        limits.HELD_VALUE.check(value),
    )


class HeldRows(NamedTuple):
    """Units of one layer that are held in some rows of a batch."""

    rows: Array  # int64 (held,)
    units: Array  # int64 (held,)
    sums: Array  # (held, out): each value times its unit's column of the layer's stacked weights, as sums

    def apply(self, states: Array, product: Product, out: Array) -> Array:
        """The sums of `states` (batch, hidden) with the units held, written to `out`; overwrites `states`.

        Other rows stay as they are. A held value may lie where a quantized product takes none, so it is multiplied
        apart, and only the product is rounded.
        """
        states[self.rows, self.units] = 0
        product.sums(states, out)[self.rows] += self.sums
        return out


Held = Mapping[int, HeldRows]  # layer, from 0 -> what is held of it


class HeldWeights:
    """The weights of a language model by unit; views of its parameters."""

    def __init__(self, model: CharLM, prepare: Callable[[torch.Tensor], torch.Tensor]):
        """`prepare` gives the weights of a layer's gates, (gates * hidden,), as its product has them."""
        layers = range(model.config.layers)
        self._recurrent = [getattr(model.rnn, f"weight_hh_l{layer}").detach() for layer in layers]
        self._above = [getattr(model.rnn, f"weight_ih_l{layer}").detach() for layer in layers[1:]]
        self._output = model.linear.weight.detach()
        self._prepare = prepare

    def rows(self, held: Sequence[HeldUnit | None], products: Sequence[Product]) -> Held:
        """What the rows of a batch hold, for the product of each layer; None: nothing."""
        by_layer: dict[int, list[tuple[int, HeldUnit]]] = {}
        for row, each in enumerate(held):
            if each is not None:
                by_layer.setdefault(each.layer - 1, []).append((row, each))
        return {layer: self._rows_of(layer, cells, products[layer]) for layer, cells in by_layer.items()}

    def _rows_of(self, layer: int, cells: Sequence[tuple[int, HeldUnit]], product: Product) -> HeldRows:
        columns = torch.stack([each.value * self._column(layer, each.unit) for _, each in cells]).numpy()
        sums = columns / product.scale
        return HeldRows(
            np.array([row for row, _ in cells]),
            np.array([each.unit for _, each in cells]),
            (np.rint(sums) if product.is_rounded else sums).astype(product.sums_dtype),
        )

    def _column(self, layer: int, unit: int) -> torch.Tensor:
        """The weights that a layer's unit is multiplied with: by its own gates, then by the layer above, (out,)."""
        recurrent = self._prepare(self._recurrent[layer][:, unit])
        if layer < len(self._above):
            return torch.cat([recurrent, self._prepare(self._above[layer][:, unit])])
        return torch.cat([recurrent, self._output[:, unit]])
