"""The page's requests to the process that its models run in, so that it stays responsive while they compute."""

import functools
import time
from collections.abc import AsyncGenerator, Callable, Sequence
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
from charplay.ui import controls, session_shares
from charplay.ui.disconnects import is_disconnected
from charplay.workers.client import INFERENCE
from charplay.workers.protocol import Response, WorkerRequest


class Example(NamedTuple):
    """The text that the page opens with."""

    request: Request
    continuation: str
    seconds: float  # that generating it took


NextCharacters = list[list[tuple[str, float]]]  # as `interpret.surprisal.likeliest_next` gives them
PRIME_POSITIONS = 10  # the prime's last characters whose likeliest next ones are shown


class InitialExamples(NamedTuple):
    """The models of a page, and what its tabs open with, as it is computed."""

    registry: Registry
    name: Future[Classification]
    text: Future[Example]
    next_characters: Future[NextCharacters]  # of the prime that Speech opens with


def compute_examples(registry: Registry) -> InitialExamples:
    """Requests what the tabs open with; after it the process is warm for the first visitor."""
    initial = InitialExamples(registry, Future(), Future(), Future())
    if registry.models["names"]:
        _classify_example(registry.default("names"), initial.name)
    if registry.models["speech"]:
        _generate_example(registry.default("speech"), initial.text)
        _predict_example(registry.default("speech"), initial.next_characters)
    return initial


def _classify_example(checkpoint: Checkpoint, example: Future[Classification]) -> None:
    prior = controls.PRIORS[controls.PRIOR.default]
    request = _classification(checkpoint, [controls.NAME.default], prior)
    INFERENCE.send(request, functools.partial(_resolve, example, lambda results: results[0]))


def _predict_example(checkpoint: Checkpoint, example: Future[NextCharacters]) -> None:
    arguments = {"text": controls.PRIME.default, "positions": PRIME_POSITIONS}
    request = _question(checkpoint, "likeliest_next", arguments)
    INFERENCE.send(request, functools.partial(_resolve, example, lambda result: result))


def _resolve(example: Future, read: Callable[[Any], Any], response: Response) -> None:
    """Gives the future of an example what `read` makes of the only response to its request."""
    if response["failure"] is None:
        example.set_result(read(response["result"]))
    else:
        example.set_exception(GenerationError(response["failure"]))


def _generate_example(checkpoint: Checkpoint, example: Future[Example]) -> None:
    request = make_request(
        controls.PRIME.default, controls.TEMPERATURE.default, controls.LENGTH.default, seed=controls.EXAMPLE_SEED
    )
    started = time.monotonic()

    def on_response(response: Response) -> None:
        if response["failure"] is not None:
            example.set_exception(GenerationError(response["failure"]))
        elif response["is_done"]:
            example.set_result(Example(request, response["result"]["text"], time.monotonic() - started))

    def on_loaded(response: Response) -> None:
        """The time is that of the generation: the model is in memory by now."""
        nonlocal started
        if not response["is_done"]:
            return
        started = time.monotonic()
        INFERENCE.send(_generation(checkpoint, request), on_response)

    INFERENCE.send(_generation(checkpoint, make_request(controls.PRIME.default, length=1)), on_loaded)


def _classification(checkpoint: Checkpoint, names: list[str], prior: str, are_read: bool = False) -> WorkerRequest:
    request = {"checkpoint": str(checkpoint.path), "names": names, "prior": prior, "are_read": are_read}
    return WorkerRequest("classify", request)


def _generation(checkpoint: Checkpoint, request: Request) -> WorkerRequest:
    return WorkerRequest("generate", {"checkpoint": str(checkpoint.path), "request": asdict(request)})


def _question(checkpoint: Checkpoint, question: str, arguments: dict[str, Any]) -> WorkerRequest:
    parts = {"question": question, "checkpoint": str(checkpoint.path), "arguments": arguments}
    return WorkerRequest("question", parts)


async def classify(checkpoint: Checkpoint, name: str, prior: str) -> Classification:
    """What `inference.classify.classify` gives for one name; those of other visitors share its batch.

    Raises:
        GenerationError: the model failed; the sentence says what to do.
        ValueError: the session has its whole share under way.
    """
    [result] = await _result(_classification(checkpoint, [name], prior), session_shares.CLASSIFICATIONS)
    return result


async def classify_prefixes(checkpoint: Checkpoint, name: str, prior: str) -> list[Classification]:
    """What `classify` gives for each prefix of a name, the whole last: one request, and one forward pass."""
    request = _classification(checkpoint, prefixes_of(checkpoint, name), prior, are_read=True)
    return await _result(request, session_shares.CLASSIFICATIONS)


async def query(checkpoint: Checkpoint, question: str, **arguments: Any) -> Any:
    """The answer to one of `charplay.workers.inference.QUESTIONS` about a model; arguments and answer are JSON.

    Raises:
        GenerationError: it could not be answered; the sentence says why.
        ValueError: the session has its whole share under way.
    """
    return await _result(_question(checkpoint, question, arguments), session_shares.QUESTIONS)


async def query_rows(checkpoint: Checkpoint, question: str, names: list[str], **arguments: Any) -> list[Any]:
    """The answers, lists, to a question about the rows of a batch, a part at a time: other questions go in between."""
    answers = []
    for rows in split_rows(names):
        answers += await query(checkpoint, question, names=rows, **arguments)
    return answers


async def differences(checkpoint: Checkpoint, comparison: Comparison) -> list[tuple[float, float]]:
    """What `packing.state_differences` gives for all the rows of a comparison."""
    time_steps = len(comparison.batch_sizes)
    return await query_rows(checkpoint, "state_differences", comparison.names, time=time_steps)


async def _result(request: WorkerRequest, kind: str) -> Any:
    """The result of a request that has one response; `kind` is that of the share it takes."""
    with session_shares.share(kind):
        response = await INFERENCE.request(request, is_disconnected)
    if response["failure"] is not None:
        raise GenerationError(response["failure"])
    return response["result"]


class TextUpdate(NamedTuple):
    """A text as it grows."""

    text: str  # the continuation so far
    queue_position: int  # 0: it is being generated


async def stream_text(checkpoint: Checkpoint, request: Request) -> AsyncGenerator[TextUpdate, None]:
    """The continuation as it grows, and before that its queue position; closing this frees the slot.

    Raises:
        GenerationError: the model failed; the sentence says what to do.
        ValueError: the session has its whole share under way.
    """
    async with aclosing(stream_texts(checkpoint, [request])) as stream:
        async for [update] in stream:
            yield update


async def stream_texts(checkpoint: Checkpoint, requests: Sequence[Request]) -> AsyncGenerator[list[TextUpdate], None]:
    """What `stream_text` gives, of several texts at once; closing this cancels them all, and so does a failure."""
    updates = [TextUpdate("", 0)] * len(requests)
    generations = [_generation(checkpoint, request) for request in requests]
    with session_shares.share(session_shares.TEXTS, len(requests)):
        async with aclosing(INFERENCE.stream(*generations)) as stream:
            async for responses in stream:
                for response in responses:
                    if response["failure"] is not None:
                        raise GenerationError(response["failure"])
                    updates[response["index"]] = TextUpdate(**(response["update"] or response["result"]))
                yield updates.copy()
