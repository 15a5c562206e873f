"""Where the networks of a page run: in a process of their own, so that the page answers while they compute."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, NamedTuple

from charplay.batches import Comparison
from charplay.checkpoints import Checkpoint, Shelf
from charplay.classify import Classification
from charplay.engine import GenerationError
from charplay.explain import prefixes
from charplay.generate import Request, make_request
from charplay.packing import in_parts
from charplay.ui.process import Process, Tell, call_on

NETWORKS = Process("charplay.host")


def warm(shelf: Shelf) -> None:
    """Has the default models read a letter and write one: then the first visitor need not wait for the process."""

    def nobody(answer: dict[str, Any]) -> None:
        """Hears it."""

    if shelf.models["names"]:
        _ask_names(shelf.default("names"), ["a"], "data", nobody)
    if shelf.models["speech"]:
        NETWORKS.ask(_wish(shelf.default("speech"), make_request("a", length=1)), nobody)


def _ask_names(checkpoint: Checkpoint, names: list[str], prior: str, tell: Tell) -> int:
    return NETWORKS.ask({"classify": {"checkpoint": str(checkpoint.path), "names": names, "prior": prior}}, tell)


def _wish(checkpoint: Checkpoint, request: Request) -> dict[str, Any]:
    return {"generate": {"checkpoint": str(checkpoint.path), "request": asdict(request)}}


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


async def ask_in_parts(checkpoint: Checkpoint, question: str, names: list[str], **arguments: Any) -> list[Any]:
    """The answers, lists, to a question about the rows of a batch, one after another; others have turns in between."""
    answers = []
    for rows in in_parts(names):
        answers += await ask(checkpoint, question, names=rows, **arguments)
    return answers


async def differences(checkpoint: Checkpoint, comparison: Comparison) -> list[tuple[float, float]]:
    """What `packing.differences` gives for all the rows of a comparison."""
    time = len(comparison.batch_sizes)
    return await ask_in_parts(checkpoint, "batch_differences", comparison.names, time=time)


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
    news = [News("", 0)] * len(requests)
    async with aclosing(NETWORKS.answers(*(_wish(checkpoint, request) for request in requests))) as told:
        async for answers in told:
            for answer in answers:
                if answer["failure"] is not None:
                    raise GenerationError(answer["failure"])
                news[answer["of"]] = News(answer["text"], answer["place"])
            yield news.copy()
