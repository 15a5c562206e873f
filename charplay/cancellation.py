"""Ends a computation whose result is no longer wanted: between its chunks of work it asks whether that is so."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Cancelled(BaseException):
    """Nobody waits for the result. No `Exception`: whatever takes those for failures lets this one pass."""


_is_cancelled: ContextVar[Callable[[], bool]] = ContextVar("is_cancelled", default=lambda: False)


@contextmanager
def cancellable(is_cancelled: Callable[[], bool]) -> Iterator[None]:
    """What runs in here, on this thread, raises `Cancelled` at its next `check_cancelled` once `is_cancelled()`."""
    token = _is_cancelled.set(is_cancelled)
    try:
        yield
    finally:
        _is_cancelled.reset(token)


def check_cancelled() -> None:
    """Raises `Cancelled` if nobody waits for what is being computed; without `cancellable` it never does."""
    if _is_cancelled.get()():
        raise Cancelled
