"""A language model that reads a whole text: its logits and what every layer holds, at every character.

The job is `CharLM.forward` over one long text, sooner. Each step of a layer needs the one before, so that a layer takes
as many steps as there are characters; what can be spared is beside that, and the numbers stay those of `forward` to
rounding:

- the layers work at the same time: while the second reads one piece of the text, the first reads the next piece. The
  state goes from piece to piece, so nothing is read without what stands before it;
- a step of a large layer waits for its recurrent weights to come from memory. Weights that half precision holds
  exactly, as a shipped checkpoint's, are read in half precision and multiplied and summed in float32.

What was read last is kept, since a view asks about the same text again and again.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from torch import nn

from charplay import limits
from charplay.data.text import VOCABULARY_SIZE, encode
from charplay.inference.quantized import has_half_products
from charplay.models.networks import CharLM

CHUNK_CHARACTERS = 500  # characters that a layer reads before the next layer begins with them
CACHE_BYTES = 2**26  # bytes of readings that are kept; the largest of the default model takes 51 MB
_ONE_LAYER = (True, 1, 0.0, False, False, True)  # biases, layers, dropout, training, both directions, batch first
_FLOAT = {"rnn": torch.rnn_tanh, "gru": torch.gru}


@dataclass(frozen=True)
class ForwardPass:
    """What a network makes of a text."""

    logits: torch.Tensor  # float32 (time, 128), for the character after each
    hidden: torch.Tensor  # float16 (layers, time, hidden): the hidden state h after each character, to 0.0005

    @property
    def size(self) -> int:
        """Bytes."""
        return self.logits.nbytes + self.hidden.nbytes


def check_document(text: object) -> str:
    """Returns a text that a network can read: ASCII, from one character to `limits.MAX_DOCUMENT_CHARACTERS`.

    Raises:
        ValueError: it is none; the sentence says what is accepted.
    """
    text = limits.check_text("text", text, limits.MAX_DOCUMENT_CHARACTERS)
    if not text or not text.isascii():
        raise ValueError("The text to read must have at least one character, and ASCII characters alone.")
    return text


_Run = Callable[..., tuple[torch.Tensor, ...]]  # x (1, time, in) and the state before -> outputs, the state after


def _half_precision_layer(cell: str, weights: list[torch.Tensor]) -> _Run | None:
    """One layer that reads its weights in half precision; None where that is not exact, or not to be had here."""
    weight_ih, weight_hh, bias_ih, bias_hh = weights
    is_exact = all(torch.equal(weight.half().float(), weight) for weight in (weight_ih, weight_hh))
    if cell == "rnn" or not is_exact or not has_half_products():
        return None
    pack = torch.ops.quantized.linear_prepack_fp16
    packed = torch.ops.quantized.make_quantized_cell_params_fp16(pack(weight_ih, bias_ih), pack(weight_hh, bias_hh))
    if cell == "gru":
        return lambda x, h: torch.quantized_gru(x, h, (packed,), *_ONE_LAYER)
    return lambda x, h, c: torch.quantized_lstm(
        x, (h, c), (packed,), *_ONE_LAYER, dtype=torch.float16, use_dynamic=True
    )


def _single_layer(rnn: nn.RNNBase, cell: str, number: int) -> _Run:
    """One layer of `rnn`, alone."""
    weights = [getattr(rnn, f"{kind}_l{number}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    if run := _half_precision_layer(cell, weights):
        return run
    if cell == "lstm":
        return lambda x, h, c: torch.lstm(x, (h, c), weights, *_ONE_LAYER)
    return lambda x, h: _FLOAT[cell](x, h, weights, *_ONE_LAYER)


class _Layers:
    """The layers of a model, each of which can be run by itself."""

    def __init__(self, model: CharLM):
        config = model.config
        self._runs = [_single_layer(model.rnn, config.cell, number) for number in range(config.layers)]
        self._first = [torch.zeros(1, 1, config.hidden_size)] * (2 if config.cell == "lstm" else 1)

    def run(self, x: torch.Tensor, finish: Callable[[int, list[torch.Tensor]], None]) -> None:
        """Embedded characters (1, time, embedding) -> `finish(from, outputs)`, of each layer (characters, hidden).

        In a wave the first layer reads a piece, the second the piece before, and so on, each on a thread; the first
        that is done with its own finishes the piece that all have read.
        """
        layers, count = len(self._runs), -(-x.shape[1] // CHUNK_CHARACTERS)
        pieces = [list(x.split(CHUNK_CHARACTERS, 1)), *([] for _ in range(layers))]  # what each layer reads
        states = [self._first] * layers

        def advance(layer: int, piece: int) -> None:
            with torch.inference_mode():  # which a thread does not inherit
                if layer == layers:
                    finish(piece * CHUNK_CHARACTERS, [outputs[piece][0] for outputs in pieces[1:]])
                else:
                    out, *states[layer] = self._runs[layer](pieces[layer][piece], *states[layer])
                    pieces[layer + 1].append(out)

        with ThreadPoolExecutor(layers) as threads:
            for wave in range(count + layers):
                running = [layer for layer in range(layers + 1) if 0 <= wave - layer < count]
                list(threads.map(advance, running, [wave - layer for layer in running]))


_PREPARED: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()


@torch.inference_mode()
def forward_pass(model: CharLM, text: str) -> ForwardPass:
    """Reads `text`, ASCII and not empty, from a zero state."""
    if model not in _PREPARED:
        _PREPARED[model] = _Layers(model)
    config, time = model.config, len(text)
    reading = ForwardPass(
        torch.empty(time, VOCABULARY_SIZE), torch.empty(config.layers, time, config.hidden_size, dtype=torch.float16)
    )

    def finish(start: int, outputs: list[torch.Tensor]) -> None:
        end = start + len(outputs[0])
        torch.addmm(model.linear.bias, outputs[-1], model.linear.weight.t(), out=reading.logits[start:end])
        for layer, output in enumerate(outputs):
            reading.hidden[layer, start:end] = output

    _PREPARED[model].run(model.embedding(encode(text))[None], finish)
    return reading


_CACHE: OrderedDict[tuple[CharLM, str], ForwardPass] = OrderedDict()  # those that were asked for last stand last


def cached_forward_pass(model: CharLM, text: object) -> ForwardPass:
    """What `forward_pass` gives, which is kept for as long as there is room; to be called by one thread at a time.

    Raises:
        ValueError: it is no text that can be read.
    """
    key = (model, check_document(text))
    if key not in _CACHE:
        _CACHE[key] = forward_pass(*key)
    _CACHE.move_to_end(key)
    while sum(reading.size for reading in _CACHE.values()) > CACHE_BYTES and len(_CACHE) > 1:
        _CACHE.popitem(last=False)
    return _CACHE[key]
