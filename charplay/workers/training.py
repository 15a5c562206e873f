"""The process that visitors' networks are trained in: `python -m charplay.workers.training`.

Training takes a core for minutes. In a process of its own, of low priority and on one thread, it takes what the page
and its inference leave over. One training runs at a time; later ones are queued, unread, and their clients know the
position.

Requests (see `workers.protocol`):

    train {task, data, preset, changes, start,   updates: `TrainingUpdate`; result: `TrainingResult`
           out, expected_seconds}
    stop                                         of a training: the best so far is kept, and it ends
    cancel                                       of a training: it ends, and nothing is kept

`out` is the path of the checkpoint. `data` is {"text": pasted text}, {"file": PATH}, or {"built_in": true} for the
project's own data set of the task, which is fetched if it is missing; also "encoding", and of rows "delimiter",
"has_header", "text_column", "label_column" and "merge_case", as `user_data.read_rows` has them. `preset` and `changes`
are those of `data_summary.choose_recipe`. `start`, which may be missing, is the path of a checkpoint to go on from.
`expected_seconds`, which may be missing, is what a summary estimated: those who wait behind this training are told how
long.
"""

import functools
import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any

from charplay import limits
from charplay.training import trainer
from charplay.training.time_estimate import warm_up
from charplay.workers import user_data_source
from charplay.workers.protocol import CANCEL
from charplay.workers.server import Responses, Worker, run_worker
from charplay.workers.training_job import Job, TrainingCancelled, TrainingUpdate, train

MAX_RUNNING_TRAININGS = 1  # trainings that run at the same time: one takes a core


class TrainingWorker(Worker):
    """Queues trainings, and reads the data of each when its turn has come: what waits holds no rows."""

    user_errors = (ValueError, FloatingPointError, trainer.StopTraining, TrainingCancelled)
    failure_message = "The training failed: please try again."

    def __init__(self, responses: Responses, max_seconds: float = limits.MAX_USER_TRAINING_SECONDS):
        super().__init__(responses, {"train": self._add, "stop": self._stop, CANCEL: self._cancel})
        self._max_seconds = max_seconds
        self._changed = threading.Condition()
        self._queue: deque[Job] = deque()
        self._running: set[Job] = set()
        self._jobs: dict[int, Job] = {}  # id of a request -> its training, until that has ended
        for slot in range(MAX_RUNNING_TRAININGS):
            threading.Thread(target=self._train_queued, name=f"training {slot}", daemon=True).start()

    def _add(self, request_id: int, **arguments: Any) -> None:
        if len(self._jobs) >= limits.MAX_QUEUED_TRAININGS + MAX_RUNNING_TRAININGS:
            raise ValueError(
                f"{limits.MAX_QUEUED_TRAININGS} trainings are queued on this machine already, and it takes no more: "
                "try again in some minutes."
            )
        self._jobs[request_id] = job = Job(request_id, arguments)
        if user_data_source.is_missing(job.source):
            threading.Thread(target=self._fetch_and_queue, args=[job], name="fetch", daemon=True).start()
        else:
            self._put(job)

    def _put(self, job: Job) -> None:
        with self._changed:
            self._queue.append(job)
            self._changed.notify()
        self._update_positions()

    def _fetch_and_queue(self, job: Job) -> None:
        """Fetches the data set of a training before it waits: a slow connection keeps no other one waiting."""

        def on_progress(message: str) -> None:
            job.check_cancelled()
            self.responses.update(job.request_id, TrainingUpdate(kind="fetching", message=message))

        _, failure = self.attempt(lambda: user_data_source.fetch(on_progress))
        if failure is None:
            self._put(job)
        else:
            self._end(job, None, failure)

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

    def _update_positions(self) -> None:
        """Sends each queued training its position where that has changed, and how long it will wait."""
        with self._changed:
            free = MAX_RUNNING_TRAININGS - len(self._running)
            queued = [(job, position) for position, job in enumerate(self._queue, 1) if position > free]
            running = [job.seconds_left for job in self._running] or [0.0]
        wait = sum(running) / MAX_RUNNING_TRAININGS
        for job, position in queued:
            if position != job.queue_position:
                job.queue_position = position
                update = TrainingUpdate(kind="queued", queue_position=position, wait_seconds=wait)
                self.responses.update(job.request_id, update)
            wait += job.expected_seconds / MAX_RUNNING_TRAININGS

    def _train_queued(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._queue)
                job = self._queue.popleft()
                job.ends_at = time.monotonic() + job.expected_seconds
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

        job.read()
        job.check_cancelled()
        try:
            return dict(train(job, send, self._max_seconds))
        finally:
            del job.data, job.start

    def _end(self, job: Job, result: Any, failure: str | None) -> None:
        self._jobs.pop(job.request_id, None)
        self.responses.finish(job.request_id, result, failure)


def _start(responses: Responses) -> Callable[[dict[str, Any]], None]:
    # Beside the first request: the first training takes no longer than a data summary has estimated.
    threading.Thread(target=warm_up, name="warm up", daemon=True).start()
    return TrainingWorker(responses).handle


if __name__ == "__main__":
    run_worker(_start)
