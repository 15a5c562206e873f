import numpy as np
import pytest
import torch

from charplay.inference.products import (
    MAX_EXACT_FLOAT,
    MAX_QUANTIZED,
    TRIALS_PER_PRODUCT,
    FloatProduct,
    HalfProduct,
    Int8Product,
    Product,
    available_products,
    fastest_product,
    is_exact,
)


def multiply(product: Product, h: torch.Tensor) -> torch.Tensor:
    """h (batch, in), within -1 to 1 -> h W^T + b as the product has it, (batch, out)."""
    states = np.rint(h.numpy() * MAX_QUANTIZED).astype(product.dtype)
    return torch.from_numpy(
        product.sums(states, product.zeros(len(states))).astype(np.float32) * product.scale + product.bias
    )


@pytest.mark.parametrize("product", available_products())
def test_a_product_is_close_to_the_float_one_and_its_rows_are_independent(product):
    generator = torch.Generator().manual_seed(0)
    weight, bias = torch.randn(48, 32, generator=generator), torch.randn(48, generator=generator)
    h = torch.rand(70, 32, generator=generator) * 2 - 1
    close = multiply(product(weight, bias), h)
    torch.testing.assert_close(close, h @ weight.t() + bias, rtol=0, atol=0.15)
    assert torch.equal(torch.cat([multiply(product(weight, bias), row[None]) for row in h]), close)


@pytest.mark.parametrize("product", available_products())
def test_a_weight_of_zeros_does_not_divide_by_zero(product):
    zeros = product(torch.zeros(4, 8), torch.arange(4.0))
    assert torch.equal(multiply(zeros, torch.ones(2, 8)), torch.arange(4.0).expand(2, 4))


def test_sums_over_long_rows_of_large_weights_are_exact():
    """Where weights of 127 would sum to more than float32 holds exactly, they are scaled to smaller integers."""
    product = FloatProduct(torch.ones(3, 2048), torch.zeros(3))
    assert product.sums(np.full((2, 2048), MAX_QUANTIZED, np.float32), product.zeros(2)).max() < MAX_EXACT_FLOAT
    torch.testing.assert_close(multiply(product, torch.ones(2, 2048)), torch.full((2, 3), 2048.0), rtol=0.01, atol=0)


def test_the_fastest_product_is_chosen_even_if_its_trials_are_interrupted(monkeypatch):
    assert fastest_product() in available_products()
    assert fastest_product() is fastest_product()
    seconds = 0.0
    monkeypatch.setattr("charplay.inference.products.time.perf_counter", lambda: seconds)
    for fastest in available_products():

        def timed(cost, interruption):
            pauses = iter([interruption] * (TRIALS_PER_PRODUCT // 2))

            def run(self, states, out):
                nonlocal seconds
                seconds += cost + next(pauses, 0.0)

            return run

        for product_type in available_products():
            monkeypatch.setattr(product_type, "sums", timed(1.0, 100.0) if product_type is fastest else timed(2.0, 0.0))
        assert fastest_product.__wrapped__() is fastest


def test_a_product_that_overflows_is_not_available(monkeypatch):
    """As with processor instructions that add pairs of products in 16 bits."""
    exact = torch._int_mm
    monkeypatch.setattr(torch, "_int_mm", lambda x, weight, out: exact(x, weight, out=out).clamp_(-32768, 32767))
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
