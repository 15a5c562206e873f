"""The process that the page's models run in: `python -m charplay.workers.inference`.

In the page's own process the thread that serves it and those that compute would share one Python: each of the hundreds
of short operations of a step would wait for the page, and the page for each of them.

Requests (see `workers.protocol`); `checkpoint` is a path:

    generate {checkpoint, request}                updates and result {text, queue_position}: the continuation so far
    classify {checkpoint, names, prior, are_read}          result: a classification for each name
    question {question, checkpoint, arguments}    result: what the function in `QUESTIONS` returns
    count {}                                      result: how many texts are being generated or queued
    cancel                                        ends a text or a question; drops a name that is still queued
"""

import functools
import itertools
import logging
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from charplay import limits, system
from charplay.cancellation import Cancelled, cancellable
from charplay.inference.beam import beam_search
from charplay.inference.classify import classify
from charplay.inference.engine import Engine, Stream
from charplay.inference.expiring_cache import ExpiringCache
from charplay.inference.generate import next_character
from charplay.inference.generation import Request
from charplay.interpret import memorization, packing, unmasked
from charplay.interpret.activations import activations_of, activations_of_all
from charplay.interpret.attribution import attribute, attribute_all
from charplay.interpret.influence import influence_on
from charplay.interpret.neurons import activation, trackers
from charplay.interpret.steering import steering_cost
from charplay.interpret.surprisal import candidates_at, likeliest_next, surprisal_of
from charplay.interpret.writing import writing_steps
from charplay.lesson import answers
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint, CheckpointError
from charplay.workers.protocol import CANCEL
from charplay.workers.server import RequestQueue, Responses, Worker, run_worker

MAX_BATCH_NAMES = 32  # names in one forward pass: more would keep the next ones waiting
BATCH_PAUSE_SECONDS = 0.02  # seconds before the next pass: nobody types faster, and what comes meanwhile shares it
MAX_BATCH_QUESTIONS = 16  # questions in one batch, for the same reason
# In the arguments of a question: with more it takes up to seconds, and waits for others of its kind alone.
MAX_QUICK_CHARACTERS = 1_000
LONG_QUESTIONS = ("influence", "steering_cost")  # that take as long about a short text
LONG_NICENESS = 10  # how far the thread that answers those lets texts, letters and quick questions go first
MAX_USER_MODELS = 16  # models of visitors that are kept in memory, those used last
# Seconds for which one Python thread may keep another waiting, default 0.005: a classification is some hundred short
# operations, after each of which it needs its turn again.
SWITCH_INTERVAL_SECONDS = 0.0001

# A key press asks for every prefix of a name again: all but one were classified a moment ago.
MAX_CLASSIFIED_NAMES, CLASSIFIED_SECONDS = 1_000, 60  # that are remembered, and for how long after their last use

BATCH_KEYS = ("checkpoint", "prior", "are_read")  # what the names of one forward pass have in common

# question -> what answers it: a function of the checkpoint and the arguments, whose result is JSON
QUESTIONS: dict[str, Callable[..., Any]] = {
    "attribution": attribute,
    "activations": activations_of,
    "memorization": memorization.find_by_file,
    "surprisal": surprisal_of,
    "beam": beam_search,
    "candidates": candidates_at,
    "likeliest_next": likeliest_next,
    "next_character": next_character,
    "writing_steps": writing_steps,
    "trackers": trackers,
    "unit_activation": activation,
    "state_differences": packing.state_differences,
    "cell_values": packing.cell_values,
    "steering_cost": steering_cost,
    "influence": influence_on,
    "compare_unmasked": unmasked.compare_unmasked,
    "lesson_answer": lambda checkpoint, computation, arguments: answers.answer(computation, arguments, checkpoint),
}

# question -> what answers several in one batch: a function of the checkpoint and the arguments of each
BATCHED_QUESTIONS: dict[str, Callable[..., list[Any]]] = {
    "attribution": attribute_all,
    "activations": activations_of_all,
}

_load_shipped = functools.cache(checkpoints.load)
USER_MODELS: ExpiringCache[Path, Checkpoint] = ExpiringCache(limits.SESSION_SECONDS, MAX_USER_MODELS)


