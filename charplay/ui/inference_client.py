"""Where the networks of a page run: in a process of their own, so that the page answers while they compute."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from concurrent.futures import Future
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, NamedTuple

from charplay.data.batches import Comparison
from charplay.inference.classify import Classification
from charplay.inference.engine import GenerationError
from charplay.inference.generate import Request, make_request
from charplay.interpret.packing import split_rows
from charplay.interpret.prefixes import prefixes_of
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import controls
from charplay.workers.client import INFERENCE, OnAnswer, call_on


class Example(NamedTuple):
    """The text that the page opens with."""

    request: Request
    continuation: str
    seconds: float  # that the writing took


class InitialExamples(NamedTuple):
    """The models of a page, and what its tabs open with, as it is computed."""

    registry: Registry
    name: Future[Classification]
    text: Future[Example]


def compute_examples(registry: Registry) -> InitialExamples:
    """Asks for what the tabs open with; the first visitor need not wait for the process then, which is warm by it."""
    opening = InitialExamples(registry, Future(), Future())
    if registry.models["names"]:
        _read_example(registry.default("names"), opening.name)
    if registry.models["speech"]:
        _write_example(registry.default("speech"), opening.text)
    return opening


def _read_example(checkpoint: Checkpoint, read: Future[Classification]) -> None:
    def hear(answer: dict[str, Any]) -> None:
        if answer["failure"] is None:
            read.set_result(answer["result"][0])
        else:
            read.set_exception(GenerationError(answer["failure"]))

    _ask_names(checkpoint, [controls.NAME.default], controls.PRIORS[controls.PRIOR.default], hear)


def _write_example(checkpoint: Checkpoint, written: Future[Example]) -> None:
    request = make_request(
        controls.PRIME.default, controls.TEMPERATURE.default, controls.LENGTH.default, seed=controls.EXAMPLE_SEED
    )
    started = time.monotonic()

    def hear(answer: dict[str, Any]) -> None:
        if answer["failure"] is not None:
            written.set_exception(GenerationError(answer["failure"]))
        elif answer["is_done"]:
            written.set_result(Example(request, answer["text"], time.monotonic() - started))

    def begin(answer: dict[str, Any]) -> None:
        """The speed is that of the writing: the model has been read by now."""
        nonlocal started
        if not answer["is_done"]:
            return
        started = time.monotonic()
        INFERENCE.ask(_wish(checkpoint, request), hear)

    INFERENCE.ask(_wish(checkpoint, make_request(controls.PRIME.default, length=1)), begin)


def _ask_names(checkpoint: Checkpoint, names: list[str], prior: str, tell: OnAnswer) -> int:
    return INFERENCE.ask({"classify": {"checkpoint": str(checkpoint.path), "names": names, "prior": prior}}, tell)


def _wish(checkpoint: Checkpoint, request: Request) -> dict[str, Any]:
    return {"generate": {"checkpoint": str(checkpoint.path), "request": asdict(request)}}


async def classify(checkpoint: Checkpoint, name: str, prior: str) -> Classification:
    """What `inference.classify.classify` gives for one name; those of other visitors go through the network with it.

    Raises:
        GenerationError: the model failed; the sentence says what to do.
    """
    [result] = await _answer(lambda tell: _ask_names(checkpoint, [name], prior, tell))
    return result


async def query(checkpoint: Checkpoint, question: str, **arguments: Any) -> Any:
    """The answer to one of `charplay.workers.inference.QUESTIONS` about a model; arguments and answer are JSON.

    Raises:
        GenerationError: it could not be answered; the sentence says why.
    """
    asked = {"question": question, "checkpoint": str(checkpoint.path), "arguments": arguments}
    return await _answer(lambda tell: INFERENCE.ask({"ask": asked}, tell))


async def query_rows(checkpoint: Checkpoint, question: str, names: list[str], **arguments: Any) -> list[Any]:
    """The answers, lists, to a question about the rows of a batch, one after another; others have turns in between."""
    answers = []
    for rows in split_rows(names):
        answers += await query(checkpoint, question, names=rows, **arguments)
    return answers


async def differences(checkpoint: Checkpoint, comparison: Comparison) -> list[tuple[float, float]]:
    """What `packing.differences` gives for all the rows of a comparison."""
    time = len(comparison.batch_sizes)
    return await query_rows(checkpoint, "batch_differences", comparison.names, time=time)


async def _answer(send: Callable[[OnAnswer], int]) -> Any:
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
    beginnings = prefixes_of(name)
    return await _answer(lambda tell: _ask_names(checkpoint, beginnings, prior, tell))


class TextUpdate(NamedTuple):
    """What there is of a text."""

    text: str  # the continuation so far
    place: int  # in the line for a seat; 0: it is being written


async def stream_text(checkpoint: Checkpoint, request: Request) -> AsyncIterator[TextUpdate]:
    """The continuation as it grows, and before that the place in line; closing this gives up the seat.

    Raises:
        GenerationError: the model failed; the sentence says what to do.
    """
    async with aclosing(stream_texts(checkpoint, [request])) as growing:
        async for [news] in growing:
            yield news


async def stream_texts(checkpoint: Checkpoint, requests: Sequence[Request]) -> AsyncIterator[list[TextUpdate]]:
    """What `stream_text` gives, of several texts at once; closing this cancels them all, and so does a failure."""
    news = [TextUpdate("", 0)] * len(requests)
    async with aclosing(INFERENCE.answers(*(_wish(checkpoint, request) for request in requests))) as told:
        async for answers in told:
            for answer in answers:
                if answer["failure"] is not None:
                    raise GenerationError(answer["failure"])
                news[answer["of"]] = TextUpdate(answer["text"], answer["place"])
            yield news.copy()
