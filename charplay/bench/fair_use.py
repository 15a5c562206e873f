"""What a training costs the rest of a class: the load of a classroom without one and beside one, on one machine."""

import asyncio
import math
import random
import string
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from charplay import limits
from charplay.bench.classroom import ANSWER_TIMEOUT_SECONDS, classroom, launched_app
from charplay.workers.client import WorkerProcess
from charplay.workers.protocol import Response, WorkerRequest

TRAINING_CHARACTERS = 500_000  # length of the text that is trained on: random letters, since only the load matters
EPOCHS = 500  # epochs of a training: more than it has time for
PRESET = "medium"  # the larger size that a page offers
WARM_UP_SECONDS = 1.0  # of load that is not measured
FIRST_STEP_TIMEOUT_SECONDS = 120.0  # seconds until a training must have taken its first steps
COMPARED = ("typing_p95_s", "first_text_p95_s")


class BackgroundTrainings:
    """The training worker, as a page starts it, kept at work: one training after the other, the next queued."""

    def __init__(self, number: int, directory: Path):
        self._worker = WorkerProcess("charplay.workers.training")
        self._changed = threading.Condition()
        self._remaining = number  # trainings that have not ended
        self._per_second: float | None = None  # characters, of the last progress
        self._failure: str | None = None  # of the last training that has ended
        letters = random.Random(1).choices(string.ascii_lowercase + " ", k=TRAINING_CHARACTERS)
        arguments = {
            "task": "speech",
            "data": {"text": "".join(letters)},
            "preset": PRESET,
            "changes": {"epochs": EPOCHS},
        }
        for index in range(number):
            out = str(directory / f"{index}.safetensors")
            self._worker.send(WorkerRequest("train", arguments | {"out": out}), self._receive)

    def wait_for_steps(self) -> None:
        """Waits until the first training takes steps.

        Raises:
            ValueError: none does.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._per_second or not self._remaining, FIRST_STEP_TIMEOUT_SECONDS)
        self.characters_per_second()

    def characters_per_second(self) -> float:
        """The speed of the training that is running.

        Raises:
            ValueError: none is.
        """
        if not (self._remaining and self._per_second):
            raise ValueError(f"No training is running: {self._failure or 'none has taken a step.'}")
        return self._per_second

    def close(self) -> None:
        """Ends them all, and the process."""
        self._worker.kill()

    def _receive(self, response: Response) -> None:
        with self._changed:
            if response["is_done"]:
                self._remaining, self._failure = self._remaining - 1, response["failure"]
            elif (update := response["update"] or {}).get("kind") == "progress":
                self._per_second = update["per_second"]
            self._changed.notify_all()


@contextmanager
def background_trainings(seconds: float) -> Iterator[BackgroundTrainings]:
    """Trainings that take steps for at least `seconds`, each until its time is up."""
    number = math.ceil(seconds / limits.MAX_USER_TRAINING_SECONDS) + 1
    with tempfile.TemporaryDirectory() as directory:
        trainings = BackgroundTrainings(number, Path(directory))
        try:
            trainings.wait_for_steps()
            yield trainings
        finally:
            trainings.close()


def bench_fair_use(students: int, seconds: float, is_open: bool = False) -> dict[str, Any]:
    """The same load (`classroom`) twice on one app: with nothing beside it, then beside a training.

    Returns:
        both results, the training's characters per second under load, and the ratios of the 95th percentiles.

    Raises:
        ValueError: the app did not start, or the training ended before the load did.
    """
    with launched_app() as (port, process, _):

        def load(seconds: float) -> dict[str, Any]:
            return asyncio.run(classroom(port, process, students, seconds, is_open))

        load(WARM_UP_SECONDS)  # the first answers of an app take longer
        without = load(seconds)
        with background_trainings(seconds + ANSWER_TIMEOUT_SECONDS) as trainings:
            beside = load(seconds)
            per_second = trainings.characters_per_second()
    ratios = {key.removesuffix("_s") + "_ratio": _ratio(beside[key], without[key]) for key in COMPARED}
    return {"without": without, "beside": beside, "training_characters_per_second": per_second, **ratios}


def _ratio(beside: float | None, without: float | None) -> float | None:
    """None if one of the two has no value: no request was answered."""
    return beside / without if beside and without else None
