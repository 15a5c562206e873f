"""The page's requests to the processes that summarize visitors' data and train on them (`charplay.workers`)."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charplay.workers.client import WorkerProcess
from charplay.workers.protocol import Response, WorkerRequest

TRAINING = WorkerProcess("charplay.workers.training")
SUMMARIES = WorkerProcess("charplay.workers.summaries")


class SettingsError(ValueError):
    """The data can be used, a setting of the training cannot."""


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be summarized or trained."""

    task: str  # "names", "speech" or "invent"
    called: str  # what the page calls the data
    data: dict[str, Any]  # {"text"}, {"file"} or {"built_in"}, and how rows are read
    preset: str
    changes: dict[str, Any]  # fields of the recipe that were chosen otherwise
    start: str | None = None  # the path of a checkpoint to go on from; None: a new network

    def as_arguments(self) -> dict[str, Any]:
        """The arguments that summaries and trainings share."""
        return {
            "task": self.task,
            "data": self.data,
            "preset": self.preset,
            "changes": self.changes,
            "start": self.start,
        }


class Training:
    """One training of a page."""

    def __init__(self, request: TrainingRequest, out: Path, expected_seconds: float | None = None):
        """The training is requested by `follow`.

        Args:
            request: what to train.
            out: where the checkpoint will lie.
            expected_seconds: what a summary estimated, for those who wait behind it.
        """
        self.out = out
        arguments = request.as_arguments() | {"out": str(out), "expected_seconds": expected_seconds}
        self._request = WorkerRequest("train", arguments)
        self._request_id: int | None = None  # known from its first response
        self._is_stopped = False

    def stop(self) -> None:
        """Ends it with the best so far; one without a response yet, as soon as there is one."""
        self._is_stopped = True
        if self._request_id is not None:
            TRAINING.send_about(self._request_id, "stop")

    async def follow(self) -> AsyncGenerator[Response | None, None]:
        """The responses of the worker to the last one; None after each second without any.

        Closing this ends the training, and nothing is kept.

        Raises:
            ValueError: it cannot be trained; the sentence says why.
        """
        async with aclosing(TRAINING.stream(self._request)) as stream:
            async for responses in stream:
                for response in responses:
                    self._request_id = response["id"]
                    if response["failure"] is not None:
                        raise ValueError(response["failure"])
                    yield response
                if self._is_stopped:
                    self.stop()
                if not responses:
                    yield None


def warm() -> None:
    """Starts the process, so that Train need not wait for it."""
    TRAINING.start()


async def summarize(request: TrainingRequest) -> AsyncGenerator[dict[str, Any] | None, None]:
    """What `charplay.training.data_summary.summarize` finds, at first perhaps without an estimate of the duration.

    Yields None after each second without an answer: at a yield Gradio notices that a page has disconnected.

    Raises:
        SettingsError: a setting cannot be used; the sentence says what to change.
        ValueError: the data cannot be used.
    """
    async with aclosing(SUMMARIES.stream(WorkerRequest("summarize", request.as_arguments()))) as stream:
        async for responses in stream:
            for response in responses:
                if response["failure"] is not None:
                    raise (SettingsError if response["result"] else ValueError)(response["failure"])
                yield response["update"] or response["result"]
            if not responses:
                yield None
