"""float32 or bfloat16: which a training step uses."""

import math
import time
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn
from torch.nn import functional

from charplay.training.tasks import Task

STEPS_PER_PRECISION = 3  # trial steps; the fastest counts
PRODUCT_SHAPE = (256, 512, 512)  # rows, inputs and outputs of the product that is tried before a step
PRODUCT_TRIES = 5  # of it in each precision
MAX_PRODUCT_SLOWDOWN = 2.0  # of a bfloat16 product against float32, from which on no step is tried in it
MAX_STEP_SLOWDOWN = 1.5  # of a bfloat16 step against the fastest in float32, after which no more are tried


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """The context of a forward pass in "float32" or "bfloat16"."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext()


def choose_precision(model: nn.Module, task: Task, device: torch.device) -> str:
    """ "float32" or "bfloat16" (autocast), whichever takes a training step faster here, by trying both.

    A processor without bfloat16 may take minutes for a step in it: first one product is tried, and a step that is
    slower than those in float32 is the last.
    """
    if not _supports_bfloat16(device):
        return "float32"
    fastest = _fastest_step(model, task, device, "float32", math.inf)
    is_faster = _fastest_step(model, task, device, "bfloat16", fastest) < fastest
    model.zero_grad(set_to_none=True)
    return "bfloat16" if is_faster else "float32"


def _supports_bfloat16(device: torch.device) -> bool:
    """Whether the device multiplies in bfloat16 other than by emulation."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported()
    # In turn, and the least counts: other processes slow some of them down.
    tries = [[_product_seconds(dtype) for dtype in (torch.float32, torch.bfloat16)] for _ in range(PRODUCT_TRIES)]
    in_float32, in_bfloat16 = map(min, zip(*tries, strict=True))
    return in_bfloat16 < MAX_PRODUCT_SLOWDOWN * in_float32


def _product_seconds(dtype: torch.dtype) -> float:
    """Of one product and of its gradients, which are what is slow; infinite where there is none in this type."""
    rows, inputs, outputs = PRODUCT_SHAPE
    x, weight = (torch.ones(count, inputs, dtype=dtype, requires_grad=True) for count in (rows, outputs))
    start = time.perf_counter()
    try:
        functional.linear(x, weight).sum().backward()
    except RuntimeError:
        return math.inf
    return time.perf_counter() - start


def _fastest_step(model: nn.Module, task: Task, device: torch.device, precision: str, bound: float) -> float:
    """Seconds of the fastest of `STEPS_PER_PRECISION` steps, no more after one much slower than `bound`."""
    fastest = math.inf
    for _, batch in zip(range(STEPS_PER_PRECISION), task.batches(torch.Generator().manual_seed(0)), strict=False):
        start = time.perf_counter()
        try:
            with autocast(device, precision):
                loss, _ = task.loss(model, batch, device)
            loss.backward()
        except RuntimeError:
            if precision == "float32":
                raise
            break  # this machine has no bfloat16 product for this cell
        if device.type == "cuda":
            torch.cuda.synchronize()
        seconds = time.perf_counter() - start
        fastest = min(fastest, seconds)
        if seconds > MAX_STEP_SLOWDOWN * bound:
            break
    return fastest
