"""The process that decoder pairs train in while a class watches: `python -m charplay.workers.teacher_forcing`.

A run is one `training.teacher_forcing.DecoderPair`. One thread advances all runs in turn, an epoch each time, at the
speed that was requested. A run that is paused or has ended costs nothing, can be looked at, and is dropped after a
while. The request that a run sends its updates to is the one that started or resumed it; when that is cancelled, the
run is dropped.

Requests (see `workers.protocol`); updates and results are {run, state}: the run's name, and what is new of the pair
since the last update, None where nothing is:

    start {settings, page, speed} updates; the former run of that page is dropped
    create {settings, page}       result after one epoch; the run is paused, the former run of that page is dropped
    resume {run, speed}           updates; the run's former request is done
    pace {run, speed}             result; the run goes on at that speed
    look {run, epoch}             result as of that epoch, 0: the untrained network; the run goes on as before
    pause {run}                   result, and the same for the request that got the updates
    step {run}                    result after one more epoch; the run is paused
    stop {run}                    result; the run has ended
    preview {settings, epochs, shown}    result after so many epochs, as of one of them; no run is kept
    count {}                      result: how many runs have not ended, running or paused
    cancel                        ends the run that sends its updates to this request
"""

import logging
import queue
import secrets
import threading
import time
from collections.abc import Callable
from typing import Any

from charplay import limits
from charplay.training.teacher_forcing import DecoderPair, DecoderSettings
from charplay.workers.protocol import CANCEL
from charplay.workers.server import Responses, Worker, run_worker

MAX_EPOCHS_PER_SECOND = limits.DECODER_SPEED.high  # epochs a second of one run
MIN_UPDATE_SECONDS = 0.1  # seconds between two updates of a run, while few are running
MAX_UPDATE_SECONDS = 2.0  # seconds between two updates of a run, however many are running
# Updates a second of all runs together, as far as `MAX_UPDATE_SECONDS` allows: the page renders each of them.
MAX_UPDATES_PER_SECOND = 40
RUN_ENDED = "This run has ended: press Start to begin it anew."


class _Run:
    """A decoder pair, and when it is due for what."""

    def __init__(self, name: str, pair: DecoderPair, page: str, now: float):
        self.name, self.pair, self.page = name, pair, page
        self.request_id: int | None = None  # that the updates go to; None: paused
        self.next_epoch_at = self.next_update_at = now
        self.sent_epochs = 0  # epochs that the updates have had
        self.paused_at = now
        self.epochs_per_second = MAX_EPOCHS_PER_SECOND
        self.has_ended = False  # can only be looked at

    @property
    def is_paused(self) -> bool:
        return self.request_id is None

    @property
    def expires_at(self) -> float:
        return self.paused_at + limits.MAX_PAUSED_SECONDS


