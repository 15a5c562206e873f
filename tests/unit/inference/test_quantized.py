import pytest
import torch

from charplay.data.text import encode
from charplay.inference.quantized import (
    MAX_EXACT_FLOAT,
    MAX_INTEGER,
    TRIALS,
    FloatProduct,
    Int8Product,
    QuantizedStep,
    UnroundedProduct,
    available_products,
    fastest_product,
    is_exact,
)
from charplay.models.networks import CELLS, CharLM, CharLMConfig

TEXT = encode("My fellow Americans, tonight I want to speak with you about the state of our union.")


def make_model(cell: str, layers: int = 2, hidden_size: int = 40) -> CharLM:
    torch.manual_seed(0)
    return CharLM(CharLMConfig(cell, 8, hidden_size, layers)).eval()


@torch.no_grad()
def logits_along(stepper: QuantizedStep, rows: torch.Tensor) -> torch.Tensor:
    """Codes (batch, time) -> logits (batch, time, 128), one step after the other."""
    state, logits = stepper.initial_state(len(rows)), []
    for codes in rows.t():
        row, state = stepper.step(codes, state)
        logits.append(row)
    return torch.stack(logits, 1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_steps_equal_the_networks_own_forward(cell, layers):
    model = make_model(cell, layers)
    with torch.no_grad():
        expected, _ = model(TEXT[None])
    torch.testing.assert_close(
        logits_along(QuantizedStep(model, UnroundedProduct), TEXT[None]), expected, rtol=0, atol=1e-5
    )
    rounded = logits_along(QuantizedStep(model), TEXT[None])
    assert (rounded - expected).abs().max() < 0.03
    assert not torch.equal(rounded, expected)  # it is rounded indeed


@pytest.mark.parametrize("cell", CELLS)
def test_every_product_gives_the_same_logits_to_the_last_bit(cell):
    first, *others = (
        logits_along(QuantizedStep(make_model(cell), product), TEXT[None]) for product in available_products()
    )
    assert all(torch.equal(first, other) for other in others)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("product", available_products())
def test_a_row_is_the_same_to_the_last_bit_alone_and_among_199_others(cell, product):
    stepper = QuantizedStep(make_model(cell, hidden_size=96), product)
    rows = torch.randint(32, 127, (200, 12), generator=torch.Generator().manual_seed(1))
    together = logits_along(stepper, rows)
    for row in (0, 1, 15, 16, 77, 199):
        assert torch.equal(logits_along(stepper, rows[row : row + 1])[0], together[row])


@pytest.mark.parametrize("product", available_products())
def test_a_product_is_close_and_exact_row_by_row(product):
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(48, 32, generator=generator), torch.randn(48, generator=generator)
    h = torch.rand(70, 32, generator=generator) * 2 - 1
    x = h * MAX_INTEGER
    close = product(weight, bias)(x)
    torch.testing.assert_close(close, h @ weight.t() + bias, rtol=0, atol=0.15)
    assert torch.equal(torch.cat([product(weight, bias)(row[None]) for row in x]), close)


@pytest.mark.parametrize("product", available_products())
def test_a_weight_of_zeros_makes_no_division_by_zero(product):
    zeros = product(torch.zeros(4, 8), torch.arange(4.0))
    assert torch.equal(zeros(torch.ones(2, 8)), torch.arange(4.0).expand(2, 4))


def test_sums_of_large_weights_are_exact_however_long_the_row():
    """Where 127 a weight would pass what float32 counts exactly, the weights are rounded to smaller numbers."""
    weight, x = torch.ones(3, 2048), torch.ones(2, 2048)
    product = FloatProduct(weight, torch.zeros(3))
    sums = product.sums(x * MAX_INTEGER)
    assert sums.max() < MAX_EXACT_FLOAT
    torch.testing.assert_close(product(x * MAX_INTEGER), torch.full((2, 3), 2048.0), rtol=0.01, atol=0)


def test_the_product_is_chosen_by_trying_and_a_busy_machine_does_not_mislead(monkeypatch):
    assert fastest_product() in available_products()
    assert fastest_product() is fastest_product()
    assert QuantizedStep(make_model("gru")).product in available_products()
    seconds = 0.0
    monkeypatch.setattr("charplay.inference.quantized.time.perf_counter", lambda: seconds)
    for wanted in available_products():

        def product(cost, interruptions):
            pauses = iter([interruptions] * (TRIALS // 2))

            def take(self, x):
                nonlocal seconds
                seconds += cost + next(pauses, 0.0)

            return take

        for kind in available_products():
            monkeypatch.setattr(kind, "__call__", product(1.0, 100.0) if kind is wanted else product(2.0, 0.0))
        assert fastest_product.__wrapped__() is wanted


def test_integers_that_overflow_are_not_taken(monkeypatch):
    """As the instructions do that add pairs of products in 16 bits."""
    exact = torch._int_mm
    monkeypatch.setattr(torch, "_int_mm", lambda x, weight, **out: exact(x, weight, **out).clamp(-32768, 32767))
    assert not is_exact(Int8Product, 1536, 512)
    assert Int8Product not in available_products.__wrapped__()
    assert FloatProduct in available_products.__wrapped__()
