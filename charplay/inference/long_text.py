"""The forward pass over a long text: logits and every layer's hidden states, at every character.

It computes `CharLM.forward` over one long text, to rounding, but faster. Each step of a layer needs the step before,
so a layer takes as many steps as there are characters; the rest can be saved:

- the layers run in parallel: while the second layer processes one chunk of the text, the first processes the next.
  The state is carried from chunk to chunk;
- a step of a large layer waits for its recurrent weights to arrive from memory. Weights that half precision holds
  exactly, as those of the shipped checkpoints, are stored in half precision, multiplied and summed in float32.

The latest results are cached, because the views ask about the same text again and again.
"""

import weakref
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from charplay import limits
from charplay.cancellation import check_cancelled
from charplay.data.vocabulary import ASCII, Vocabulary
from charplay.inference.expiring_cache import ExpiringCache
from charplay.inference.products import UNSUPPORTED, supports_half_precision_weights
from charplay.models.networks import CharLM

CHUNK_CHARACTERS = 500  # characters that a layer processes before the next layer starts on them
MAX_CACHE_BYTES = 2**26  # of cached results; the largest of the default model takes 51 MB
_ONE_LAYER = (True, 1, 0.0, False, False, True)  # biases, layers, dropout, training, bidirectional, batch first
_FLOAT = {"rnn": torch.rnn_tanh, "gru": torch.gru}


@dataclass(frozen=True)
class ForwardPass:
    """A network's results over a text."""

    logits: torch.Tensor  # float32 (time, vocabulary), for the character after each
    hidden: torch.Tensor  # float16 (layers, time, hidden): the hidden state h after each character, to 0.0005

    @property
    def nbytes(self) -> int:
        """The memory of both tensors."""
        return self.logits.nbytes + self.hidden.nbytes


def check_document(text: object, vocabulary: Vocabulary = ASCII) -> str:
    """Returns `text` if a network can read it: 1 to `limits.MAX_DOCUMENT_CHARACTERS` characters of its vocabulary.

    Raises:
        ValueError: it cannot be read; the message says what is accepted.
    """
    text = limits.check_text("text", text, limits.MAX_DOCUMENT_CHARACTERS)
    if not text or not set(text) <= set(vocabulary.characters):
        raise ValueError("The text to read must have at least one character, and those of the vocabulary alone.")
    return text


# x (1, time, in), then the state's tensors (1, 1, hidden) -> outputs (1, time, hidden), then the new state's tensors
_RunLayer = Callable[..., tuple[torch.Tensor, ...]]


