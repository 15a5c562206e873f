"""The page's requests to the process in which a copy of a model learns from a text."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from charplay.inference.engine import GenerationError
from charplay.models.checkpoints import Checkpoint
from charplay.ui import session_shares
from charplay.workers.client import WorkerProcess
from charplay.workers.protocol import WorkerRequest

DYNAMIC_EVALUATION = WorkerProcess("charplay.workers.dynamic_evaluation")


async def read_dynamically(
    checkpoint: Checkpoint, text: str, temperature: float, seed: int
) -> AsyncGenerator[dict[str, Any] | None, None]:
    """What is new of a text that is read twice: `workers.dynamic_evaluation.Update`, the last time `Result`.

    Yields None after each second without any: at a yield Gradio notices that a page has disconnected. Closing this ends
    the reading.

    Raises:
        GenerationError: it cannot be read; the sentence says why.
        ValueError: the session has one under way already.
    """
    arguments = {"checkpoint": str(checkpoint.path), "text": text, "temperature": temperature, "seed": seed}
    with session_shares.share(session_shares.DYNAMIC_TEXTS):
        async with aclosing(DYNAMIC_EVALUATION.stream(WorkerRequest("read", arguments))) as stream:
            async for responses in stream:
                for response in responses:
                    if response["failure"] is not None:
                        raise GenerationError(response["failure"])
                    yield response["update"] or response["result"]
                if not responses:
                    yield None
