"""float32 or bfloat16: which a training step uses."""

import time
from contextlib import AbstractContextManager, nullcontext

import torch
from torch import nn

from charplay.training.tasks import Task

STEPS_PER_PRECISION = 3  # trial steps; the fastest counts


def autocast(device: torch.device, precision: str) -> AbstractContextManager:
    """The context of a forward pass in "float32" or "bfloat16"."""
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext()


def choose_precision(model: nn.Module, task: Task, device: torch.device) -> str:
    """ "float32" or "bfloat16" (autocast), whichever takes a training step faster here, by trying both."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return "float32"
    seconds = {}
    for precision in ("float32", "bfloat16"):
        batches = iter(task.batches(torch.Generator().manual_seed(0)))
        tries = []
        for _ in range(STEPS_PER_PRECISION):
            batch = next(batches, None)
            if batch is None:
                break
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
            tries.append(time.perf_counter() - start)
        if tries:
            seconds[precision] = min(tries)
    model.zero_grad(set_to_none=True)
    return min(seconds, key=lambda precision: seconds[precision])