class TeacherForcingWorker(Worker):
    """All runs, advanced in turn. One thread calls it: `handle` for each request, `advance` when a run is due."""

    user_errors = (ValueError, FloatingPointError)
    failure_message = "The run failed: please press Start again."

    def __init__(self, responses: Responses, clock: Callable[[], float] = time.monotonic):
        """`clock` gives seconds."""
        super().__init__(
            responses,
            {
                "start": self._start,
                "create": self._create,
                "resume": self._resume,
                "pace": self._pace,
                "look": self._look,
                "pause": self._pause,
                "step": self._step,
                "stop": self._stop,
                "preview": self._preview,
                "count": self._count,
                CANCEL: self._cancel,
            },
        )
        self._clock = clock
        self._runs: dict[str, _Run] = {}
        self._previewed: DecoderPair | None = None  # the last one

    def run_forever(self, requests: queue.SimpleQueue) -> None:
        """Takes requests from the queue, and advances the runs between them."""
        while True:
            try:
                request = requests.get(timeout=self.seconds_until_due())
            except queue.Empty:
                request = None
            try:
                if request is None:
                    self.advance()
                else:
                    self.handle(request)
            except Exception:  # whatever it is, the other runs go on
                logging.exception("A turn of the teacher-forcing worker failed.")

    def seconds_until_due(self) -> float | None:
        """Seconds until `advance` has something to do; None: not before the next request."""
        times = [run.expires_at if run.is_paused else run.next_epoch_at for run in self._runs.values()]
        return max(min(times) - self._clock(), 0.0) if times else None

    def advance(self) -> None:
        """Trains the run that has been due the longest for an epoch, and drops those paused for too long."""
        now = self._clock()
        self._runs = {name: run for name, run in self._runs.items() if not run.is_paused or now < run.expires_at}
        due = [run for run in self._runs.values() if not run.is_paused and run.next_epoch_at <= now]
        if not due:
            return
        run = min(due, key=lambda run: run.next_epoch_at)
        _, failure = self.attempt(run.pair.advance)
        now = self._clock()
        run.next_epoch_at = max(run.next_epoch_at + 1 / run.epochs_per_second, now)  # a late one waits for the others
        if failure is not None or run.pair.is_over:
            self._end(run, failure)
        elif now >= run.next_update_at:
            running = sum(not each.is_paused for each in self._runs.values())
            seconds = min(max(MIN_UPDATE_SECONDS, running / MAX_UPDATES_PER_SECOND), MAX_UPDATE_SECONDS)
            run.next_update_at = now + seconds
            self._update(run)

    def _update(self, run: _Run) -> None:
        """Sends what is new of a run that is not paused."""
        if run.request_id is not None:
            state = run.pair.update_since(run.sent_epochs)
            run.sent_epochs = len(run.pair.history)
            self.responses.update(run.request_id, {"run": run.name, "state": state})

    def _end_updates(self, run: _Run, failure: str | None = None, has_state: bool = True) -> None:
        """Sends the last response to the request that gets a run's updates, and pauses the run."""
        if run.request_id is not None:
            state = run.pair.update_since(run.sent_epochs) if has_state else None
            self._finish(run.request_id, run.name, state, failure)
        run.request_id, run.paused_at = None, self._clock()

    def _finish(
        self, request_id: int, name: str = "", state: dict[str, Any] | None = None, failure: str | None = None
    ) -> None:
        self.responses.finish(request_id, {"run": name, "state": state}, failure)

    def _start(
        self, request_id: int, settings: dict[str, Any], page: str, speed: object = MAX_EPOCHS_PER_SECOND
    ) -> None:
        limits.DECODER_SPEED.check(speed)
        run = self._new_run(settings, page)
        self._resume(request_id, run.name, speed)

    def _create(self, request_id: int, settings: dict[str, Any], page: str) -> None:
        run = self._new_run(settings, page)
        self._finish(request_id, run.name, run.pair.update_since())

    def _new_run(self, settings: dict[str, Any], page: str) -> _Run:
        """A paused run after one epoch, in place of the page's former one."""
        for run in [run for run in self._runs.values() if page and run.page == page]:
            self._drop(run)
        self._make_room()
        run = _Run(secrets.token_urlsafe(16), DecoderPair(DecoderSettings(**settings)), page, self._clock())
        run.pair.advance()  # every run that is kept has something to show
        self._runs[run.name] = run
        return run

    def _make_room(self) -> None:
        """Drops a run that has ended, or else been paused the longest, where there are as many as may be.

        Raises:
            ValueError: none is paused.
        """
        if len(self._runs) < limits.MAX_DECODER_PAIRS:
            return
        paused = [run for run in self._runs.values() if run.is_paused]  # or ended
        if not paused:
            raise ValueError(
                f"{limits.MAX_DECODER_PAIRS} runs are under way, as many as this machine takes: "
                "press Start again in a minute."
            )
        del self._runs[min(paused, key=lambda run: (not run.has_ended, run.paused_at)).name]

    def _resume(self, request_id: int, run: object, speed: object = MAX_EPOCHS_PER_SECOND) -> None:
        found = self._find(run)
        found.epochs_per_second = limits.DECODER_SPEED.check(speed)
        self._end_updates(found, has_state=False)  # the page shows the run by this request from now on
        found.request_id, found.sent_epochs = request_id, 0
        found.next_epoch_at = found.next_update_at = self._clock()

    def _pace(self, request_id: int, run: object, speed: object) -> None:
        found = self._find(run)
        found.epochs_per_second = limits.DECODER_SPEED.check(speed)
        found.next_epoch_at = min(found.next_epoch_at, self._clock() + 1 / found.epochs_per_second)
        self._finish(request_id, found.name)

    def _look(self, request_id: int, run: object, epoch: object) -> None:
        found = self._find(run, has_ended=True)
        shown = limits.Limit("epoch", 0, len(found.pair.history)).check(epoch)
        self._finish(request_id, found.name, found.pair.update_since(shown=shown))

    def _pause(self, request_id: int, run: object) -> None:
        found = self._find(run)
        # The page may render this after the response to the pause: both show the epoch at which the run rests.
        self._end_updates(found)
        self._finish(request_id, found.name, found.pair.update_since())

    def _step(self, request_id: int, run: object) -> None:
        found = self._find(run)
        self._end_updates(found, has_state=False)
        _, failure = self.attempt(found.pair.advance)
        found.has_ended = failure is not None or found.pair.is_over
        self._finish(request_id, found.name, found.pair.update_since(), failure)

    def _stop(self, request_id: int, run: object) -> None:
        if isinstance(run, str) and run in self._runs:  # else it was removed already
            self._end(self._runs[run], has_state=False)
        self._finish(request_id)

    def _preview(self, request_id: int, settings: dict[str, Any], epochs: int, shown: int | None = None) -> None:
        decoders, pair = DecoderSettings(**settings), self._previewed
        if pair is None or pair.settings != decoders or len(pair.history) != epochs:
            pair = DecoderPair(decoders)
            for _ in range(epochs):
                pair.advance()
            self._previewed = pair
        if shown is not None:
            shown = limits.Limit("epoch", 0, epochs).check(shown)
        self._finish(request_id, state=pair.update_since(shown=shown))

    def _count(self, request_id: int) -> None:
        self.responses.finish(request_id, sum(not run.has_ended for run in self._runs.values()))

    def _cancel(self, request_id: int) -> None:
        self._runs = {name: run for name, run in self._runs.items() if run.request_id != request_id}

    def _find(self, name: object, *, has_ended: bool = False) -> _Run:
        """The run of that name; one that has ended only where `has_ended`."""
        run = self._runs.get(name) if isinstance(name, str) else None
        if run is None or (run.has_ended and not has_ended):
            raise ValueError(RUN_ENDED)
        return run

    def _end(self, run: _Run, failure: str | None = None, has_state: bool = True) -> None:
        """Ends the updates of a run for good."""
        self._end_updates(run, failure, has_state)
        run.has_ended = True

    def _drop(self, run: _Run) -> None:
        self._end_updates(run, has_state=False)
        del self._runs[run.name]


def _start(responses: Responses) -> Callable[[dict[str, Any]], None]:
    requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
    worker = TeacherForcingWorker(responses)
    threading.Thread(target=worker.run_forever, args=[requests], name="runs", daemon=True).start()
    return requests.put


if __name__ == "__main__":
    run_worker(_start)
