"""A process beside the page's own, asked in lines of JSON."""

import asyncio
import itertools
import json
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

OnAnswer = Callable[[dict[str, Any]], None]  # is told an answer

HEARTBEAT_SECONDS = (
    1.0  # seconds after which a waiting reader is told the same again, which is how it is noticed that one has gone
)
WORKER_ENDED = "What computes this had to end, and begins anew: please try again."
GATHER_SECONDS = 0.04  # seconds in which the answers to several requests arrive: they become one message


class WorkerProcess:
    """A program of the core that answers requests: started with the first one, and again should it die.

    It reads and writes JSON, one message a line (see `workers.inference`). An answer carries its request's `id`, and
    `is_done` unless it is the only one.
    """

    def __init__(self, program: str):
        """`program` is what `python -m` runs."""
        self._program = program
        self._numbers = itertools.count(1)
        self._lock, self._sending = threading.Lock(), threading.Lock()  # apart: answers are heard while one is sent
        self._process: subprocess.Popen | None = None
        self._waiting: dict[int, OnAnswer] = {}  # id of a request -> who is told its answers

    def start(self) -> None:
        """Starts the program unless it runs: it imports what it needs before it is asked anything."""
        with self._lock:
            self._started()

    def ask(self, request: dict[str, Any], tell: OnAnswer) -> int:
        """Sends a request; `tell` gets each answer, on a thread of its own. Returns the request's id."""
        with self._lock:
            process, number = self._started(), next(self._numbers)
            self._waiting[number] = tell
        self._send(process, {"id": number} | request)
        return number

    async def answers(self, *requests: dict[str, Any]) -> AsyncIterator[list[dict[str, Any]]]:
        """The answers to requests as they come, to the last one of each; closing this gives all of them up.

        What came since the last time comes together, each answer with `of`, the number of its request among them;
        after `HEARTBEAT_SECONDS` seconds without any, an empty list.
        """
        loop, told = asyncio.get_running_loop(), asyncio.Event()
        heard: list[dict[str, Any]] = []

        def hear(answer: dict[str, Any]) -> None:
            heard.append(answer)
            told.set()

        def ask(of: int, request: dict[str, Any]) -> int:
            return self.ask(request, lambda answer: call_on(loop, hear, answer | {"of": of}))

        numbers: list[int] = []
        try:
            for of, request in enumerate(requests):
                numbers.append(ask(of, request))
            missing = len(requests)
            while missing:
                # Nothing new is told as well, since the yield is where it is noticed that the reader has gone.
                with suppress(TimeoutError):
                    await asyncio.wait_for(told.wait(), HEARTBEAT_SECONDS)
                    if len(requests) > 1:
                        await asyncio.sleep(GATHER_SECONDS)
                told.clear()
                since = heard[:]
                heard.clear()
                missing -= sum(answer.get("is_done", True) for answer in since)
                yield since
        finally:
            for number in numbers:
                self.forget(number)

    def add(self, number: int, message: dict[str, Any]) -> None:
        """Says more about a request that has not been answered to its end."""
        with self._lock:
            process, is_waiting = self._process, number in self._waiting
        if is_waiting and process is not None:
            self._send(process, {"id": number} | message)

    def forget(self, number: int) -> None:
        """Nobody waits for that request any more."""
        with self._lock:
            process, is_waiting = self._process, self._waiting.pop(number, None) is not None
        if is_waiting and process is not None:
            self._send(process, {"id": number, "close": True})

    def stop(self) -> None:
        """Ends the process, in the middle of whatever it computes."""
        with self._lock:
            if self._process is not None:
                self._process.kill()

    @property
    def waiting(self) -> int:
        """How many requests have not been answered to their end."""
        with self._lock:
            return len(self._waiting)

    def _send(self, process: subprocess.Popen, message: dict[str, Any]) -> None:
        try:
            with self._sending:
                process.stdin.write(json.dumps(message).encode() + b"\n")
                process.stdin.flush()
        except OSError:
            process.kill()  # it does not listen: whoever waits for it is told so when its answers end

    def _started(self) -> subprocess.Popen:
        if self._process is None:
            self._process = self._start()
        return self._process

    def _start(self) -> subprocess.Popen:
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        process = subprocess.Popen(
            [sys.executable, "-m", self._program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
        )
        threading.Thread(target=self._listen, args=[process], name="answers", daemon=True).start()
        return process

    def _listen(self, process: subprocess.Popen) -> None:
        for line in process.stdout:
            answer = json.loads(line)
            with self._lock:
                is_last = answer.get("is_done", True)
                tell = (self._waiting.pop if is_last else self._waiting.get)(answer["id"], None)
            if tell is not None:
                tell(answer)
        with self._lock:
            self._process, orphans, self._waiting = None, list(self._waiting.values()), {}
        process.wait()
        for tell in orphans:
            tell({"text": "", "place": 0, "is_done": True, "result": None, "failure": WORKER_ENDED})


INFERENCE = WorkerProcess(
    "charplay.workers.inference"
)  # where the networks of a page run, so that it answers while they compute


def call_on(loop: asyncio.AbstractEventLoop, call: OnAnswer, answer: dict[str, Any]) -> None:
    """Calls on the loop's thread; a loop that has ended has nobody left to tell."""
    if not loop.is_closed():
        loop.call_soon_threadsafe(call, answer)
