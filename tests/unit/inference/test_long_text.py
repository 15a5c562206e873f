"""A text read layer by layer, piece by piece, is the text that the network's own `forward` reads."""

import copy

import pytest
import torch

from charplay import limits
from charplay.data.text import encode
from charplay.inference import long_text
from charplay.models.networks import CELLS, CharLM, CharLMConfig

TEXT = "My fellow Americans, tonight I want to speak with you about the state of our union.\nIt is strong. " * 3


def make_model(cell: str, layers: int = 2, is_half: bool = False) -> CharLM:
    torch.manual_seed(0)
    model = CharLM(CharLMConfig(cell, 8, 40, layers)).eval().requires_grad_(False)
    return model.half().float() if is_half else model


def hooked(model: CharLM, text: str) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits (time, 128) of one forward, and each layer's outputs (time, hidden), as a hook on the layer sees them."""
    seen, x = [], model.embedding(encode(text))[None]
    for number in range(model.config.layers):
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        alone = CELLS[model.config.cell](x.shape[2], model.config.hidden_size, batch_first=True)
        alone.load_state_dict({f"{kind}_l0": getattr(model.rnn, f"{kind}_l{number}") for kind in kinds})
        alone.register_forward_hook(lambda layer, inputs, outputs: seen.append(outputs[0][0]))
        x, _ = alone(x)
    return model(encode(text)[None])[0][0], seen


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("is_half", [False, True])
@pytest.mark.parametrize("piece", [7, 10_000])
@torch.no_grad()
def test_it_is_what_forward_gives_and_what_hooks_see(monkeypatch, cell, layers, is_half, piece):
    monkeypatch.setattr(long_text, "CHUNK_CHARACTERS", piece)
    model = make_model(cell, layers, is_half)
    logits, outputs = hooked(model, TEXT)
    read = long_text.forward_pass(model, TEXT)
    torch.testing.assert_close(read.logits, logits, rtol=0, atol=1e-5)
    assert read.hidden.shape == (layers, len(TEXT), 40)
    torch.testing.assert_close(read.hidden.float(), torch.stack(outputs), rtol=0, atol=5e-4)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@torch.no_grad()
def test_weights_that_half_precision_does_not_hold_are_not_rounded_to_it(cell):
    model = make_model(cell)
    weights = [getattr(model.rnn, f"{kind}_l0") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    assert long_text._half_precision_layer(cell, weights) is None
    rounded = copy.deepcopy(model).half().float()
    expected, wrong = model(encode(TEXT)[None])[0][0], rounded(encode(TEXT)[None])[0][0]
    read = long_text.forward_pass(model, TEXT).logits
    assert (read - expected).abs().max() < (read - wrong).abs().max() / 10


@pytest.mark.parametrize("text", ["", "é", "한국", "x" * (limits.MAX_DOCUMENT_CHARACTERS + 1), 7, None, ["x"]])
def test_what_is_no_text_to_read_is_refused_with_a_sentence(text):
    with pytest.raises(ValueError, match=r"The text .*\.$"):
        long_text.cached_forward_pass(make_model("gru"), text)


def test_a_text_is_read_once_while_there_is_room_and_the_one_that_was_asked_for_longest_ago_goes_first(monkeypatch):
    calls, model, read = [], make_model("rnn"), long_text.forward_pass
    monkeypatch.setattr(long_text, "forward_pass", lambda model, text: (calls.append(text), read(model, text))[1])
    monkeypatch.setattr(long_text, "_CACHE", type(long_text._CACHE)())
    monkeypatch.setattr(long_text, "CACHE_BYTES", 2 * read(model, "abc").size)
    for text in ("abc", "abd", "abc", "abe", "abc", "abd"):
        torch.testing.assert_close(long_text.cached_forward_pass(model, text).logits, read(model, text).logits)
    assert calls == ["abc", "abd", "abe", "abd"]
    long_text.cached_forward_pass(model, "a text that is larger than all that may be kept")
    assert len(long_text._CACHE) == 1
