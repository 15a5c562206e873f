"""The process that visitors' networks are trained in: `python -m charplay.workers.training`.

Training takes a core for minutes. In a process of its own, of the lowest priority and on one thread, it takes what the
page and its inference leave over. One training runs at a time; later ones are queued, and their clients know the
position. A page has one process for data summaries and one for trainings: the trial steps of a summary would change
the random numbers of a training beside it.

Requests (see `workers.protocol`):

    summarize {task, data, preset, changes}      result: `training.data_summary.DataSummary`
    train {task, data, preset, changes, out}     updates: `TrainingUpdate`; result: `TrainingResult`
    stop                                         of a training: the best so far is kept, and it ends
    cancel                                       of a training: it ends, and nothing is kept

`out` is the path of the checkpoint. `data` is {"text": pasted text}, {"file": PATH}, or {"built_in": true} for the
project's own data set of the task, which is fetched if it is missing; of rows also "delimiter", "has_header",
"text_column", "label_column", as `user_data.read_rows` has them. `preset` and `changes` are those of
`data_summary.choose_recipe`.
"""

import functools
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from charplay import limits
from charplay.data import datasets
from charplay.models.networks import MODELS
from charplay.training import trainer
from charplay.training.data_summary import UserData, choose_recipe, read_data_set, read_user_data, summarize
from charplay.workers.protocol import CANCEL
from charplay.workers.server import Responses, Worker, run_worker
from charplay.workers.training_job import Job, TrainingCancelled, TrainingUpdate, train

MAX_RUNNING_TRAININGS = 1  # trainings that run at the same time: one takes a core
NICENESS = 19  # of 19: every other process goes first


class TrainingWorker(Worker):
    """Reads the data of each request on a thread of its own; trainings then wait for a slot."""

    user_errors = (ValueError, FloatingPointError, trainer.StopTraining, TrainingCancelled)
    failure_message = "The training failed: please try again."

    def __init__(self, responses: Responses, max_seconds: float = limits.MAX_USER_TRAINING_SECONDS):
        handlers = {"summarize": self._summarize, "train": self._add, "stop": self._stop, CANCEL: self._cancel}
        super().__init__(responses, handlers)
        self._max_seconds = max_seconds
        self._changed = threading.Condition()
        self._queue: deque[Job] = deque()
        self._running: set[Job] = set()
        self._jobs: dict[int, Job] = {}  # id of a request -> its training, until that has ended
        for slot in range(MAX_RUNNING_TRAININGS):
            threading.Thread(target=self._train_queued, name=f"training {slot}", daemon=True).start()

    def _summarize(self, request_id: int, **arguments: Any) -> None:
        def compute() -> dict[str, Any]:
            task = arguments["task"]
            data = _read_data(task, arguments["data"], lambda message: None)
            return dict(summarize(data, choose_recipe(task, data, arguments["preset"], arguments["changes"])))

        def answer() -> None:
            self.responses.finish(request_id, *self.attempt(compute))

        threading.Thread(target=answer, name="summary", daemon=True).start()

    def _add(self, request_id: int, **arguments: Any) -> None:
        self._jobs[request_id] = job = Job(request_id, arguments)
        threading.Thread(target=self._read_and_queue, args=[job], name="data", daemon=True).start()

    def _stop(self, request_id: int) -> None:
        job = self._jobs.get(request_id)
        if job is None:
            return  # it has ended by itself
        job.is_stopped = True
        with self._changed:
            is_queued = job in self._queue
            if is_queued:
                self._queue.remove(job)
        if is_queued:
            self._end(job, None, "The training was stopped before its turn came: nothing was trained.")
            self._update_positions()

    def _cancel(self, request_id: int) -> None:
        if job := self._jobs.get(request_id):
            job.is_cancelled = True
            self._stop(request_id)

    def _read_and_queue(self, job: Job) -> None:
        """Reads a training's data, which may have to be fetched, and puts it in the queue."""

        def on_fetch(message: str) -> None:
            job.check_cancelled()
            self.responses.update(job.request_id, TrainingUpdate(kind="fetching", message=message))

        def read() -> None:
            job.data = _read_data(job.task, job.source, on_fetch)
            _ = job.recipe  # raises, before its turn comes, where a setting is out of bounds
            job.check_cancelled()

        _, failure = self.attempt(read)
        if failure is not None:
            self._end(job, None, failure)
            return
        with self._changed:
            self._queue.append(job)
            self._changed.notify()
        self._update_positions()

    def _update_positions(self) -> None:
        """Sends each queued training its position where that has changed."""
        with self._changed:
            free = MAX_RUNNING_TRAININGS - len(self._running)
            queued = [(job, position) for position, job in enumerate(self._queue, 1) if position > free]
        for job, position in queued:
            if position != job.queue_position:
                job.queue_position = position
                self.responses.update(job.request_id, TrainingUpdate(kind="queued", queue_position=position))

    def _train_queued(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue)
                job = self._queue.popleft()
                self._running.add(job)
            try:
                self._update_positions()
                result = self.attempt(functools.partial(self._train, job))
            except Exception:  # whatever it is, the next training must come
                logging.exception("A training failed.")
                result = None, self.failure_message
            with self._changed:
                self._running.remove(job)
            self._end(job, *result)
            self._update_positions()

    def _train(self, job: Job) -> dict[str, Any]:
        def send(update: TrainingUpdate) -> None:
            self.responses.update(job.request_id, update)

        return dict(train(job, send, self._max_seconds))

    def _end(self, job: Job, result: Any, failure: str | None) -> None:
        self._jobs.pop(job.request_id, None)
        self.responses.finish(job.request_id, result, failure)


def _read_data(task: object, source: dict[str, Any], on_fetch: Callable[[str], None]) -> UserData:
    """The data that a request names; `on_fetch` gets the messages on a data set that is being fetched."""
    task, options = limits.check_choice("task", task, tuple(MODELS)), dict(source)
    if options.pop("built_in", False):
        directory = datasets.data_directory()
        if not all((directory / file.name).exists() for file in datasets.FILES):
            datasets.fetch(directory, on_progress=on_fetch)
        return read_data_set(task, directory)
    text, file = options.pop("text", ""), options.pop("file", None)
    if file is None:
        return read_user_data(task, text, options)
    with open(file, "rb") as content:  # a byte more than the limit, so that too large a file is refused unread
        return read_user_data(task, content.read(limits.MAX_USER_DATA_BYTES + 1), options)


if __name__ == "__main__":
    run_worker(lambda responses: TrainingWorker(responses).handle, NICENESS)
