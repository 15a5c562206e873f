import pytest
import torch

from charplay.data.batches import pad
from charplay.inference.fast_classifier import MIN_ROWS_PER_STEP, FastClassifier, fast_classifier_of
from charplay.inference.products import Int8Product, UnroundedProduct, available_products
from charplay.interpret.activations import hidden_states
from charplay.models.networks import CELLS, NameClassifier, NameClassifierConfig

NAMES = ["li", "papadopoulos", "o'brien", "x", "rossi", "van der berg", "adylov", "solan", "hard", "san"]


def make_model(cell: str = "gru", layers: int = 2, **fields) -> NameClassifier:
    torch.manual_seed(0)
    return NameClassifier(NameClassifierConfig(cell, 8, 24, layers, **fields)).eval()


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("pooling", [True, False])
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_its_logits_are_those_of_the_network(cell, bidirectional, pooling, layers):
    model = make_model(cell, layers, bidirectional=bidirectional, pooling=pooling)
    padded = pad(NAMES)
    with torch.no_grad():
        expected = model(padded.codes, padded.lengths)
    torch.testing.assert_close(FastClassifier(model, UnroundedProduct)(padded), expected, rtol=0, atol=1e-5)
    if Int8Product in available_products():
        rounded = FastClassifier(model, Int8Product)(padded)
        assert (rounded - expected).abs().max() < 0.05
        assert not torch.equal(rounded, expected)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("product", [UnroundedProduct, *available_products()])
def test_a_large_batch_gets_the_logits_of_a_small_one(cell, bidirectional, product):
    fast = FastClassifier(make_model(cell, bidirectional=bidirectional), product)
    many = fast(pad(NAMES * (MIN_ROWS_PER_STEP // len(NAMES) + 1)))
    few = fast(pad(NAMES))
    torch.testing.assert_close(many, few.repeat(len(many) // len(few), 1), rtol=0, atol=2e-6)


def test_columns_of_nothing_but_padding_change_nothing():
    fast = FastClassifier(make_model(), UnroundedProduct)
    torch.testing.assert_close(fast(pad(NAMES, time=20)), fast(pad(NAMES)), rtol=0, atol=1e-6)


def test_in_int8_a_name_gets_the_same_logits_in_a_batch_of_one_and_of_many():
    fast = FastClassifier(make_model(bidirectional=True), Int8Product)
    together = fast(pad(NAMES))
    for row, name in enumerate(NAMES):
        torch.testing.assert_close(fast(pad([name]))[0], together[row], rtol=0, atol=2e-6)


def test_a_models_weights_are_prepared_once():
    model = make_model()
    assert fast_classifier_of(model) is fast_classifier_of(model)


@pytest.mark.parametrize("bidirectional", [True, False])
@pytest.mark.parametrize("names", [["Li", "Kowalczyk", "x"], ["Li", "Kowalczyk"] * MIN_ROWS_PER_STEP])
def test_the_states_are_those_after_each_name_forward(bidirectional, names):
    model = make_model(bidirectional=bidirectional)
    padded = pad(names)
    outputs = hidden_states(model, padded.codes, padded.lengths)[-1][0]  # (batch, time, hidden), forward
    expected = outputs[torch.arange(len(names)), padded.lengths - 1]
    _, states = FastClassifier(model, UnroundedProduct).run(padded)
    torch.testing.assert_close(states, expected, rtol=0, atol=1e-5)
