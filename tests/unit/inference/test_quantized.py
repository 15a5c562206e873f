import pytest
import torch

from charplay.data.vocabulary import ASCII
from charplay.inference.quantized import (
    MAX_EXACT_FLOAT,
    MAX_QUANTIZED,
    TRIALS_PER_PRODUCT,
    FloatProduct,
    HalfProduct,
    Int8Product,
    QuantizedStep,
    UnroundedProduct,
    available_products,
    fastest_product,
    is_exact,
)
from charplay.models.networks import CELLS, CharLM, CharLMConfig

TEXT = ASCII.encode("My fellow Americans, tonight I want to speak with you about the state of our union.")


def make_model(cell: str, layers: int = 2, hidden_size: int = 40) -> CharLM:
    torch.manual_seed(0)
    return CharLM(CharLMConfig(cell, 8, hidden_size, layers)).eval()


@torch.no_grad()
def step_through(quantized: QuantizedStep, rows: torch.Tensor) -> torch.Tensor:
    """Codes (batch, time) -> logits (batch, time, 128), one `step` per column."""
    state, logits = quantized.initial_state(len(rows)), []
    for codes in rows.t():
        row, state = quantized.step(codes, state)
        logits.append(row)
    return torch.stack(logits, 1)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_steps_equal_the_models_forward(cell, layers):
    model = make_model(cell, layers)
    with torch.no_grad():
        expected, _ = model(TEXT[None])
    torch.testing.assert_close(
        step_through(QuantizedStep(model, UnroundedProduct), TEXT[None]), expected, rtol=0, atol=1e-5
    )
    rounded = step_through(QuantizedStep(model), TEXT[None])
    assert (rounded - expected).abs().max() < 0.03
    assert not torch.equal(rounded, expected)  # it is indeed rounded


@pytest.mark.parametrize("cell", CELLS)
def test_every_product_gives_the_same_logits_to_the_last_bit(cell):
    first, *others = (
        step_through(QuantizedStep(make_model(cell), product), TEXT[None]) for product in available_products()
    )
    assert all(torch.equal(first, other) for other in others)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("product", available_products())
def test_a_row_is_the_same_to_the_last_bit_in_a_batch_of_one_and_of_200(cell, product):
    quantized = QuantizedStep(make_model(cell, hidden_size=96), product)
    rows = torch.randint(32, 127, (200, 12), generator=torch.Generator().manual_seed(1))
    together = step_through(quantized, rows)
    for row in (0, 1, 15, 16, 77, 199):
        assert torch.equal(step_through(quantized, rows[row : row + 1])[0], together[row])


@pytest.mark.parametrize("product", available_products())
def test_a_product_is_close_to_the_float_one_and_its_rows_are_independent(product):
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(48, 32, generator=generator), torch.randn(48, generator=generator)
    h = torch.rand(70, 32, generator=generator) * 2 - 1
    x = h * MAX_QUANTIZED
    close = product(weight, bias)(x)
    torch.testing.assert_close(close, h @ weight.t() + bias, rtol=0, atol=0.15)
    assert torch.equal(torch.cat([product(weight, bias)(row[None]) for row in x]), close)


@pytest.mark.parametrize("product", available_products())
def test_a_weight_of_zeros_does_not_divide_by_zero(product):
    zeros = product(torch.zeros(4, 8), torch.arange(4.0))
    assert torch.equal(zeros(torch.ones(2, 8)), torch.arange(4.0).expand(2, 4))


def test_sums_over_long_rows_of_large_weights_are_exact():
    """Where weights of 127 would sum to more than float32 holds exactly, they are scaled to smaller integers."""
    weight, x = torch.ones(3, 2048), torch.ones(2, 2048)
    product = FloatProduct(weight, torch.zeros(3))
    sums = product.sums(x * MAX_QUANTIZED)
    assert sums.max() < MAX_EXACT_FLOAT
    torch.testing.assert_close(product(x * MAX_QUANTIZED), torch.full((2, 3), 2048.0), rtol=0.01, atol=0)


def test_the_fastest_product_is_chosen_even_if_its_trials_are_interrupted(monkeypatch):
    assert fastest_product() in available_products()
    assert fastest_product() is fastest_product()
    assert QuantizedStep(make_model("gru")).product in available_products()
    seconds = 0.0
    monkeypatch.setattr("charplay.inference.quantized.time.perf_counter", lambda: seconds)
    for fastest in available_products():

        def timed(cost, interruption):
            pauses = iter([interruption] * (TRIALS_PER_PRODUCT // 2))

            def run(self, x):
                nonlocal seconds
                seconds += cost + next(pauses, 0.0)

            return run

        for product_type in available_products():
            monkeypatch.setattr(
                product_type, "__call__", timed(1.0, 100.0) if product_type is fastest else timed(2.0, 0.0)
            )
        assert fastest_product.__wrapped__() is fastest


def test_a_product_that_overflows_is_not_available(monkeypatch):
    """As with processor instructions that add pairs of products in 16 bits."""
    exact = torch._int_mm
    monkeypatch.setattr(torch, "_int_mm", lambda x, weight, **out: exact(x, weight, **out).clamp(-32768, 32767))
    assert not is_exact(Int8Product, 1536, 512)
    assert Int8Product not in available_products.__wrapped__()
    assert FloatProduct in available_products.__wrapped__()


@pytest.mark.parametrize("error", [AttributeError, TypeError, NotImplementedError, RuntimeError])
def test_a_build_without_a_private_operator_takes_another_product(monkeypatch, error):
    def fail(*arguments, **options):
        raise error

    monkeypatch.setattr(torch, "_int_mm", fail)
    assert Int8Product not in available_products.__wrapped__()
    monkeypatch.setattr(torch.ops.quantized, "linear_prepack_fp16", fail, raising=False)
    assert available_products.__wrapped__() == [FloatProduct]
    monkeypatch.undo()
    monkeypatch.setattr(torch.ops.quantized, "linear_dynamic_fp16", fail, raising=False)
    assert HalfProduct not in available_products.__wrapped__()


def test_a_build_without_the_private_function_at_all_takes_another_product(monkeypatch):
    monkeypatch.delattr(torch, "_int_mm")
    assert Int8Product not in available_products.__wrapped__()