def _half_precision_layer(cell: str, weights: list[torch.Tensor]) -> _RunLayer | None:
    """One layer with weights stored in half precision; None where that is not exact, or not supported."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    is_exact = all(torch.equal(weight.half().float(), weight) for weight in (weight_ih, weight_hh))
    if cell == "rnn" or not is_exact or not supports_half_precision_weights():
        return None
    try:
        pack = torch.ops.quantized.linear_prepack_fp16
        packed = torch.ops.quantized.make_quantized_cell_params_fp16(pack(weight_ih, bias_ih), pack(weight_hh, bias_hh))
        run = _quantized_gru(packed) if cell == "gru" else _quantized_lstm(packed)
        state = torch.zeros(1, 1, weight_hh.shape[1])
        run(torch.zeros(1, 1, weight_ih.shape[1]), *[state] * (2 if cell == "lstm" else 1))
    except UNSUPPORTED:
        return None
    return run


def _quantized_gru(packed: Any) -> _RunLayer:
    return lambda x, h: torch.quantized_gru(x, h, (packed,), *_ONE_LAYER)


def _quantized_lstm(packed: Any) -> _RunLayer:
    return lambda x, h, c: torch.quantized_lstm(
        x, (h, c), (packed,), *_ONE_LAYER, dtype=torch.float16, use_dynamic=True
    )


def _single_layer(rnn: nn.RNNBase, cell: str, layer: int) -> _RunLayer:
    """One layer of `rnn`."""
    weights = [getattr(rnn, f"{kind}_l{layer}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    if run := _half_precision_layer(cell, weights):
        return run
    if cell == "lstm":
        return lambda x, h, c: torch.lstm(x, (h, c), weights, *_ONE_LAYER)
    return lambda x, h: _FLOAT[cell](x, h, weights, *_ONE_LAYER)


class _LayerPipeline:
    """The layers of a model as a pipeline over the chunks of a text."""

    def __init__(self, model: CharLM):
        config = model.config
        self._layers = [_single_layer(model.rnn, config.cell, layer) for layer in range(config.layers)]
        self._zero_state = [torch.zeros(1, 1, config.hidden_size)] * (2 if config.cell == "lstm" else 1)

    def run(self, x: torch.Tensor, on_chunk: Callable[[int, list[torch.Tensor]], None]) -> None:
        """Runs over embedded characters (1, time, embedding).

        In round r layer n processes chunk r - n, each layer on a thread of its own; the stage after the last layer
        passes the finished chunk on.

        Args:
            x: the embedded characters.
            on_chunk: called with the index of a chunk's first character and each layer's outputs (characters, hidden).
        """
        layers, count = len(self._layers), -(-x.shape[1] // CHUNK_CHARACTERS)
        chunks = [list(x.split(CHUNK_CHARACTERS, 1)), *([] for _ in range(layers))]  # inputs of each layer, and outputs
        states = [self._zero_state] * layers

        def advance(stage: int, chunk: int) -> None:
            with torch.inference_mode():  # threads do not inherit it
                if stage == layers:
                    on_chunk(chunk * CHUNK_CHARACTERS, [outputs[chunk][0] for outputs in chunks[1:]])
                else:
                    out, *states[stage] = self._layers[stage](chunks[stage][chunk], *states[stage])
                    chunks[stage + 1].append(out)

        with ThreadPoolExecutor(layers) as threads:
            for number in range(count + layers):
                check_cancelled()
                stages = [stage for stage in range(layers + 1) if 0 <= number - stage < count]
                list(threads.map(advance, stages, [number - stage for stage in stages]))


_PIPELINES: weakref.WeakKeyDictionary[CharLM, _LayerPipeline] = weakref.WeakKeyDictionary()


@torch.inference_mode()
def forward_pass(model: CharLM, text: str, vocabulary: Vocabulary = ASCII) -> ForwardPass:
    """Runs `model` over `text`, of its vocabulary's characters and not empty, from a zero state."""
    vocabulary.check_size(model.config.vocabulary_size)
    if model not in _PIPELINES:
        _PIPELINES[model] = _LayerPipeline(model)
    config, time = model.config, len(text)
    result = ForwardPass(
        torch.empty(time, vocabulary.size), torch.empty(config.layers, time, config.hidden_size, dtype=torch.float16)
    )

    def store(start: int, outputs: list[torch.Tensor]) -> None:
        end = start + len(outputs[0])
        torch.addmm(model.linear.bias, outputs[-1], model.linear.weight.t(), out=result.logits[start:end])
        for layer, output in enumerate(outputs):
            result.hidden[layer, start:end] = output

    _PIPELINES[model].run(model.embedding(vocabulary.encode(text))[None], store)
    return result


_CACHE: ExpiringCache[tuple[CharLM, str], ForwardPass] = ExpiringCache(
    limits.SESSION_SECONDS, MAX_CACHE_BYTES, size=lambda result: result.nbytes
)


def cached_forward_pass(model: CharLM, text: object, vocabulary: Vocabulary = ASCII) -> ForwardPass:
    """The result of `forward_pass`, from a cache of the most recently used.

    Raises:
        ValueError: the text cannot be read.
    """
    key = (model, check_document(text, vocabulary))
    return _CACHE.get(key, lambda: forward_pass(*key, vocabulary))