def _load(path: Path, task: str | None = None) -> Checkpoint:
    """Shipped models stay in memory, however many of visitors come and go; each is loaded once, for whatever it is.

    Raises:
        CheckpointError: it cannot be loaded, or is for another task.
    """
    is_shipped = path.parent in checkpoints.DIRECTORIES
    loaded = _load_shipped(path) if is_shipped else USER_MODELS.get(path, lambda: checkpoints.load(path))
    if task and loaded.task != task:
        raise CheckpointError(f"{path.name} holds a model for {loaded.task}, not for {task}.")
    return loaded


class InferenceWorker(Worker):
    """Generates texts with the engine, and classifies the names of several requests in one batch."""

    failure_message = "The model failed: please try again."

    def __init__(self, responses: Responses):
        super().__init__(
            responses,
            {
                "generate": self._generate,
                "classify": self._queue_names,
                "question": self._queue_question,
                "count": self._count,
                CANCEL: self._cancel,
            },
        )
        self._engine = Engine(is_paced=True)
        self._streams: dict[int, Stream] = {}  # id of a request -> its text
        self._cancelled: set[int] = set()  # ids of questions that are being answered, and nobody waits for
        self._answering: set[int] = set()  # ids of all questions that are
        self._classified: ExpiringCache[tuple, Any] = ExpiringCache(CLASSIFIED_SECONDS, MAX_CLASSIFIED_NAMES)
        self._names, self._quick_questions, self._long_questions = RequestQueue(), RequestQueue(), RequestQueue()
        threading.Thread(target=self._classify_batches, name="names", daemon=True).start()
        for questions, name, niceness in (
            (self._quick_questions, "quick", 0),
            (self._long_questions, "long", LONG_NICENESS),
        ):
            threading.Thread(target=self._answer_questions, args=(questions, niceness), name=name, daemon=True).start()

    def _count(self, request_id: int) -> None:
        self.responses.finish(request_id, self._engine.active)

    def _cancel(self, request_id: int) -> None:
        if stream := self._streams.pop(request_id, None):
            stream.close()
        for queue in (self._names, self._quick_questions, self._long_questions):
            queue.cancel(request_id)
        if request_id in self._answering:
            self._cancelled.add(request_id)

    def _queue_names(
        self, request_id: int, checkpoint: str, names: list[str], prior: str, are_read: bool = False
    ) -> None:
        # Checked here, where what is wrong with one request cannot end a batch of several.
        prior = limits.check_choice("prior", prior, limits.PRIORS)
        self._names.put(request_id, checkpoint=Path(checkpoint), names=list(names), prior=prior, are_read=are_read)

    def _queue_question(self, request_id: int, question: str, checkpoint: str, arguments: dict[str, Any]) -> None:
        queue = self._long_questions if is_long(question, arguments) else self._quick_questions
        queue.put(request_id, question=question, checkpoint=checkpoint, arguments=arguments)

    def _generate(self, request_id: int, checkpoint: str, request: dict[str, Any]) -> None:
        loaded = _load(Path(checkpoint), "invent" if request.get("mixture") else "speech")
        is_submitted = threading.Event()

        def on_update() -> None:
            is_submitted.wait()  # the first update may come before `submit` has returned
            stream = self._streams.get(request_id)
            if stream is None:
                return  # cancelled meanwhile
            state = {"text": stream.text, "queue_position": stream.queue_position}
            if not stream.is_done:
                self.responses.update(request_id, state)
                return
            self._streams.pop(request_id, None)
            self.responses.finish(request_id, state, None if stream.failure is None else str(stream.failure))

        self._streams[request_id] = stream = self._engine.submit(loaded, Request(**request), on_update)
        is_submitted.set()
        if stream.queue_position:
            on_update()  # the engine calls it at every later change

    def _classify_batches(self) -> None:
        """Classifies together the names that arrived during the last batch: a classroom that types shares passes."""
        while True:
            requests = [self._names.get()]
            try:
                while sum(len(each["names"]) for _, each in requests) < MAX_BATCH_NAMES:
                    if (request := self._names.get_waiting()) is None:
                        break
                    requests.append(request)
                groups: dict[tuple, list] = {}
                for request in requests:
                    groups.setdefault(tuple(request[1][key] for key in BATCH_KEYS), []).append(request)
                for group in groups.values():
                    self._classify(group)
            except Exception:  # whatever it is, the next batch must come
                logging.exception("A batch of names failed.")
                for request_id, _ in requests:
                    self.responses.finish(request_id, failure=self.failure_message)
            time.sleep(BATCH_PAUSE_SECONDS)

    def _classify(self, requests: list[tuple[int, dict[str, Any]]]) -> None:
        """Classifies the names of requests with the same model and prior; where that fails, each request apart."""
        first = requests[0][1]

        def compute() -> list[Any]:
            names = [name for _, each in requests for name in each["names"]]
            distinct = list(dict.fromkeys(names))  # the bars and an open accordion ask for the same prefixes
            batch = tuple(first[key] for key in BATCH_KEYS)
            by_name = {name: self._classified.find((batch, name)) for name in distinct}
            new = [name for name, result in by_name.items() if result is None]
            model = _load(first["checkpoint"], "names")
            for name, result in zip(new, classify(model, new, first["prior"], are_read=first["are_read"]), strict=True):
                by_name[name] = self._classified.keep((batch, name), result)
            return [by_name[name] for name in names]

        results, failure = self.attempt(compute)
        if failure is not None and len(requests) > 1:
            for request in requests:
                self._classify([request])
            return
        remaining = iter(results or [])
        for request_id, each in requests:
            result = list(itertools.islice(remaining, len(each["names"]))) if failure is None else None
            self.responses.finish(request_id, result, failure)

    def _answer_questions(self, questions: RequestQueue, niceness: int) -> None:
        """Answers the questions of a queue one after another, of those in `BATCHED_QUESTIONS` several together."""
        system.lower_thread_priority(niceness)
        while True:
            first_id, first = questions.get()
            kind = first["question"], first["checkpoint"]
            requests = [(first_id, first)]
            if first["question"] in BATCHED_QUESTIONS:
                requests += questions.take_waiting(MAX_BATCH_QUESTIONS - 1, question=kind[0], checkpoint=kind[1])
            self._answer(requests)

    def _answer(self, requests: list[tuple[int, dict[str, Any]]]) -> None:
        """Answers requests with the same question and model; where a batch of several fails, each request apart."""
        question, path = requests[0][1]["question"], requests[0][1]["checkpoint"]
        arguments = [each["arguments"] for _, each in requests]

        def compute() -> list[Any]:
            checkpoint = _load(Path(path))
            if len(arguments) > 1:
                return BATCHED_QUESTIONS[question](checkpoint, arguments)
            return [QUESTIONS[question](checkpoint, **arguments[0])]

        ids = {request_id for request_id, _ in requests}
        self._answering |= ids
        try:
            with cancellable(lambda: ids <= self._cancelled):
                results, failure = self.attempt(compute)
        except Cancelled:
            return  # nobody waits for a response either
        finally:
            self._answering -= ids
            self._cancelled -= ids
        if failure is not None and len(requests) > 1:
            for request in requests:
                self._answer([request])
            return
        for index, (request_id, _) in enumerate(requests):
            self.responses.finish(request_id, None if failure is not None else results[index], failure)


def is_long(question: str, arguments: dict[str, Any]) -> bool:
    """Whether a question with these arguments waits for others of its kind alone."""
    return question in LONG_QUESTIONS or _count_characters(list(arguments.values())) > MAX_QUICK_CHARACTERS


def _count_characters(value: Any) -> int:
    """Those of a text, or of all texts in a list."""
    if isinstance(value, list):
        return sum(map(_count_characters, value))
    return len(value) if isinstance(value, str) else 0


def _start(responses: Responses) -> Callable[[dict[str, Any]], None]:
    sys.setswitchinterval(SWITCH_INTERVAL_SECONDS)
    return InferenceWorker(responses).handle


if __name__ == "__main__":
    run_worker(_start)
