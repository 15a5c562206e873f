"""Kills each worker process at random moments under load: python -m tests.robustness.kills prints JSON.

After every SIGKILL each waiting request gets an answer or a sentence, and the next request works.
"""

import argparse
import json
import os
import random
import signal
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from charplay.inference.generation import make_request
from charplay.models import checkpoints
from charplay.training.teacher_forcing import make_settings
from charplay.workers.client import WorkerProcess
from charplay.workers.protocol import Response, WorkerRequest

MAX_SECONDS = 5.0  # from a kill to the last response of every request that waited
NEXT_SECONDS = 120.0  # in which the next request must be answered; a process starts within them
REQUESTS = 12  # under load at the same time
LONGEST_PAUSE_SECONDS = 2.0  # between the requests and the kill


class Waiting:
    """Requests that wait for their last response."""

    def __init__(self, worker: WorkerProcess, requests: list[WorkerRequest]):
        self._changed = threading.Condition()
        self.last: dict[int, Response] = {}  # number of a request -> its last response
        self._count = len(requests)
        for number, request in enumerate(requests):
            worker.send(request, lambda response, number=number: self._receive(number, response))

    def _receive(self, number: int, response: Response) -> None:
        if response["is_done"]:
            with self._changed:
                self.last[number] = response
                self._changed.notify_all()

    def wait(self, seconds: float) -> bool:
        """Waits until all have had their last response; whether they have."""
        with self._changed:
            return self._changed.wait_for(lambda: len(self.last) == self._count, seconds)


def inference_load(directory: Path) -> tuple[list[WorkerRequest], WorkerRequest]:
    """Requests that take a while, and one that is answered at once."""
    registry = checkpoints.load_all(checkpoints.SHIPPED_DIRECTORY)
    names, speech = (str(registry.default(task).path) for task in ("names", "speech"))
    classify = WorkerRequest("classify", {"checkpoint": names, "names": ["Rossi"], "prior": "data"})
    text = asdict(make_request("We ", length=2_000, seed=1))
    attribution = {"name": "Rossi", "prior": "data", "country": None}
    question = {"question": "attribution", "checkpoint": names, "arguments": attribution}
    return [
        classify,
        WorkerRequest("generate", {"checkpoint": speech, "request": text}),
        WorkerRequest("question", question),
    ], classify


def _user_rows() -> dict[str, Any]:
    rows = "".join(f"{name}{number},{name}\n" for number in range(30) for name in ("anna", "otto"))
    return {"task": "names", "data": {"text": rows}, "preset": "small"}


def training_load(directory: Path) -> tuple[list[WorkerRequest], WorkerRequest]:
    """As `inference_load`."""
    arguments = _user_rows() | {"out": str(directory / "trained.safetensors")}
    long, short = (WorkerRequest("train", arguments | {"changes": {"epochs": epochs}}) for epochs in (100, 1))
    return [long], short


def summaries_load(directory: Path) -> tuple[list[WorkerRequest], WorkerRequest]:
    """As `inference_load`."""
    summarize = WorkerRequest("summarize", _user_rows() | {"changes": {"epochs": 1}})
    return [summarize], summarize


def teacher_forcing_load(directory: Path) -> tuple[list[WorkerRequest], WorkerRequest]:
    """As `inference_load`."""
    settings = asdict(make_settings("hi! This is sung", "gru", 16, 0.01, 1, 0.5))
    start = WorkerRequest("start", {"settings": settings, "page": ""})
    return [start], WorkerRequest("preview", {"settings": settings, "epochs": 1})


def dynamic_evaluation_load(directory: Path) -> tuple[list[WorkerRequest], WorkerRequest]:
    """As `inference_load`."""
    speech = str(checkpoints.load_all(checkpoints.SHIPPED_DIRECTORY).models["speech"]["speech-rnn"].path)
    arguments = {"checkpoint": speech, "temperature": 0.8, "seed": 1}
    long, short = (WorkerRequest("read", arguments | {"text": "Yes, we can. " * number}) for number in (1_000, 10))
    return [long], short


LOADS = {
    "inference": inference_load,
    "training": training_load,
    "summaries": summaries_load,
    "teacher_forcing": teacher_forcing_load,
    "dynamic_evaluation": dynamic_evaluation_load,
}


def kill_often(name: str, times: int, seed: int = 0) -> dict[str, Any]:
    """Kills one worker so often; what became of the requests."""
    generator, worker, slowest = random.Random(seed), WorkerProcess(f"charplay.workers.{name}"), 0.0
    answered = failed = unanswered = failed_next = 0
    with tempfile.TemporaryDirectory() as directory:
        requests, next_request = LOADS[name](Path(directory))
        try:
            for _ in range(times):
                waiting = Waiting(worker, [requests[number % len(requests)] for number in range(REQUESTS)])
                time.sleep(generator.uniform(0, LONGEST_PAUSE_SECONDS))
                process = worker._connect()._process
                if process.poll() is None:
                    os.kill(process.pid, signal.SIGKILL)
                killed = time.monotonic()
                waiting.wait(MAX_SECONDS)
                process.wait()  # a request that reaches a process while it dies gets the sentence too
                slowest = max(slowest, time.monotonic() - killed)
                unanswered += REQUESTS - len(waiting.last)
                failed += sum(response["failure"] is not None for response in waiting.last.values())
                answered += sum(response["failure"] is None for response in waiting.last.values())
                following = Waiting(worker, [next_request])
                following.wait(NEXT_SECONDS)
                failed_next += not following.last or following.last[0]["failure"] is not None
        finally:
            worker.kill()
    return {
        "kills": times,
        "answered": answered,
        "failed_with_a_sentence": failed,
        "unanswered": unanswered,
        "slowest_s": slowest,
        "next_requests_that_failed": failed_next,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=100, help="kills of each worker")
    parser.add_argument("--worker", choices=LOADS, action="append", help="default: each")
    arguments = parser.parse_args()
    print(json.dumps({name: kill_often(name, arguments.times) for name in arguments.worker or LOADS}))


if __name__ == "__main__":
    main()
