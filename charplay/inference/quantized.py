"""The quantized step: a language model run one character at a time for many texts, with 8-bit weights and states.

A `QuantizedStep` computes what `CharLM` does at one time step with as few and as cheap operations as possible:

- the first layer's input product depends on the character alone, so it is a table of a row a character;
- each layer's recurrent matrix and the next layer's input matrix (after the last layer: the linear layer) multiply the
  same hidden states, so they are stacked into one product; its recurrent half is kept for the next step;
- products are those of integers (see `products`), so a text does not depend on the rest of the batch;
- all between two products is one compiled function (see `kernels`).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from charplay.inference.held_units import Held, HeldUnit, HeldWeights
from charplay.inference.products import Array, ProductType, fastest_product
from charplay.models.networks import CharLM, ConditionalCharLM

State = tuple[Array, ...]  # what one step hands to the next; every array is (batch, features), its rows contiguous


class Columns(NamedTuple):
    """Where the sums of a product are: columns of a matrix, each with a scale and a bias. See `kernels.step_rnn`."""

    first: int
    scale: Array
    bias: Array


class QuantizedStep:
    """Runs a language model one character at a time: `initial_state` before any text, then `step` for each character.

    A state holds for each layer the sums of its product, the hidden state, and the cell state if there is one.
    """

    @torch.no_grad()
    def __init__(self, model: CharLM, product: ProductType | None = None):
        """Prepares the weights of `model`; `product` None: the fastest kind on this processor."""
        from charplay.inference import kernels  # only where networks run: Numba takes 0.2 s, and 100 MB of a process

        rnn: nn.RNNBase = model.rnn
        self._cell, self._hidden_size = kernels.CELL_STEPS[model.config.cell], rnn.hidden_size
        self._scale_sums = kernels.scale_sums
        layers = [
            [
                self._cell.double_tanh_gate(getattr(rnn, f"{kind}_l{layer}"))
                for kind in ("weight_ih", "bias_ih", "weight_hh", "bias_hh")
            ]
            for layer in range(rnn.num_layers)
        ]
        above = [(weight, bias) for weight, bias, _, _ in layers[1:]] + [(model.linear.weight, model.linear.bias)]
        self.product = product or fastest_product()
        self._products = [
            self.product(torch.cat([weight_hh, weight]), torch.cat([bias_hh, bias]))
            for (_, _, weight_hh, bias_hh), (weight, bias) in zip(layers, above, strict=True)
        ]
        self._held_weights = HeldWeights(model, self._cell.double_tanh_gate)
        # (vocabulary, gates * hidden): the first layer's input product with the embedding of each character
        self._input_table = functional.linear(model.embedding.weight, layers[0][0], layers[0][1]).numpy()
        if isinstance(model, ConditionalCharLM):  # (classes, gates * hidden): of the embedding of each class
            self._class_table = functional.linear(model.class_embedding.weight, layers[0][0], layers[0][1])
        width = self._input_table.shape[1]
        self._table_columns = Columns(0, np.ones(width, np.float32), np.zeros(width, np.float32))
        # Of each product, what the layer above reads, after the last one the logits.
        self._columns_above = [Columns(width, each.scale[width:], each.bias[width:]) for each in self._products]

    def initial_state(self, batch: int) -> State:
        """The state before the first character of `batch` texts."""
        state = []
        for product in self._products:
            state.append(product.zeros(batch))
            state += [np.zeros((batch, self._hidden_size), np.float32) for _ in range(1 + self._cell.has_memory)]
        return tuple(state)

    def step(self, codes: torch.Tensor, state: State, held: Held | None = None) -> tuple[torch.Tensor, State]:
        """Codes int64 (batch,) -> logits (batch, vocabulary) for the next character, and the state after the codes.

        Units that are `held`, as `hold` gives it, have their values in all that reads that state.
        """
        state = tuple(part.copy() for part in state)
        return torch.from_numpy(self.advance(codes.numpy(), state, held)), state

    def advance(self, codes: Array, state: State, held: Held | None = None) -> Array:
        """`step` of NumPy arrays that overwrites the state; returns the logits.

        New arrays would be written beside the old ones, which are read: with 64 texts 3 % of the time.
        """
        return self._advance(self._input_table, codes, state, held)

    def hold(self, held: Sequence[HeldUnit | None]) -> Held:
        """For `step`: the unit that each row of a batch holds, or None."""
        return self._held_weights.rows(held, self._products)

    def start(self, mixture: torch.Tensor) -> tuple[Array, State]:
        """Of a conditional model: the weights of its classes -> logits for the first character, and the state.

        Args:
            mixture: float32 (batch, classes); a row sums to 1, so that its products are the weighted mean of theirs.
        """
        inputs = (mixture @ self._class_table).numpy()
        state = self.initial_state(len(inputs))
        return self._advance(inputs, np.arange(len(inputs)), state), state

    def _advance(self, x: Array, rows: Array, state: State, held: Held | None = None) -> Array:
        """One step, from the first layer's input products: for each text a row of `x` (any, gates * hidden)."""
        columns, parts = self._table_columns, iter(state)
        every_row = np.arange(len(rows))
        for index, product in enumerate(self._products):
            sums, hidden = next(parts), next(parts)
            memory = next(parts) if self._cell.has_memory else hidden
            states = np.empty(hidden.shape, product.dtype)
            self._cell.advance(
                x, rows, *columns, sums, product.scale, product.bias, hidden, memory, states, product.is_rounded
            )
            x = held[index].apply(states, product, sums) if held and index in held else product.sums(states, sums)
            rows, columns = every_row, self._columns_above[index]
        logits = np.empty((len(rows), len(columns.scale)), np.float32)
        self._scale_sums(x, *columns, logits)
        return logits
