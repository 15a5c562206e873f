"""What generates text with a language model's weights: the engine, and the peers that it is compared with."""

import tempfile
import threading
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from charplay.bench import onnx_step
from charplay.inference.engine import Engine
from charplay.inference.generation import make_request
from charplay.inference.quantized import QuantizedStep
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM

Array = np.ndarray[Any, Any]

TEMPERATURE = 0.8  # of the texts
CHECKED_STEPS = 12  # characters of each of the texts whose probabilities are compared


class Step(Protocol):
    """A language model one character at a time, for a number of texts that does not change."""

    def initial_state(self, batch: int) -> Any:
        """The state before the first character of `batch` texts."""

    def step(self, codes: Array, state: Any) -> tuple[Array, Any]:
        """Codes int64 (batch,) -> logits (batch, vocabulary) for the next character, and the state after the codes."""


class TorchStep:
    """PyTorch's own layers, called for one character of every text."""

    def __init__(self, model: CharLM):
        self._model = model

    def initial_state(self, batch: int) -> Any:
        return None

    def step(self, codes: Array, state: Any) -> tuple[Array, Any]:
        logits, state = self._model(torch.from_numpy(codes)[:, None], state)
        return logits[:, 0].numpy(), state


def _torch_int8(model: CharLM, threads: int) -> Step:
    """PyTorch's dynamic quantization: weights in 8-bit integers, and the inputs of each product by its own scale."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it is deprecated, and what its successor offers has no recurrent networks
        kinds = {torch.nn.RNN, torch.nn.GRU, torch.nn.LSTM, torch.nn.Linear}
        return TorchStep(torch.ao.quantization.quantize_dynamic(model, kinds, dtype=torch.qint8))


class OnnxRuntimeStep:
    """ONNX Runtime with the products of the graph quantized dynamically."""

    def __init__(self, model: CharLM, threads: int):
        import onnxruntime
        from onnxruntime.quantization import QuantType, quantize_dynamic

        self._model, self._names = model, onnx_step.state_names(model)
        with tempfile.TemporaryDirectory() as directory:
            file = Path(directory) / "step.onnx"
            quantize_dynamic(onnx_step.build(model), file, per_channel=True, weight_type=QuantType.QInt8)
            options = onnxruntime.SessionOptions()
            options.intra_op_num_threads, options.log_severity_level = threads, 3
            self._session = onnxruntime.InferenceSession(file.read_bytes(), options, ["CPUExecutionProvider"])

    def initial_state(self, batch: int) -> list[Array]:
        return onnx_step.initial_state(self._model, batch)

    def step(self, codes: Array, state: list[Array]) -> tuple[Array, list[Array]]:
        logits, *after = self._session.run(None, {"codes": codes, **dict(zip(self._names, state, strict=True))})
        return logits, after


class OpenVinoStep:
    """OpenVINO in bfloat16, compiled for the number of texts."""

    def __init__(self, model: CharLM, threads: int):
        import openvino

        self._model, self._names = model, onnx_step.state_names(model)
        self._graph, self._core = onnx_step.build(model).SerializeToString(), openvino.Core()
        self._options = {
            "INFERENCE_PRECISION_HINT": "bf16",
            "INFERENCE_NUM_THREADS": threads,
            "PERFORMANCE_HINT": "LATENCY",
        }
        self._requests: list[Any] = []

    def initial_state(self, batch: int) -> list[Array]:
        state = onnx_step.initial_state(self._model, batch)
        network = self._core.read_model(self._graph)
        network.reshape({"codes": [batch]} | {name: [*x.shape] for name, x in zip(self._names, state, strict=True)})
        compiled = self._core.compile_model(network, "CPU", self._options)
        # Two that take turns: one's outputs, which it does not copy, are the inputs of the other.
        self._requests = [compiled.create_infer_request() for _ in range(2)]
        return state

    def step(self, codes: Array, state: list[Array]) -> tuple[Array, list[Array]]:
        self._requests.reverse()
        inputs = {"codes": codes, **dict(zip(self._names, state, strict=True))}
        outputs = self._requests[0].infer(inputs, share_inputs=True, share_outputs=True)
        logits, *after = (outputs[number] for number in range(1 + len(state)))
        return logits, after


class EngineStep:
    """The engine's step without the engine, to compare its output; the engine itself is what is timed."""

    def __init__(self, model: CharLM):
        self._step = QuantizedStep(model)

    def initial_state(self, batch: int) -> Any:
        return self._step.initial_state(batch)

    def step(self, codes: Array, state: Any) -> tuple[Array, Any]:
        logits, state = self._step.step(torch.from_numpy(codes), state)
        return logits.numpy(), state


