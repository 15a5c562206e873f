"""The process that summarizes visitors' data: `python -m charplay.workers.summaries`.

One at a time, at first without an estimate of the duration, then with it. Two at once would each find the machine half
as fast, and thirty tabs that are opened together would be shown times thirty times too long. What has not been
summarized at all goes before what is only to be timed. Apart from the trainings: trial steps would change the random
numbers of a training beside them, and a visitor waits for a summary.

Requests (see `workers.protocol`):

    summarize {task, data, preset, changes,      update and result: `training.data_summary.DataSummary`, the result
               start}                            with an estimate of the duration
    cancel                                       drops a summary

The arguments are those of a training (see `workers.training`).
"""

import functools
import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

from charplay.cancellation import Cancelled, cancellable, check_cancelled
from charplay.training.data_summary import UserData, choose_recipe, summarize, training_set_of
from charplay.training.fine_tuning import adapt
from charplay.training.recipes import Recipe
from charplay.training.time_estimate import Speed, measure_speed, warm_up
from charplay.workers import user_data_source
from charplay.workers.protocol import CANCEL
from charplay.workers.server import Responses, Worker, run_worker

MAX_KNOWN_SPEEDS = 100  # of data and recipes measured last: those of a class that opens the same tab
IS_READ = {"is_read": True}  # beside a failure: the data can be used


class SummaryWorker(Worker):
    """The requests for summaries, and the thread that answers them."""

    failure_message = "The data could not be summarized: please try again."

    def __init__(self, responses: Responses):
        super().__init__(responses, {"summarize": self._add, CANCEL: self._cancel})
        self._changed = threading.Condition()
        self._open: set[int] = set()  # ids of the requests that are neither answered nor cancelled
        self._unread: OrderedDict[int, dict[str, Any]] = OrderedDict()  # id -> arguments
        self._untimed: OrderedDict[int, dict[str, Any]] = OrderedDict()  # they are read again: no data waits in memory
        self._speeds: OrderedDict[tuple[str, Recipe], Speed] = OrderedDict()  # by the data's fingerprint
        threading.Thread(target=self._answer_all, name="summaries", daemon=True).start()

    def _add(self, request_id: int, **arguments: Any) -> None:
        """Takes a request; a data set that is missing is fetched beside the others."""
        self._open.add(request_id)
        if user_data_source.is_missing(arguments["data"]):
            threading.Thread(target=self._fetch, args=(request_id, arguments), name="fetch", daemon=True).start()
        else:
            self._put(self._unread, request_id, arguments)

    def _cancel(self, request_id: int) -> None:
        with self._changed:
            self._open.discard(request_id)
            self._unread.pop(request_id, None)
            self._untimed.pop(request_id, None)

    def _is_cancelled(self, request_id: int) -> bool:
        return request_id not in self._open

    def _put(self, queue: OrderedDict[int, dict[str, Any]], request_id: int, arguments: dict[str, Any]) -> None:
        with self._changed:
            if request_id in self._open:
                queue[request_id] = arguments
                self._changed.notify()

    def _fetch(self, request_id: int, arguments: dict[str, Any]) -> None:
        _, failure = self.attempt(lambda: user_data_source.fetch(lambda message: None))
        if failure is None:
            self._put(self._unread, request_id, arguments)
        else:
            self._finish(request_id, None, failure)

    def _answer_all(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._unread or self._untimed)
                is_timed = not self._unread
                request_id, arguments = (self._untimed if is_timed else self._unread).popitem(last=False)
            try:
                with cancellable(functools.partial(self._is_cancelled, request_id)):
                    summary, failure = self._answer(arguments, is_timed)
            except Cancelled:
                continue  # nobody waits for a response either
            if failure is not None or summary["seconds"] is not None:
                self._finish(request_id, summary, failure)
            else:
                self.responses.update(request_id, summary)
                self._put(self._untimed, request_id, arguments)

    def _finish(self, request_id: int, summary: Any, failure: str | None) -> None:
        with self._changed:
            self._open.discard(request_id)
        self.responses.finish(request_id, summary, failure)

    def _answer(self, arguments: dict[str, Any], is_timed: bool) -> tuple[dict[str, Any], str | None]:
        """The summary, or why there is none, then with `IS_READ` where not the data but a setting cannot be used."""
        task = arguments["task"]
        data, failure = self.attempt(lambda: user_data_source.read(task, arguments["data"]))
        if failure is not None:
            return {}, failure
        check_cancelled()

        def compute() -> dict[str, Any]:
            start = user_data_source.read_start(task, arguments)
            adapted = data if start is None else adapt(data, start)
            recipe = choose_recipe(task, adapted, arguments["preset"], arguments["changes"], start)
            return dict(summarize(adapted, recipe, self._speed(task, adapted, recipe, is_timed), start))

        summary, failure = self.attempt(compute)
        return (summary, None) if failure is None else (IS_READ, failure)

    def _speed(self, task: str, data: UserData, recipe: Recipe, is_timed: bool) -> Speed | None:
        """The speed of training, measured if it `is_timed` and not known."""
        key = (data.fingerprint, recipe)
        if key not in self._speeds:
            if not is_timed:
                return None
            self._speeds[key] = measure_speed(task, training_set_of(task, data, recipe), recipe)
        self._speeds.move_to_end(key)
        while len(self._speeds) > MAX_KNOWN_SPEEDS:
            self._speeds.popitem(last=False)
        return self._speeds[key]


def _start(responses: Responses) -> Callable[[dict[str, Any]], None]:
    # Beside the first request: its estimate holds no first step of a process.
    threading.Thread(target=warm_up, name="warm up", daemon=True).start()
    return SummaryWorker(responses).handle


if __name__ == "__main__":
    run_worker(_start)
