"""The process that the page's networks run in: `python -m charplay.workers.inference`.

The thread that serves a page and the threads that compute would take turns in one Python: each of the hundreds of
short operations of a step would wait for the page, and the page for each of them. In two processes neither waits.

Requests and answers are JSON, one a line; an answer carries the request's `id`.

    {"id": 1, "generate": {"checkpoint": PATH, "request": {...}}} -> {"id": 1, "text", "place", "is_done", "failure"}
    {"id": 1, "close": true}                                       the reader has gone
    {"id": 3, "count": true}                                       -> {"id": 3, "active"}: texts in the making
    {"id": 2, "classify": {"checkpoint": PATH, "names", "prior"}}  -> {"id": 2, "result", "failure"}
    {"id": 4, "ask": {"question", "checkpoint": PATH, "arguments": {...}}} -> {"id": 4, "result", "failure"}

A question is one of `QUESTIONS`, asked now and then: what a view shows that looks inside a network.

It ends when whoever started it does.
"""

import functools
import itertools
import json
import logging
import os
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from charplay.inference.classify import classify
from charplay.inference.engine import Engine, Stream
from charplay.inference.generate import Request
from charplay.interpret import memorization, packing, unmasked
from charplay.interpret.activations import activations_of
from charplay.interpret.attribution import attribute
from charplay.interpret.neurons import activation, trackers
from charplay.interpret.surprisal import candidates_at, surprisal_of
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint

MAX_BATCH = 32  # names of one run of the network: more would keep the next ones waiting
BATCH_PAUSE_SECONDS = 0.02  # seconds before the next run: nobody types faster, and what comes meanwhile shares it
MAX_USER_MODELS = 16  # models of visitors that are kept in memory, those used last
# Two threads compute, and PyTorch gives each that does a pool of its own: pools would fight for the cores with each
# other and with the page.
TORCH_THREADS = 1
# Seconds for which one Python thread may keep another waiting, default 0.005: a name's answer is some hundred short
# operations, after each of which it asks for its turn again.
SWITCH_INTERVAL = 0.0001
INFERENCE_FAILED = "The model failed: please try again."

# question -> what answers it: a function of the checkpoint and the arguments, whose result is JSON
QUESTIONS: dict[str, Callable[..., Any]] = {
    "letters": attribute,
    "way": activations_of,
    "copied": memorization.find_by_file,
    "surprise": surprisal_of,
    "alternatives": candidates_at,
    "trackers": trackers,
    "activation": activation,
    "batch_differences": packing.state_differences,
    "batch_values": packing.cell_values,
    "batch_both_ways": unmasked.compare_unmasked,
}

_shelved = functools.cache(checkpoints.load)
_visiting = functools.lru_cache(MAX_USER_MODELS)(checkpoints.load)


def _load(path: Path, task: str | None = None) -> Checkpoint:
    """What lies in charplay's own directories stays loaded, however many models of visitors come and go."""
    return (_shelved if path.parent in checkpoints.DIRECTORIES else _visiting)(path, task)


class InferenceWorker:
    """Answers requests, generations by the engine and names together in batches."""

    def __init__(self, out):
        self._out, self._writing = out, threading.Lock()
        self._engine = Engine(is_paced=True)
        self._streams: dict[int, Stream] = {}
        self._names: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        self._questions: queue.SimpleQueue[tuple[int, dict[str, Any]]] = queue.SimpleQueue()
        threading.Thread(target=self._classify_all, name="names", daemon=True).start()
        threading.Thread(target=self._answer_all, name="questions", daemon=True).start()

    def handle(self, message: dict[str, Any]) -> None:
        """Takes one request; its answers are written when they are there."""
        number = message["id"]
        if "close" in message:
            if stream := self._streams.pop(number, None):
                stream.close()
        elif "count" in message:
            self._say({"id": number, "active": self._engine.active})
        elif "classify" in message:
            self._names.put((number, message["classify"]))
        elif "ask" in message:
            self._questions.put((number, message["ask"]))
        else:
            wanted = message["generate"]
            try:
                checkpoint = _load(Path(wanted["checkpoint"]), "speech")
            except checkpoints.CheckpointError as error:
                self._say({"id": number, "text": "", "place": 0, "is_done": True, "failure": str(error)})
                return
            self._generate(number, checkpoint, Request(**wanted["request"]))

    def _generate(self, number: int, checkpoint: Checkpoint, request: Request) -> None:
        known = threading.Event()

        def tell() -> None:
            known.wait()  # the first news may come before submit has returned
            stream = self._streams.get(number)
            if stream is None:
                return  # closed meanwhile
            if stream.is_done:
                self._streams.pop(number, None)
            failure = None if stream.failure is None else str(stream.failure)
            news = {"text": stream.text, "place": stream.queue_position, "is_done": stream.is_done, "failure": failure}
            self._say({"id": number} | news)

        self._streams[number] = stream = self._engine.submit(checkpoint, request, tell)
        known.set()
        if stream.queue_position:
            tell()  # its place in line; the engine tells of every later one

    def _classify_all(self) -> None:
        """Reads together the names that came while the last ones were read: a classroom that types is a batch."""
        while True:
            taken = [self._names.get()]
            while sum(len(asked["names"]) for _, asked in taken) < MAX_BATCH and not self._names.empty():
                taken.append(self._names.get())
            for checkpoint, prior in {(asked["checkpoint"], asked["prior"]) for _, asked in taken}:
                together = [
                    (number, asked["names"])
                    for number, asked in taken
                    if (asked["checkpoint"], asked["prior"]) == (checkpoint, prior)
                ]
                self._classify(together, checkpoint, prior)
            time.sleep(BATCH_PAUSE_SECONDS)

    def _classify(self, together: list[tuple[int, list[str]]], checkpoint: str, prior: str) -> None:
        try:
            every = [name for _, names in together for name in names]
            results = iter(classify(_load(Path(checkpoint), "names"), every, prior))
            answers = [
                {"result": list(itertools.islice(results, len(names))), "failure": None} for _, names in together
            ]
        except ValueError as mistake:
            answers = [{"result": None, "failure": str(mistake)}] * len(together)
        except Exception:
            logging.exception("Classifying failed.")
            answers = [{"result": None, "failure": INFERENCE_FAILED}] * len(together)
        for (number, _), answer in zip(together, answers, strict=True):
            self._say({"id": number} | answer)

    def _answer_all(self) -> None:
        """Answers the questions one after another: they are asked seldom, and the cores are wanted for other things."""
        while True:
            number, asked = self._questions.get()
            try:
                checkpoint = _load(Path(asked["checkpoint"]))
                answer = {"result": QUESTIONS[asked["question"]](checkpoint, **asked["arguments"]), "failure": None}
            except ValueError as mistake:
                answer = {"result": None, "failure": str(mistake)}
            except Exception:
                logging.exception("A question could not be answered.")
                answer = {"result": None, "failure": INFERENCE_FAILED}
            self._say({"id": number} | answer)

    def _say(self, answer: dict[str, Any]) -> None:
        line = json.dumps(answer).encode() + b"\n"
        with self._writing:
            self._out.write(line)
            self._out.flush()


def main() -> None:
    """Answers until the requests end; then nobody is left to answer."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the app's window reaches this process too
    torch.set_num_threads(TORCH_THREADS)
    sys.setswitchinterval(SWITCH_INTERVAL)
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get among the answers
    host = InferenceWorker(out)
    for line in sys.stdin.buffer:
        host.handle(json.loads(line))
    os._exit(0)  # in the middle of whatever is being computed


if __name__ == "__main__":
    main()