# name -> its step, of the network and a number of threads
GENERATORS: dict[str, Callable[[CharLM, int], Step]] = {
    "engine": lambda model, threads: EngineStep(model),
    "pytorch": lambda model, threads: TorchStep(model),
    "pytorch_int8": _torch_int8,
    "onnxruntime_int8": OnnxRuntimeStep,
    "openvino_bfloat16": OpenVinoStep,
}


def engine_streams(checkpoint: Checkpoint[CharLM], number: int, engine: Engine) -> Callable[[int], None]:
    """A run of the engine: so many characters, shared out among `number` texts."""

    def run(characters: int) -> None:
        updated = threading.Event()
        length, vocabulary = characters // number, checkpoint.vocabulary
        requests = [make_request("T", length=length, seed=seed, vocabulary=vocabulary) for seed in range(number)]
        running = [engine.submit(checkpoint, request, updated.set) for request in requests]
        while not all(stream.is_done for stream in running):
            updated.wait()
            updated.clear()

    return run


def peer_streams(step: Step, number: int, mask: Array, random: np.random.Generator) -> Callable[[int], None]:
    """A run of a peer: the least that generates texts, a step and a draw from the softmax, in NumPy."""
    initial = step.initial_state(number)

    @torch.inference_mode()
    def run(characters: int) -> None:
        codes, state = np.full(number, ord("T")), initial
        for _ in range(characters // number):
            logits, state = step.step(codes, state)
            scaled = logits / TEMPERATURE + mask
            cumulated = np.exp(scaled - scaled.max(1, keepdims=True)).cumsum(1)  # (batch, vocabulary)
            codes = (cumulated <= random.random((number, 1)) * cumulated[:, -1:]).sum(1)

    return run


def divergence(expected: torch.Tensor, logits: torch.Tensor) -> float:
    """Mean Kullback-Leibler divergence, in bits, of the distributions (rows, classes) from the expected ones."""
    of, others = expected.double().log_softmax(1), logits.double().log_softmax(1)
    return ((of.exp() * (of - others)).sum(1).mean() / np.log(2)).item()


@torch.inference_mode()
def divergence_of_step(model: CharLM, step: Step, batch: int) -> float:
    """How far a step's probabilities are from the network's, in bits, on texts that the network has written."""
    generator = torch.Generator().manual_seed(1)
    codes, state, other = torch.full((batch,), ord("T")), None, step.initial_state(batch)
    total = 0.0
    for _ in range(CHECKED_STEPS):
        expected, state = model(codes[:, None], state)
        logits, other = step.step(codes.numpy(), other)
        total += divergence(expected[:, 0], torch.from_numpy(logits))
        codes = torch.multinomial(expected[:, 0].softmax(1), 1, generator=generator)[:, 0]
    return total / CHECKED_STEPS


@torch.inference_mode()
def batch_difference(model: CharLM, step: Step, batch: int) -> float:
    """How much the other texts change one: the largest difference of its logits alone and among `batch` texts."""
    generator = torch.Generator().manual_seed(1)
    codes = torch.randint(model.config.vocabulary_size, (CHECKED_STEPS, batch), generator=generator).numpy()

    def logits_of_first(number: int) -> Array:
        state, rows = step.initial_state(number), []
        for row in codes:
            logits, state = step.step(np.ascontiguousarray(row[:number]), state)
            rows.append(logits[0].copy())
        return np.stack(rows)

    return float(np.abs(logits_of_first(1) - logits_of_first(batch)).max())
