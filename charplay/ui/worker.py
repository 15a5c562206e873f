"""Where the networks of a page run: in a process of their own, so that the page answers while they compute.

What a page asks now and then, a batch to be drawn, runs here on one thread.
"""

import asyncio
import functools
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, NamedTuple, ParamSpec, TypeVar

from charplay.checkpoints import Checkpoint, Shelf
from charplay.classify import Classification
from charplay.engine import GenerationError
from charplay.explain import prefixes
from charplay.generate import Request, make_request
from charplay.ui.process import LOOKS, Process, Tell, call_on

P = ParamSpec("P")
T = TypeVar("T")

TOGETHER = 0.04  # seconds in which the news of texts that are followed together arrive: they become one message
_THREAD = ThreadPoolExecutor(1, "inference")


def compute(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Runs `function` on the inference thread and returns, or raises, what it does."""
    return _THREAD.submit(function, *args, **kwargs).result()


def compute_each(items: Iterator[T]) -> Iterator[T]:
    """Draws each item of `items` on the inference thread; others have their turn in between."""
    end = object()
    while (item := compute(next, items, end)) is not end:
        yield item


NETWORKS = Process("charplay.host")


def warm(shelf: Shelf) -> None:
    """Has the default models read a letter and write one: then the first visitor need not wait for the process."""

    def nobody(answer: dict[str, Any]) -> None:
        """Hears it."""

    if shelf.models["names"]:
        _ask_names(shelf.default("names"), ["a"], "data", nobody)
    if shelf.models["speech"]:
        _ask_text(shelf.default("speech"), make_request("a", length=1), nobody)


def _ask_names(checkpoint: Checkpoint, names: list[str], prior: str, tell: Tell) -> int:
    return NETWORKS.ask({"classify": {"checkpoint": str(checkpoint.path), "names": names, "prior": prior}}, tell)


def _ask_text(checkpoint: Checkpoint, request: Request, tell: Tell) -> int:
    return NETWORKS.ask({"generate": {"checkpoint": str(checkpoint.path), "request": asdict(request)}}, tell)


async def classify(checkpoint: Checkpoint, name: str, prior: str) -> Classification:
    """What `charplay.classify.classify` gives for one name; those of other visitors go through the network with it.

    Raises:
        GenerationError: the model failed; the sentence says what to do.
    """
    [result] = await _answer(lambda tell: _ask_names(checkpoint, [name], prior, tell))
    return result


async def ask(checkpoint: Checkpoint, question: str, **arguments: Any) -> Any:
    """The answer to one of `charplay.host.QUESTIONS` about a model; arguments and answer are JSON.

    Raises:
        GenerationError: it could not be answered; the sentence says why.
    """
    asked = {"question": question, "checkpoint": str(checkpoint.path), "arguments": arguments}
    return await _answer(lambda tell: NETWORKS.ask({"ask": asked}, tell))


async def _answer(send: Callable[[Tell], int]) -> Any:
    """The result of a request that gets one answer."""
    loop = asyncio.get_running_loop()
    answered: asyncio.Future[dict[str, Any]] = loop.create_future()

    def settle(answer: dict[str, Any]) -> None:
        if not answered.done():
            answered.set_result(answer)

    send(lambda answer: call_on(loop, settle, answer))
    answer = await answered
    if answer["failure"] is not None:
        raise GenerationError(answer["failure"])
    return answer["result"]


async def classify_prefixes(checkpoint: Checkpoint, name: str, prior: str) -> list[Classification]:
    """What `classify` gives for each beginning of a name, the whole last: one request, and one run of the network."""
    beginnings = prefixes(name)
    return await _answer(lambda tell: _ask_names(checkpoint, beginnings, prior, tell))


class News(NamedTuple):
    """What there is of a text."""

    text: str  # the continuation so far
    place: int  # in the line for a seat; 0: it is being written


async def follow(checkpoint: Checkpoint, request: Request) -> AsyncIterator[News]:
    """The continuation as it grows, and before that the place in line; closing this gives up the seat.

    Raises:
        GenerationError: the model failed; the sentence says what to do.
    """
    async with aclosing(follow_all(checkpoint, [request])) as growing:
        async for [news] in growing:
            yield news


async def follow_all(checkpoint: Checkpoint, requests: Sequence[Request]) -> AsyncIterator[list[News]]:
    """What `follow` gives, of several texts at once; closing this gives up all their seats, and so does a failure."""
    loop, told = asyncio.get_running_loop(), asyncio.Event()
    answers: list[dict[str, Any]] = [{"text": "", "place": 0, "is_done": False, "failure": None} for _ in requests]

    def hear(answer: dict[str, Any], newer: dict[str, Any]) -> None:
        answer.update(newer)
        told.set()

    def ask(request: Request, answer: dict[str, Any]) -> int:
        return _ask_text(checkpoint, request, lambda newer: call_on(loop, functools.partial(hear, answer), newer))

    numbers = []
    try:
        numbers += map(ask, requests, answers)
        is_done = False
        while not is_done:
            try:
                await asyncio.wait_for(told.wait(), LOOKS)
                if len(requests) > 1:
                    await asyncio.sleep(TOGETHER)
            except TimeoutError:
                told.set()  # nothing new, but the yield is where it is noticed that the reader has gone
            told.clear()
            is_done = all(answer["is_done"] for answer in answers)  # before the yield, after which there may be more
            for answer in answers:
                if answer["failure"] is not None:
                    raise GenerationError(answer["failure"])
            yield [News(answer["text"], answer["place"]) for answer in answers]
    finally:
        for number in numbers:
            NETWORKS.forget(number)
