"""The process in which a copy of a model learns from a text: `python -m charplay.workers.dynamic_evaluation`.

A gradient step every few characters takes a core for up to two minutes. In a process of its own, of low priority and on
one thread, it keeps no other request waiting. One text is read at a time; later ones are queued.

Requests (see `workers.protocol`):

    read {checkpoint, text, temperature, seed}   updates: `Update`; result: `Result`
    cancel                                       drops a text that waits, and ends the one that is read
"""

import functools
import logging
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypedDict

from charplay import limits
from charplay.cancellation import Cancelled, cancellable, check_cancelled
from charplay.evaluation.dynamic_evaluation import DynamicEvaluation
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.inference.long_text import check_document
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM
from charplay.workers.protocol import CANCEL
from charplay.workers.server import Responses, Worker, run_worker

UPDATE_SECONDS = 0.5  # seconds between two updates: the page draws the curves anew at each
CONTINUATION_CHARACTERS = 300  # that each of the two writes after the text


class Update(TypedDict):
    """What is new of a text that waits or is read."""

    queue_position: int  # 0: it is being read
    fixed: list[float]  # -log2 p of the characters since the last update, by the model with fixed weights
    dynamic: list[float]  # by its copy that learns


class Result(Update):
    """The last of it, and what came after."""

    is_cut: bool  # whether the time was up before the end of the text
    written: dict[str, str]  # "fixed" and "dynamic": what each writes after the characters that were read


class DynamicEvaluationWorker(Worker):
    """The texts that wait, and the thread that reads them."""

    failure_message = "The text could not be read: please try again."

    def __init__(self, responses: Responses, max_seconds: float = limits.MAX_DYNAMIC_SECONDS):
        super().__init__(responses, {"read": self._add, CANCEL: self._cancel})
        self._max_seconds = max_seconds
        self._changed = threading.Condition()
        self._waiting: OrderedDict[int, dict[str, Any]] = OrderedDict()  # id of a request -> its arguments
        self._open: set[int] = set()  # ids of the requests that are neither answered nor cancelled
        threading.Thread(target=self._read_all, name="texts", daemon=True).start()

    def _add(self, request_id: int, **arguments: Any) -> None:
        with self._changed:
            if len(self._waiting) >= limits.MAX_QUEUED_DYNAMIC_TEXTS:
                raise ValueError(
                    f"{limits.MAX_QUEUED_DYNAMIC_TEXTS} texts wait to be read on this machine already: try again in "
                    "some minutes."
                )
            is_next = not self._open
            self._open.add(request_id)
            self._waiting[request_id] = arguments
            self._changed.notify()
        if not is_next:
            self._send_positions()

    def _cancel(self, request_id: int) -> None:
        with self._changed:
            self._open.discard(request_id)
            self._waiting.pop(request_id, None)
        self._send_positions()

    def _is_cancelled(self, request_id: int) -> bool:
        return request_id not in self._open

    def _send_positions(self) -> None:
        with self._changed:
            waiting = list(self._waiting)
        for position, request_id in enumerate(waiting, 1):
            self.responses.update(request_id, Update(queue_position=position, fixed=[], dynamic=[]))

    def _read_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting)
                request_id, arguments = self._waiting.popitem(last=False)
            self._send_positions()
            try:
                with cancellable(functools.partial(self._is_cancelled, request_id)):
                    result, failure = self.attempt(functools.partial(self._read, request_id, **arguments))
            except Cancelled:
                continue  # its page is disconnected
            except BaseException:  # whatever it is, the next text must come
                logging.exception("A text could not be read.")
                result, failure = None, self.failure_message
            with self._changed:
                self._open.discard(request_id)
            self.responses.finish(request_id, result, failure)

    def _read(self, request_id: int, checkpoint: str, text: object, temperature: object, seed: object) -> Result:
        loaded: Checkpoint[CharLM] = checkpoints.load(Path(checkpoint), "speech")
        text = check_document(text, loaded.vocabulary)
        limits.DYNAMIC_CHARACTERS.check_length(text, "text to read twice")
        started = updated = time.monotonic()
        evaluation, new = DynamicEvaluation(loaded.model), Update(queue_position=0, fixed=[], dynamic=[])
        done, is_cut = 1, False
        for chunk in evaluation.read(text, loaded.vocabulary):
            new["fixed"] += chunk.fixed
            new["dynamic"] += chunk.dynamic
            done += len(chunk.fixed)
            now = time.monotonic()
            is_cut = now - started >= self._max_seconds and done < len(text)
            if is_cut:
                break
            if now - updated >= UPDATE_SECONDS:
                self.responses.update(request_id, new)
                updated, new = now, Update(queue_position=0, fixed=[], dynamic=[])
        adapted = replace(loaded, model=evaluation.adapted.requires_grad_(False))
        prime = text[:done][-limits.MAX_PRIME_CHARACTERS :]
        request = make_request(prime, temperature, CONTINUATION_CHARACTERS, seed=seed, vocabulary=loaded.vocabulary)
        written = {}
        for name, each in (("fixed", loaded), ("dynamic", adapted)):
            check_cancelled()
            written[name] = generate(each, [request])[0]
        return Result(**new, is_cut=is_cut, written=written)


def _start(responses: Responses) -> Callable[[dict[str, Any]], None]:
    return DynamicEvaluationWorker(responses).handle


if __name__ == "__main__":
    run_worker(_start)
