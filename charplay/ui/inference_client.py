"""The page's requests to the process that its models run in, so that it stays responsive while they compute."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any, NamedTuple

from charplay import limits
from charplay.data.batches import Comparison
from charplay.inference.classify import Classification
from charplay.inference.engine import GenerationError
from charplay.inference.generation import Request
from charplay.interpret.packing import split_rows
from charplay.interpret.prefixes import prefixes_of
from charplay.models.checkpoints import Checkpoint
from charplay.ui import session_shares
from charplay.ui.disconnects import is_disconnected
from charplay.ui.worker_requests import classification, classification_of_steps, generation, question_about
from charplay.workers.client import CLIENT_DISCONNECTED, INFERENCE
from charplay.workers.inference import is_long
from charplay.workers.protocol import Response, WorkerRequest


async def classify(checkpoint: Checkpoint, name: str, prior: str) -> Classification:
    """What `inference.classify.classify` gives for one name; those of other visitors share its batch.

    Raises:
        GenerationError: the model failed; the sentence says what to do.
        ValueError: the session has its whole share under way.
    """
    [result] = await _result(classification(checkpoint, [name], prior), session_shares.CLASSIFICATIONS)
    return result


async def classify_names(checkpoint: Checkpoint, names: Sequence[str]) -> list[Classification]:
    """What `inference.classify.classify` gives for several names, in one request."""
    return await _result(classification(checkpoint, list(names), "data"), session_shares.CLASSIFICATIONS)


async def classify_prefixes(checkpoint: Checkpoint, name: str, prior: str) -> list[Classification]:
    """What `classify` gives for each prefix of a name, the whole last: one request, and one forward pass.

    Of a long text those that end with its last letters.
    """
    shown = prefixes_of(checkpoint, name)[-limits.MAX_SHOWN_LETTERS :]
    request = classification(checkpoint, shown, prior, are_read=True)
    return await _result(request, session_shares.CLASSIFICATIONS)


async def classify_steps(checkpoint: Checkpoint, text: str, prior: str) -> list[Classification]:
    """What `classify` gives for the prefixes of a text that are drawn, the whole last, in one request."""
    return await _result(classification_of_steps(checkpoint, text, prior), session_shares.CLASSIFICATIONS)


async def query(checkpoint: Checkpoint, question: str, **arguments: Any) -> Any:
    """The answer to one of `charplay.workers.inference.QUESTIONS` about a model; arguments and answer are JSON.

    Raises:
        GenerationError: it could not be answered; the sentence says why.
        ValueError: the session has its whole share under way.
    """
    request = question_about(checkpoint, question, arguments)
    if not is_long(question, arguments):
        return await _result(request, session_shares.QUESTIONS)
    with session_shares.share(session_shares.QUESTIONS):
        async with session_shares.turn():
            if is_disconnected():
                raise GenerationError(CLIENT_DISCONNECTED)
            return _check(await INFERENCE.request(request, is_disconnected))


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
        return _check(await INFERENCE.request(request, is_disconnected))


def _check(response: Response) -> Any:
    """The result of a response, if it has one."""
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
    generations = [generation(checkpoint, request) for request in requests]
    with session_shares.share(session_shares.TEXTS, len(requests)):
        async with aclosing(INFERENCE.stream(*generations)) as stream:
            async for responses in stream:
                for response in responses:
                    if response["failure"] is not None:
                        raise GenerationError(response["failure"])
                    updates[response["index"]] = TextUpdate(**(response["update"] or response["result"]))
                yield updates.copy()
