"""How a speed is measured: runs in turn, each on a thread of its own."""

import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import torch

P = ParamSpec("P")
T = TypeVar("T")

SECONDS_PER_FIGURE = 5.0  # of measuring


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Limits PyTorch to one thread; several would wait for each other where a core is in other use.

    Measure nothing else in the process afterwards: once the number of threads has been set, MKL uses all of them for
    small products too, which made the lecture's loop half as fast.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def on_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls `function` on a new thread, which ends with it.

    PyTorch keeps a thread pool for every thread that computes; a pool that outlives its work slows the next one.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *args, **kwargs).result()


def per_second(runs: Mapping[str, tuple[Callable[[int], Any], int]], seconds: float | None = None) -> dict[str, float]:
    """Calls each run(count) in turn until each has had its seconds, and returns count / seconds of each.

    In turn, so that other load on the machine slows all of them alike.

    Args:
        runs: name -> the function that is measured, and the count that it is called with.
        seconds: of measuring each; None: `SECONDS_PER_FIGURE`.
    """
    seconds = SECONDS_PER_FIGURE if seconds is None else seconds
    calls, spent = dict.fromkeys(runs, 0), dict.fromkeys(runs, 0.0)
    for run, count in runs.values():
        on_own_thread(run, count)  # to warm up
    while min(spent.values()) < seconds:
        for name, (run, count) in runs.items():
            if spent[name] < seconds:
                start = time.perf_counter()
                on_own_thread(run, count)
                calls[name], spent[name] = calls[name] + 1, spent[name] + time.perf_counter() - start
    return {name: calls[name] * count / spent[name] for name, (_, count) in runs.items()}
