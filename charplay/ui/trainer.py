"""Asks the process that visitors' networks are trained in (`charplay.workshop`)."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from charplay.ui.process import Process
from charplay.ui.worker import LOOKS

WORKSHOP = Process("charplay.workshop")
SURVEYS = Process("charplay.workshop")  # apart: the steps that a survey tries draw random numbers, as a training does


@dataclass(frozen=True)
class Asked:
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

    def __init__(self, asked: Asked, out: Path):
        """Puts it in the line; `out` is where the checkpoint will lie."""
        self.out = out
        self._request = {"train": asked.as_request() | {"out": str(out)}}
        self._number: int | None = None

    def stop(self) -> None:
        """Ends it with the best so far."""
        if self._number is not None:
            WORKSHOP.add(self._number, {"stop": True})

    async def follow(self) -> AsyncIterator[dict[str, Any]]:
        """What the workshop says, the last with `is_done`; an empty message where it says nothing for a second.

        Closing this ends the training, and nothing is kept: that it is asked every second is how a page that has been
        closed is noticed.

        Raises:
            ValueError: it cannot be trained; the sentence says why.
        """
        loop = asyncio.get_running_loop()
        heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._number = WORKSHOP.ask(self._request, lambda answer: _on(loop, heard, answer))
        try:
            is_done = False
            while not is_done:
                try:
                    message = await asyncio.wait_for(heard.get(), LOOKS)
                except TimeoutError:
                    message = {"is_done": False}
                if message.get("failure") is not None:
                    raise ValueError(message["failure"])
                is_done = message["is_done"]
                yield message
        finally:
            WORKSHOP.forget(self._number)


async def survey(asked: Asked) -> dict[str, Any]:
    """What `charplay.survey.survey` finds.

    Raises:
        ValueError: the data or a setting cannot be used; the sentence says what to change.
    """
    loop = asyncio.get_running_loop()
    heard: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
    number = SURVEYS.ask({"survey": asked.as_request()}, lambda answer: _on(loop, heard, answer))
    try:
        answer = await heard.get()
    finally:
        SURVEYS.forget(number)
    if answer["failure"] is not None:
        raise ValueError(answer["failure"])
    return answer["result"]


def _on(loop: asyncio.AbstractEventLoop, heard: asyncio.Queue, answer: dict[str, Any]) -> None:
    """Hands an answer to the loop's thread; a loop that has ended has nobody left to tell."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(heard.put_nowait, answer)
