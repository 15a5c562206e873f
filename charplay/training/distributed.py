"""One training run shared by several processes, each with its own device; `torchrun` starts them.

    torchrun --nproc-per-node 2 -m charplay train speech

Each process trains on its shard of every batch, and DistributedDataParallel averages the gradients (Li et al. 2020):
the weights are the same on all ranks, as if one process trained on the whole batch. Only rank 0 writes and prints.
"""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

import torch
from torch import distributed, nn

T = TypeVar("T")
Rows = TypeVar("Rows", torch.Tensor, Sequence[Any])
TIMEOUT = timedelta(hours=1)  # for a collective operation; other ranks wait while rank 0 measures the result


@dataclass(frozen=True)
class ProcessGroup:
    """This process among those that share a run; by default the only one."""

    rank: int = 0
    size: int = 1

    @property
    def is_rank_0(self) -> bool:
        """Whether this is the process that writes and prints."""
        return self.rank == 0

    def shard(self, rows: Rows) -> Rows:
        """This rank's part of a sequence or of a tensor's first dimension: every `size`-th row from `rank` on."""
        return rows[self.rank :: self.size]

    def wrap(self, model: nn.Module) -> nn.Module:
        """`model` as training calls it: its gradients become the mean over the group."""
        return nn.parallel.DistributedDataParallel(model) if self.size > 1 else model

    def sum(self, numbers: torch.Tensor) -> torch.Tensor:
        """`numbers` summed over the group."""
        if self.size > 1:
            distributed.all_reduce(numbers)
        return numbers

    def gather(self, value: T) -> Sequence[T]:
        """Every rank's `value`, in order of rank."""
        if self.size == 1:
            return [value]
        values: list[Any] = [None] * self.size
        distributed.all_gather_object(values, value)
        return values

    def broadcast(self, value: T) -> T:
        """Rank 0's `value`, on all ranks."""
        return self.gather(value)[0]


SINGLE_PROCESS = ProcessGroup()


def choose_device() -> torch.device:
    """The CUDA device of this process, otherwise the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", 0)))
    return torch.device("cpu")


@contextmanager
def process_group() -> Iterator[tuple[ProcessGroup, torch.device]]:
    """The group that `torchrun` started, or a single process; and this process's device, a GPU where there is one.

    Raises:
        ValueError: there are more processes on this machine than GPUs.
    """
    device = choose_device()
    is_cuda = device.type == "cuda"
    if is_cuda and device.index >= torch.cuda.device_count():
        raise ValueError(f"This machine has {torch.cuda.device_count()} GPUs: start no more processes than that.")
    if int(os.environ.get("WORLD_SIZE", 1)) == 1:
        yield SINGLE_PROCESS, device
        return
    if is_cuda:
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if is_cuda else "gloo", timeout=TIMEOUT)
    try:
        yield ProcessGroup(distributed.get_rank(), distributed.get_world_size()), device
        distributed.barrier()  # no rank leaves while rank 0 measures and writes
    finally:
        distributed.destroy_process_group()
