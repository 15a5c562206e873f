"""One step of a language model as an ONNX graph, for runtimes that are measured against the engine.

The graph has no recurrent operator but the products of a step, which is what a runtime can turn into 8-bit integers. It
is made as the engine's step is (`inference.quantized`): a table in place of the first layer's input product, and one
product of each hidden state with the recurrent matrix of its layer and the input matrix of the layer above.
"""

from typing import Any

import numpy as np
import torch

from charplay.models.networks import CharLM

Array = np.ndarray[Any, Any]


def state_names(model: CharLM, suffix: str = "") -> list[str]:
    """The state's tensors in the graph's order: of each layer the hidden state, then its recurrent product."""
    return [f"{kind}{layer}{suffix}" for layer in range(model.config.layers) for kind in ("hidden", "recurrent")]


@torch.no_grad()
def initial_state(model: CharLM, batch: int) -> list[Array]:
    """The state before the first character: of each layer zeros (batch, hidden) and its bias (batch, 3 * hidden)."""
    state = []
    for layer in range(model.config.layers):
        bias: Array = getattr(model.rnn, f"bias_hh_l{layer}").numpy()
        state += [np.zeros((batch, model.config.hidden_size), np.float32), np.tile(bias, (batch, 1))]
    return state


class _Graph:
    """The nodes and weights of a graph that is being made."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def constant(self, name: str, value: Array) -> str:
        from onnx import numpy_helper

        self.weights.append(numpy_helper.from_array(np.ascontiguousarray(value), name))
        return name

    def add(self, kind: str, inputs: list[str], outputs: list[str], **attributes: Any) -> str:
        """Adds a node; returns the name of its first output."""
        from onnx import helper

        self.nodes.append(helper.make_node(kind, inputs, outputs, **attributes))
        return outputs[0]

    def add_cell(self, layer: int, x: str, halves: str, gates: str) -> str:
        """The GRU's elementwise operations on the input product `x` and the layer's recurrent one; returns its state.

        `halves` and `gates` are constants: the widths of r and z beside n, and of r beside z.
        """
        summed, new = f"summed{layer}", f"new{layer}"
        # r and z are sums of both products, n takes the recurrent one times r
        self.add("Split", [x, halves], [f"x_rz{layer}", f"x_n{layer}"], axis=1)
        self.add("Split", [f"recurrent{layer}", halves], [f"h_rz{layer}", f"h_n{layer}"], axis=1)
        self.add("Add", [f"x_rz{layer}", f"h_rz{layer}"], [summed])
        self.add("Sigmoid", [summed], [f"rz{layer}"])
        self.add("Split", [f"rz{layer}", gates], [f"r{layer}", f"z{layer}"], axis=1)
        self.add("Mul", [f"r{layer}", f"h_n{layer}"], [f"r_n{layer}"])
        self.add("Add", [f"x_n{layer}", f"r_n{layer}"], [f"sum_n{layer}"])
        self.add("Tanh", [f"sum_n{layer}"], [new])
        # h = n + z (h before - n)
        self.add("Sub", [f"hidden{layer}", new], [f"change{layer}"])
        self.add("Mul", [f"z{layer}", f"change{layer}"], [f"kept{layer}"])
        return self.add("Add", [new, f"kept{layer}"], [f"hidden{layer}_after"])


@torch.no_grad()
def build(model: CharLM) -> Any:
    """The ONNX model of a GRU's step in float32.

    Inputs: `codes` int64 (batch,) and the tensors of `state_names`. Outputs: `logits` (batch, vocabulary) and the
    tensors of `state_names` with the suffix "_after".
    """
    from onnx import TensorProto, helper

    graph, size, rnn = _Graph(), model.config.hidden_size, model.rnn

    def weights_of(kind: str, layer: int) -> tuple[Array, Array]:
        return getattr(rnn, f"weight_{kind}_l{layer}").numpy(), getattr(rnn, f"bias_{kind}_l{layer}").numpy()

    first, bias = weights_of("ih", 0)
    table = graph.constant("table", model.embedding.weight.numpy() @ first.T + bias)
    x = graph.add("Gather", [table, "codes"], ["x0"])
    halves = graph.constant("halves", np.array([2 * size, size]))
    gates = graph.constant("gates", np.array([size, size]))
    for layer in range(model.config.layers):
        h = graph.add_cell(layer, x, halves, gates)
        is_last = layer + 1 == model.config.layers
        above = (model.linear.weight.numpy(), model.linear.bias.numpy()) if is_last else weights_of("ih", layer + 1)
        weight, bias = (np.concatenate(both) for both in zip(weights_of("hh", layer), above, strict=True))
        graph.add("MatMul", [h, graph.constant(f"weight{layer}", weight.T)], [f"product{layer}"])
        graph.add("Add", [f"product{layer}", graph.constant(f"bias{layer}", bias)], [f"both{layer}"])
        widths = graph.constant(f"widths{layer}", np.array([3 * size, len(weight) - 3 * size]))
        x = "logits" if is_last else f"x{layer + 1}"
        graph.add("Split", [f"both{layer}", widths], [f"recurrent{layer}_after", x], axis=1)

    def described(name: str) -> Any:
        width = model.config.vocabulary_size if name == "logits" else size * (3 if name.startswith("rec") else 1)
        return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["batch", width])

    inputs = [helper.make_tensor_value_info("codes", TensorProto.INT64, ["batch"])]
    inputs += map(described, state_names(model))
    outputs = [described("logits"), *map(described, state_names(model, "_after"))]
    made = helper.make_graph(graph.nodes, "step", inputs, outputs, graph.weights)
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
