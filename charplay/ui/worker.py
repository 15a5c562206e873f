"""One thread for everything that a network computes.

Forty threads that each call a network start a pool of threads each, and fight for two cores. Here calls wait in line,
and a long generation hands the line on after every chunk.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")

_THREAD = ThreadPoolExecutor(1, "inference")


def compute(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs `function` on the inference thread and returns, or raises, what it does."""
    return _THREAD.submit(function, *args, **kwargs).result()


def compute_each(items: Iterator[T]) -> Iterator[T]:
    """Draws each item of `items` on the inference thread; others have their turn in between."""
    end = object()
    while (item := compute(next, items, end)) is not end:
        yield item
