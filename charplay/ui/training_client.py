"""Asks the process that visitors' networks are trained in (`charplay.workers.training`)."""

from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charplay.workers.client import WorkerProcess

TRAINING = WorkerProcess("charplay.workers.training")
SUMMARIES = WorkerProcess(
    "charplay.workers.training"
)  # apart: the steps that a survey tries draw random numbers, as a training does


@dataclass(frozen=True)
class TrainingRequest:
    """What is to be surveyed or trained, as the workshop takes it."""

    task: str  # "names" or "speech"
    called: str  # how the page names the data
    data: dict[str, Any]  # {"text"}, {"file"} or {"set"}, and how rows are read
    preset: str
    changes: dict[str, Any]  # fields of the recipe that were chosen otherwise

    def as_request(self) -> dict[str, Any]:
        """The part of a request that surveys and trainings share."""
        return {"task": self.task, "data": self.data, "preset": self.preset, "changes": self.changes}


class Training:
    """One training: its news, and the way to stop it."""

    def __init__(self, asked: TrainingRequest, out: Path):
        """Puts it in the line; `out` is where the checkpoint will lie."""
        self.out = out
        self._request = {"train": asked.as_request() | {"out": str(out)}}
        self._number: int | None = None  # known from its first news
        self._is_stopped = False

    def stop(self) -> None:
        """Ends it with the best so far; one that has said nothing yet, as soon as it does."""
        self._is_stopped = True
        if self._number is not None:
            TRAINING.add(self._number, {"stop": True})

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """What the workshop says, the last with `is_done`; an empty message where it says nothing for a second.

        Closing this ends the training, and nothing is kept: that it is asked every second is how a page that has been
        closed is noticed.

        Raises:
            ValueError: it cannot be trained; the sentence says why.
        """
        async with aclosing(TRAINING.answers(self._request)) as told:
            async for answers in told:
                for answer in answers:
                    self._number = answer["id"]
                    if answer["failure"] is not None:
                        raise ValueError(answer["failure"])
                    yield answer
                if self._is_stopped:
                    self.stop()
                if not answers:
                    yield {"is_done": False}


def warm() -> None:
    """Starts the process, so that who presses Train need not wait for it."""
    TRAINING.forget(TRAINING.ask({}, lambda answer: None))


async def summarize(asked: TrainingRequest) -> dict[str, Any]:
    """What `charplay.training.data_summary.summarize` finds.

    Raises:
        ValueError: the data or a setting cannot be used; the sentence says what to change.
    """
    async with aclosing(SUMMARIES.answers({"survey": asked.as_request()})) as told:
        async for answers in told:
            for answer in answers:
                if answer["failure"] is not None:
                    raise ValueError(answer["failure"])
                return answer["result"]
    raise RuntimeError("A survey ended without an answer.")
