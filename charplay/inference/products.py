"""Products of hidden states with weights, in integers from -127 to 127.

Hidden states lie in (-1, 1): they are scaled by 127 and rounded to integers, and the weights are quantized by a scale
for each output row. Sums of integers are exact, so a row does not depend on the rest of the batch.

Which arithmetic is fastest depends on the processor: int8, or floating-point numbers that hold the integers exactly.
The sums are the same; the fastest is found by a trial.
"""

import functools
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import torch

Array = np.ndarray[Any, Any]
MAX_QUANTIZED = 127  # largest quantized value, and the scale of hidden states
TRIALS_PER_PRODUCT = 20  # timed runs of each kind of product
TRIAL_ROWS, TRIAL_WEIGHT_SHAPE = 64, (1536, 512)  # batch size, and (out, in)
MAX_EXACT_FLOAT = 2**24  # float32 holds every integer up to this


class Product:
    """h W^T + b: of hidden states scaled by 127, the sums, each column of which is yet to be scaled and shifted."""

    dtype: np.dtype[Any] = np.dtype(np.float32)  # of the states
    sums_dtype: np.dtype[Any] = np.dtype(np.float32)
    is_rounded = True  # whether states are integers

    scale: Array  # float32 (out,): factor from the sums to the true products
    bias: Array  # float32 (out,)

    def zeros(self, batch: int) -> Array:
        """Sums (batch, out) of states that are 0."""
        return np.zeros((batch, len(self.scale)), self.sums_dtype)

    def sums(self, states: Array, out: Array) -> Array:
        """States (batch, in) -> sums (batch, out), written to `out`. Each row depends on its own row of states alone.

        A step that writes its sums where it has just read those of the step before finds them in the cache.
        """
        raise NotImplementedError


class IntegerProduct(Product):
    """In integers: states are rounded, sums are exact."""

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor):
        # A row's largest weight becomes 127, or less where the products with states of 127 might sum to more than
        # float32 holds exactly; rounding adds at most 1/2 to each weight.
        magnitudes = weight.abs()
        max_row_sum = MAX_EXACT_FLOAT / MAX_QUANTIZED - weight.shape[1]
        scales = torch.minimum(
            MAX_QUANTIZED / magnitudes.amax(1).clamp(min=1e-12), max_row_sum / magnitudes.sum(1).clamp(min=1e-12)
        )
        self.prepare((weight * scales[:, None]).round())
        self.scale = (
            1 / scales / MAX_QUANTIZED
        ).numpy()  # undoes the scale of each row of weights and that of the states
        self.bias = bias.numpy()

    def prepare(self, weight: torch.Tensor) -> None:
        """Stores the weight, float32 (out, in) of integers, in the format that `sums` multiplies."""
        raise NotImplementedError


class Int8Product(IntegerProduct):
    """In int8, for processors with instructions for it."""

    dtype, sums_dtype = np.dtype(np.int8), np.dtype(np.int32)

    def prepare(self, weight: torch.Tensor) -> None:
        # A transposed view of a row-major (out, in) matrix: made contiguous it would be many times slower.
        self._weight = weight.to(torch.int8).t()

    def sums(self, states: Array, out: Array) -> Array:
        torch._int_mm(torch.from_numpy(states), self._weight, out=torch.from_numpy(out))
        return out


class HalfProduct(IntegerProduct):
    """In float32 with weights stored in half precision: half the memory traffic, which dominates for a single text."""

    def prepare(self, weight: torch.Tensor) -> None:
        self._packed = torch.ops.quantized.linear_prepack_fp16(weight, None)

    def sums(self, states: Array, out: Array) -> Array:
        out[:] = torch.ops.quantized.linear_dynamic_fp16(torch.from_numpy(states), self._packed).numpy()
        return out


def _float_sums(states: Array, weight: torch.Tensor, out: Array) -> Array:
    torch.mm(torch.from_numpy(states), weight.t(), out=torch.from_numpy(out))
    return out


class FloatProduct(IntegerProduct):
    """In float32 throughout; works on every processor."""

    def prepare(self, weight: torch.Tensor) -> None:
        self._weight = weight

    def sums(self, states: Array, out: Array) -> Array:
        return _float_sums(states, self._weight, out)


class UnroundedProduct(Product):
    """Without quantization: equal to the network's own to rounding."""

    is_rounded = False

    def __init__(self, weight: torch.Tensor, bias: torch.Tensor):
        self._weight, self.bias = weight, bias.numpy()
        self.scale = np.full(len(bias), 1 / MAX_QUANTIZED, np.float32)

    def sums(self, states: Array, out: Array) -> Array:
        return _float_sums(states, self._weight, out)


ProductType = Callable[[torch.Tensor, torch.Tensor], Product]  # (weight (out, in), bias (out,)) -> the product

# What a function of PyTorch's own raises where this build lacks it, has it with other arguments, or not for this
# processor: `torch._int_mm` and `torch.ops.quantized` are no part of its public interface.
UNSUPPORTED = (AttributeError, TypeError, RuntimeError)


def supports_half_precision_weights() -> bool:
    """Whether PyTorch can multiply by weights stored in half precision on this processor."""
    return torch.backends.quantized.engine in ("x86", "fbgemm")


def is_exact(product_type: type[IntegerProduct], outputs: int, inputs: int) -> bool:
    """Whether PyTorch has the product, and its sums are right here.

    On some processors they silently overflow, where int8 products are added in pairs.
    """
    random = np.random.default_rng(0)
    states, weight = (random.integers(0, 2, (rows, inputs)) * 254 - 127 for rows in (TRIAL_ROWS, outputs))
    try:
        product = product_type(torch.from_numpy(weight).float(), torch.zeros(outputs))
        sums = product.sums(states.astype(product.dtype), product.zeros(TRIAL_ROWS))
    except UNSUPPORTED:
        return False
    return np.array_equal(sums, states @ weight.T)


@functools.cache
def available_products() -> list[type[IntegerProduct]]:
    """The kinds of product that are supported and exact on this processor."""
    outputs, inputs = TRIAL_WEIGHT_SHAPE
    product_types = [Int8Product, *([HalfProduct] if supports_half_precision_weights() else []), FloatProduct]
    return [product_type for product_type in product_types if is_exact(product_type, outputs, inputs)]


@functools.cache
def fastest_product() -> type[IntegerProduct]:
    """The kind of product that is fastest on this processor, timed on a batch as large as a class of students makes."""
    outputs, inputs = TRIAL_WEIGHT_SHAPE
    weight = torch.ones(outputs, inputs)
    products = {product_type: product_type(weight, torch.zeros(outputs)) for product_type in available_products()}
    seconds: dict[type[IntegerProduct], list[float]] = {product_type: [] for product_type in products}
    for _ in range(TRIALS_PER_PRODUCT):  # in turn, and the minimum counts: other processes slow some of the runs down
        for product_type, product in products.items():
            states, out = np.ones((TRIAL_ROWS, inputs), product.dtype), product.zeros(TRIAL_ROWS)
            start = time.perf_counter()
            product.sums(states, out)
            seconds[product_type].append(time.perf_counter() - start)
    return min(products, key=lambda product_type: min(seconds[product_type]))
