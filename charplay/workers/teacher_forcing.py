"""The process that decoders learn in while a class watches: `python -m charplay.workers.teacher_forcing`.

A lesson is two decoders, see `training.teacher_forcing`. All that run are advanced in turn by one thread, an
epoch each time, no faster than eyes can follow; one that is paused costs nothing, and is given up after a while. Whoever reads the
answers to "start" or "go_on" follows the lesson: when that reader goes, the lesson ends.

    {"id": 1, "start": SETTINGS, "instead": LESSON or ""} -> {"id": 1, "lesson", "news", "is_done", "failure"}, again
                                                             and again; `news` is None where there is nothing new
    {"id": 2, "go_on": LESSON}                             -> the same
    {"id": 3, "pause": LESSON}                             -> the same, once
    {"id": 4, "step": LESSON}                              -> the same, once, after one more epoch
    {"id": 5, "stop": LESSON}                              -> the same, once; the lesson is gone
    {"id": 1, "close": true}                               the reader has gone
    {"id": 6, "show": SETTINGS, "epochs": 40}              -> the same, once, after so many epochs; nothing is kept
    {"id": 7, "count": true}                               -> {"id": 7, "lessons"}: running or paused

It gives way to every other process, and ends when whoever started it does.
"""

import json
import logging
import os
import queue
import secrets
import signal
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import torch

from charplay import limits
from charplay.training.teacher_forcing import DecoderPair, DecoderSettings

NICENESS = 5  # of 19: a class that types and generates comes first, and yet lessons go on beside it
MAX_EPOCHS_PER_SECOND = 50  # epochs a second of a lesson: fast, and yet what happens on the way can be seen
MIN_UPDATE_SECONDS, MAX_UPDATE_SECONDS = (
    0.1,
    2.0,
)  # seconds between two messages of a lesson: while few run, and at most
MAX_UPDATES_PER_SECOND = (
    40  # messages a second of all lessons together, as far as `MAX_UPDATE_SECONDS` allows: each is a page to be drawn
)
TEACHER_FORCING_FAILED = "The lesson failed: please press Start again."
RUN_ENDED = "This lesson has ended: press Start to begin it anew."


class _Run:
    """A lesson as this process keeps it."""

    def __init__(self, lesson: DecoderPair, now: float):
        self.lesson = lesson
        self.reader: int | None = None  # id of the request whose answers are read; None: paused
        self.due = self.telling = now  # when its next epoch, and its next message, is due
        self.told = 0  # epochs that its reader knows of
        self.paused = now  # since when, where it is


