"""What a visitor's training costs everybody else: a classroom's load without one and beside one, on one machine."""

import json
import math
import random
import string
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from charplay import limits
from charplay.bench.classroom import ANSWER_TIMEOUT_SECONDS, START_TIMEOUT_SECONDS, bench_load

TRAINING_CHARACTERS = (
    500_000  # of the text that is trained on, random letters: what they say does not matter to the load
)
EPOCHS = 500  # more than a training may last
PRESET = "medium"  # the larger size that a page offers
FIRST_STEP_TIMEOUT_SECONDS = 120.0  # seconds
COMPARED = ("typing_p95_s", "first_text_p95_s")


class BackgroundTrainings:
    """The workshop, as a page starts it, kept at work: one training after the other, the next waiting in line."""

    def __init__(self, number: int, directory: Path):
        self._process = subprocess.Popen(
            [sys.executable, "-m", "charplay.workers.training"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        self._changed = threading.Condition()
        self._left, self._per_second, self._failure = number, None, None
        letters = random.Random(1).choices(string.ascii_lowercase + " ", k=TRAINING_CHARACTERS)
        asked = {"task": "speech", "data": {"text": "".join(letters)}, "preset": PRESET, "changes": {"epochs": EPOCHS}}
        threading.Thread(target=self._listen, name="trainings", daemon=True).start()
        for identity in range(number):
            out = str(directory / f"{identity}.safetensors")
            self._process.stdin.write(json.dumps({"id": identity, "train": asked | {"out": out}}).encode() + b"\n")
        self._process.stdin.flush()

    def wait_for_steps(self) -> None:
        """Returns once the first training takes its steps.

        Raises:
            ValueError: it does not come to that.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._per_second or not self._left, FIRST_STEP_TIMEOUT_SECONDS)
        self.characters_per_second()

    def characters_per_second(self) -> float:
        """How fast the training that is running is.

        Raises:
            ValueError: none is.
        """
        if not (self._left and self._per_second):
            raise ValueError(f"No training is running: {self._failure or 'none has taken a step.'}")
        return self._per_second

    def close(self) -> None:
        """Ends them all, and the process."""
        self._process.stdin.close()
        self._process.wait()

    def _listen(self) -> None:
        for line in self._process.stdout:
            answer = json.loads(line)
            with self._changed:
                if answer["is_done"]:
                    self._left, self._failure = self._left - 1, answer["failure"]
                elif answer["news"]["kind"] == "progress":
                    self._per_second = answer["news"]["per_second"]
                self._changed.notify_all()
        with self._changed:
            self._left = 0
            self._changed.notify_all()


@contextmanager
def background_trainings(seconds: float) -> Iterator[BackgroundTrainings]:
    """Has trainings take their steps for at least `seconds`, each until its time is up."""
    number = math.ceil(seconds / limits.MAX_USER_TRAINING_SECONDS) + 1
    with tempfile.TemporaryDirectory() as directory:
        trainings = BackgroundTrainings(number, Path(directory))
        try:
            trainings.wait_for_steps()
            yield trainings
        finally:
            trainings.close()


def bench_fair_use(students: int, seconds: float) -> dict[str, Any]:
    """The same load (`bench_load`) twice: with nothing beside it, then beside a training.

    Returns:
        Both results, the training's characters per second under load, and how many times longer 95 of 100 answers took.

    Raises:
        ValueError: the app did not start, or the training ended before the load did.
    """
    without = bench_load(students, seconds)
    with background_trainings(START_TIMEOUT_SECONDS + seconds + ANSWER_TIMEOUT_SECONDS) as trainings:
        beside = bench_load(students, seconds)
        per_second = trainings.characters_per_second()
    ratios = {key.removesuffix("_s") + "_ratio": _ratio(beside[key], without[key]) for key in COMPARED}
    return {"without": without, "beside": beside, "training_characters_per_second": per_second, **ratios}


def _ratio(longer: float | None, shorter: float | None) -> float | None:
    """None if nobody was answered in one of the two."""
    return longer / shorter if longer and shorter else None
