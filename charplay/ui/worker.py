"""Where the networks of a process run: one thread for classifying, one engine for generating.

Forty threads that each call a network start a pool of threads each, and fight for two cores. Here names wait in line
for one thread, those that arrive meanwhile going through the network together, and all generations share the engine.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, NamedTuple, ParamSpec, TypeVar

from charplay.checkpoints import Checkpoint
from charplay.engine import Engine
from charplay.generate import Request

P = ParamSpec("P")
T = TypeVar("T")
R = TypeVar("R")

ENGINE = Engine()
LOOKS = 1.0  # seconds after which a waiting reader is told the same again, which is how it is noticed that one has gone
_THREAD = ThreadPoolExecutor(1, "inference")


def compute(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs `function` on the inference thread and returns, or raises, what it does."""
    return _THREAD.submit(function, *args, **kwargs).result()


def compute_each(items: Iterator[T]) -> Iterator[T]:
    """Draws each item of `items` on the inference thread; others have their turn in between."""
    end = object()
    while (item := compute(next, items, end)) is not end:
        yield item


class Together(Generic[T, R]):
    """Calls `function` with all the items that came while its last call ran: a classroom that types at once is a batch.

    For one event loop. A failure is raised to each whose item was in the call.
    """

    def __init__(self, function: Callable[[list[T]], list[R]], most: int):
        self._function, self._most = function, most
        self._waiting: list[tuple[T, asyncio.Future[R]]] = []
        self._worker: asyncio.Task | None = None

    async def __call__(self, item: T) -> R:
        """The result for `item`."""
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((item, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._work())
        return await future

    async def _work(self) -> None:
        while self._waiting:
            taken, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
            items = [item for item, _ in taken]
            try:
                results = await asyncio.get_running_loop().run_in_executor(_THREAD, self._function, items)
            except Exception as failure:
                outcomes = [(future.set_exception, failure) for _, future in taken if not future.done()]
            else:
                pairs = zip(taken, results, strict=True)
                outcomes = [(future.set_result, result) for (_, future), result in pairs if not future.done()]
            for settle, outcome in outcomes:
                settle(outcome)
        self._worker = None


class News(NamedTuple):
    """What there is of a text."""

    text: str  # the continuation so far
    place: int  # in the line for a seat; 0: it is being written


async def follow(checkpoint: Checkpoint, request: Request) -> AsyncIterator[News]:
    """The continuation as it grows, and before that the place in line; closing this gives up the seat.

    Raises:
        GenerationError: the model failed; the sentence says what to do.
    """
    loop, told = asyncio.get_running_loop(), asyncio.Event()

    def notify() -> None:
        if not loop.is_closed():
            loop.call_soon_threadsafe(told.set)

    stream = ENGINE.submit(checkpoint, request, notify)
    try:
        is_done = False
        while not is_done:
            try:
                await asyncio.wait_for(told.wait(), LOOKS)
            except TimeoutError:
                told.set()
            told.clear()
            is_done = stream.is_done  # read first: what stands in `text` after it is at least as new
            if stream.failure is not None:
                raise stream.failure
            yield News(stream.text, stream.place)
    finally:
        stream.close()
