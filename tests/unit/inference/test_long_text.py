"""The pipeline of layers and chunks computes what `CharLM.forward` does."""

import copy
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from charplay import limits
from charplay.data.vocabulary import ASCII
from charplay.inference import long_text
from charplay.inference.expiring_cache import ExpiringCache
from charplay.models.networks import CELLS, CharLM, CharLMConfig

TEXT = "My fellow Americans, tonight I want to speak with you about the state of our union.\nIt is strong. " * 3


def make_model(cell: str, layers: int = 2, is_half: bool = False) -> CharLM:
    torch.manual_seed(0)
    model = CharLM(CharLMConfig(cell, 8, 40, layers)).eval().requires_grad_(False)
    return model.half().float() if is_half else model


def hooked(model: CharLM, text: str) -> tuple[torch.Tensor, list[torch.Tensor]]:
    """Logits (time, 128) of one forward, and each layer's outputs (time, hidden) as a forward hook sees them."""
    seen, x = [], model.embedding(ASCII.encode(text))[None]
    for number in range(model.config.layers):
        kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
        single = CELLS[model.config.cell](x.shape[2], model.config.hidden_size, batch_first=True)
        single.load_state_dict({f"{kind}_l0": getattr(model.rnn, f"{kind}_l{number}") for kind in kinds})
        single.register_forward_hook(lambda layer, inputs, outputs: seen.append(outputs[0][0]))
        x, _ = single(x)
    return model(ASCII.encode(text)[None])[0][0], seen


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 3])
@pytest.mark.parametrize("is_half", [False, True])
@pytest.mark.parametrize("chunk", [7, 10_000])
@torch.no_grad()
def test_logits_are_those_of_forward_and_hidden_states_those_that_hooks_see(monkeypatch, cell, layers, is_half, chunk):
    monkeypatch.setattr(long_text, "CHUNK_CHARACTERS", chunk)
    model = make_model(cell, layers, is_half)
    logits, outputs = hooked(model, TEXT)
    result = long_text.forward_pass(model, TEXT)
    torch.testing.assert_close(result.logits, logits, rtol=0, atol=1e-5)
    assert result.hidden.shape == (layers, len(TEXT), 40)
    torch.testing.assert_close(result.hidden.float(), torch.stack(outputs), rtol=0, atol=5e-4)


@pytest.mark.parametrize("cell", ["gru", "lstm"])
@torch.no_grad()
def test_weights_that_half_precision_cannot_hold_are_not_rounded(cell):
    model = make_model(cell)
    weights = [getattr(model.rnn, f"{kind}_l0") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")]
    assert long_text._half_precision_layer(cell, weights) is None
    rounded = copy.deepcopy(model).half().float()
    expected, wrong = model(ASCII.encode(TEXT)[None])[0][0], rounded(ASCII.encode(TEXT)[None])[0][0]
    logits = long_text.forward_pass(model, TEXT).logits
    assert (logits - expected).abs().max() < (logits - wrong).abs().max() / 10


@pytest.mark.parametrize("text", ["", "é", "한국", "x" * (limits.MAX_DOCUMENT_CHARACTERS + 1), 7, None, ["x"]])
def test_a_text_that_cannot_be_read_is_refused(text):
    with pytest.raises(ValueError, match="The text"):
        long_text.cached_forward_pass(make_model("gru"), text)


def test_the_cache_holds_the_most_recently_used_results(monkeypatch):
    calls, model, forward_pass = [], make_model("rnn"), long_text.forward_pass
    monkeypatch.setattr(
        long_text, "forward_pass", lambda model, text, *rest: (calls.append(text), forward_pass(model, text, *rest))[1]
    )
    max_bytes = 2 * forward_pass(model, "abc").nbytes
    monkeypatch.setattr(long_text, "_CACHE", ExpiringCache(60, max_bytes, size=lambda result: result.nbytes))
    for text in ("abc", "abd", "abc", "abe", "abc", "abd"):
        torch.testing.assert_close(long_text.cached_forward_pass(model, text).logits, forward_pass(model, text).logits)
    assert calls == ["abc", "abd", "abe", "abd"]
    long_text.cached_forward_pass(model, "a text whose result is larger than the cache")
    assert len(long_text._CACHE) == 1


def test_threads_share_the_cache(monkeypatch):
    model, forward_pass = make_model("rnn"), long_text.forward_pass
    max_bytes = 2 * forward_pass(model, "abc").nbytes
    monkeypatch.setattr(long_text, "_CACHE", ExpiringCache(60, max_bytes, size=lambda result: result.nbytes))
    texts = [f"text {number % 7}" for number in range(200)]
    with ThreadPoolExecutor(4) as threads:
        results = list(threads.map(lambda text: long_text.cached_forward_pass(model, text).logits, texts))
    for text, logits in zip(texts, results, strict=True):
        torch.testing.assert_close(logits, forward_pass(model, text).logits)


@pytest.mark.parametrize("owner", ["linear_prepack_fp16", "make_quantized_cell_params_fp16", "run"])
@pytest.mark.parametrize("cell", CELLS)
@torch.no_grad()
def test_a_build_without_a_private_operator_runs_the_layers_in_float32(monkeypatch, owner, cell):
    def fail(*arguments, **options):
        raise AttributeError

    if owner == "run":
        for name in ("quantized_gru", "quantized_lstm"):
            monkeypatch.setattr(torch, name, fail)
    else:
        monkeypatch.setattr(torch.ops.quantized, owner, fail, raising=False)
    model = make_model(cell, is_half=True)
    expected, _ = hooked(model, TEXT)
    torch.testing.assert_close(long_text.forward_pass(model, TEXT).logits, expected, rtol=0, atol=1e-5)