class TeacherForcingWorker:
    """All lessons, advanced in turn. One thread calls it: `handle` for each request, `advance` when one is due.

    Args:
        say: takes each answer.
        clock: seconds.
    """

    def __init__(self, say: Callable[[dict[str, Any]], None], clock: Callable[[], float] = time.monotonic):
        self._say, self._clock = say, clock
        self._learners: dict[str, _Run] = {}

    def handle(self, message: dict[str, Any]) -> None:
        """Takes one request."""
        number = message["id"]
        try:
            if "close" in message:
                for name in [name for name, each in self._learners.items() if each.reader == number]:
                    del self._learners[name]
            elif "count" in message:
                self._say({"id": number, "lessons": len(self._learners)})
            elif "start" in message:
                self._start(number, message["start"], message["instead"])
            elif "show" in message:
                lesson = DecoderPair(DecoderSettings(**message["show"]))
                for _ in range(message["epochs"]):
                    lesson.advance()
                self._answer(number, "", lesson.update_since())
            elif "go_on" in message:
                self._follow(message["go_on"], number)
            elif "pause" in message:
                name = message["pause"]
                learner = self._known(name)
                if learner.reader is not None:  # shows where it rests too: what it shows may come after this answer
                    self._answer(learner.reader, name, learner.lesson.update_since(learner.told))
                    learner.reader = None
                self._answer(number, name, self._pause(name).lesson.update_since())
            elif "step" in message:
                self._step(number, message["step"])
            else:
                self._stop(message["stop"])
                self._answer(number, "")
        except (ValueError, FloatingPointError) as mistake:
            self._answer(number, "", failure=str(mistake))
        except Exception:
            logging.exception("A lesson's request failed.")
            self._answer(number, "", failure=TEACHER_FORCING_FAILED)

    def rest(self) -> float | None:
        """Seconds until `advance` has something to do; None: not before the next request."""
        times = [
            each.paused + limits.MAX_PAUSED_SECONDS if each.reader is None else each.due
            for each in self._learners.values()
        ]
        return max(min(times) - self._clock(), 0.0) if times else None

    def advance(self) -> None:
        """Trains the lesson that has been due the longest for an epoch, and gives up those paused for too long."""
        now = self._clock()
        self._learners = {
            name: each
            for name, each in self._learners.items()
            if each.reader is not None or now < each.paused + limits.MAX_PAUSED_SECONDS
        }
        due = {name: each.due for name, each in self._learners.items() if each.reader is not None and each.due <= now}
        if not due:
            return
        name = min(due, key=due.get)
        learner = self._learners[name]
        failure = self._train(learner)
        now = self._clock()
        learner.due = max(learner.due + 1 / MAX_EPOCHS_PER_SECOND, now)  # who is late goes to the end of the line
        is_done = failure is not None or learner.lesson.is_over
        if is_done or now >= learner.telling:
            number, told = learner.reader, learner.told
            running = sum(each.reader is not None for each in self._learners.values())
            learner.telling = now + min(max(MIN_UPDATE_SECONDS, running / MAX_UPDATES_PER_SECOND), MAX_UPDATE_SECONDS)
            learner.told = len(learner.lesson.history)
            if is_done:
                del self._learners[name]
            self._answer(number, name, learner.lesson.update_since(told), is_done=is_done, failure=failure)

    @staticmethod
    def _train(learner: _Run) -> str | None:
        """One epoch; returns the sentence where it cannot be."""
        try:
            learner.lesson.advance()
        except FloatingPointError as mistake:
            return str(mistake)
        except Exception:
            logging.exception("A lesson failed.")
            return TEACHER_FORCING_FAILED
        return None

    def _answer(
        self,
        number: int,
        name: str,
        news: dict[str, Any] | None = None,
        *,
        is_done: bool = True,
        failure: str | None = None,
    ) -> None:
        self._say({"id": number, "lesson": name, "news": news, "is_done": is_done, "failure": failure})

    def _start(self, number: int, settings: dict[str, Any], instead: object) -> None:
        self._stop(instead)  # the same page begins anew
        self._make_room()
        lesson, name = DecoderPair(DecoderSettings(**settings)), secrets.token_urlsafe(16)
        lesson.advance()  # there is something to see of every lesson that is kept
        self._learners[name] = _Run(lesson, self._clock())
        self._follow(name, number)

    def _make_room(self) -> None:
        """Gives up the lesson that has been paused the longest, where there are as many as may be.

        Raises:
            ValueError: all of them run.
        """
        if len(self._learners) < limits.MAX_DECODER_PAIRS:
            return
        paused = {name: each.paused for name, each in self._learners.items() if each.reader is None}
        if not paused:
            raise ValueError(
                f"{limits.MAX_DECODER_PAIRS} lessons are running, as many as this machine takes: "
                "press Start again in a minute."
            )
        del self._learners[min(paused, key=paused.get)]

    def _known(self, name: object) -> _Run:
        learner = self._learners.get(name) if isinstance(name, str) else None
        if learner is None:
            raise ValueError(RUN_ENDED)
        return learner

    def _pause(self, name: object) -> _Run:
        """Has a lesson wait; whoever followed it need not any more."""
        learner = self._known(name)
        if learner.reader is not None:
            self._answer(learner.reader, name)
        learner.reader, learner.paused = None, self._clock()
        return learner

    def _follow(self, name: object, number: int) -> None:
        """Has a lesson run on, for this reader alone."""
        learner = self._pause(name)
        learner.reader, learner.told = number, 0
        learner.due = learner.telling = self._clock()

    def _step(self, number: int, name: object) -> None:
        learner = self._pause(name)
        failure = self._train(learner)
        if failure is not None or learner.lesson.is_over:
            del self._learners[name]
        self._answer(number, name, learner.lesson.update_since(), failure=failure)

    def _stop(self, name: object) -> None:
        """Ends a lesson, if it has not ended by itself."""
        if isinstance(name, str) and name in self._learners:
            self._pause(name)
            del self._learners[name]


def _read(requests: queue.SimpleQueue) -> None:
    """Hands the requests on; when they end, nobody is left to learn for."""
    for line in sys.stdin.buffer:
        requests.put(json.loads(line))
    os._exit(0)  # in the middle of whatever is being computed


def main() -> None:
    """Answers until the requests end."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in the app's window reaches this process too
    out = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # whatever prints must not get among the answers
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    threading.Thread(target=_read, args=[requests], name="requests", daemon=True).start()
    torch.set_num_threads(1)  # the networks are too small to share, and the other core is someone else's

    def say(answer: dict[str, Any]) -> None:
        out.write(json.dumps(answer).encode() + b"\n")
        out.flush()

    lessons = TeacherForcingWorker(say)
    while True:
        try:
            lessons.handle(requests.get(timeout=lessons.rest()))
        except queue.Empty:
            lessons.advance()


if __name__ == "__main__":
    main()
