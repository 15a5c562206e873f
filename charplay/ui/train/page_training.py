"""One training of a page, which goes on while the page is disconnected, and keeps its model by itself."""

import asyncio
import logging
import shutil
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

from charplay import limits
from charplay.ui import training_client
from charplay.ui.session_shares import REFUSALS
from charplay.ui.session_store import STORE
from charplay.ui.train.progress import TrainingProgress
from charplay.ui.training_client import TrainingRequest
from charplay.workers.training_job import UNKNOWN_SECONDS

HEARTBEAT_SECONDS = 1.0  # seconds after which a reader that has got nothing is asked whether it is still there
TRAINING_FAILED = "The training failed: please try again."


class PageTraining:
    """A training from Train to the model that is kept; of its readers the latest one gets the progress."""

    def __init__(
        self,
        session: str,
        request: TrainingRequest,
        expected_seconds: float | None,
        seconds: float = limits.DISCONNECTED_SECONDS,
    ):
        """Starts it, on the running event loop.

        Args:
            session: of the page, which gets the model.
            request: what to train.
            expected_seconds: what a summary estimated, for those who wait behind it.
            seconds: without a reader, after which it is stopped.
        """
        self.progress = TrainingProgress(request)
        self.name: str | None = None  # of the model, once it is kept
        self._session, self._request, self._expected_seconds = session, request, expected_seconds
        self._seconds = seconds
        self._failure: ValueError | None = None
        self._training: training_client.Training | None = None
        self._is_stopped = False
        self._reader: asyncio.Event | None = None  # of the latest reader; set when there is something new
        self._timer: asyncio.TimerHandle | None = None  # while there is no reader
        self._task = asyncio.create_task(self._run())
        self.on_end(self._wake)

    def on_end(self, call: Callable[[], None]) -> None:
        """Has something called once it is over."""
        self._task.add_done_callback(lambda task: call())

    @property
    def is_over(self) -> bool:
        return self._task.done()

    @property
    def seconds_left(self) -> float:
        """An estimate: of a training that waits, of all of it."""
        return self.progress.seconds_left or self._expected_seconds or UNKNOWN_SECONDS

    def stop(self) -> None:
        """Ends it; its best model so far is kept."""
        self._is_stopped = True
        if self._training is not None:
            self._training.stop()

    def cancel(self) -> None:
        """Ends it, and nothing is kept."""
        self._task.cancel()

    async def follow(self) -> AsyncGenerator[None, None]:
        """Yields whenever `progress` has changed, and every second, until the training is over or read by another.

        Raises:
            ValueError: it cannot be trained; the sentence says why.
        """
        has_changed = self._reader = asyncio.Event()
        if self._timer is not None:
            self._timer.cancel()
        self.progress.show_all()
        try:
            while not self.is_over and self._reader is has_changed:
                yield
                try:
                    await asyncio.wait_for(has_changed.wait(), HEARTBEAT_SECONDS)
                except TimeoutError:
                    continue
                has_changed.clear()
        finally:
            if self._reader is has_changed:
                self._reader = None
                if not self.is_over:
                    self._timer = asyncio.get_running_loop().call_later(self._seconds, self.stop)
        if self.is_over and self._failure is not None:
            raise self._failure

    async def _run(self) -> None:
        try:
            with STORE.temporary_directory() as directory:
                self._training = training_client.Training(
                    with_own_files(self._request, directory),
                    directory / "trained.safetensors",
                    self._expected_seconds,
                )
                if self._is_stopped:
                    self._training.stop()
                async with aclosing(self._training.follow()) as responses:
                    async for response in responses:
                        if response is not None:
                            self.progress.receive(response)
                            self._wake()
                await self._keep(self._training.out)
        except ValueError as error:
            self._failure = error
        except Exception:
            logging.exception("A training failed.")
            self._failure = ValueError(TRAINING_FAILED)

    async def _keep(self, path: Path) -> None:
        """Keeps the model for the page, and a row of its table."""
        self.name = name = await asyncio.to_thread(
            STORE.keep_model,
            self._session,
            path,
            "The trained model",
            opening=self.progress.opening,
            is_saved=False,
        )
        STORE.add_run(self._session, self.progress.as_row(name, STORE.models(self._session)[name]))

    def _wake(self) -> None:
        if self._reader is not None:
            self._reader.set()


class PageTrainings:
    """The trainings of all pages, at most one each; one that has ended is kept until the page has read its end."""

    def __init__(self) -> None:
        self._by_session: dict[str, PageTraining] = {}

    def start(self, session: str | None, request: TrainingRequest, expected_seconds: float | None) -> PageTraining:
        """Starts one.

        Raises:
            ValueError: the page trains already, or the request has no session.
        """
        if not session:
            raise ValueError("Models are kept for a page: open one in a browser.")
        if session in self._by_session and not self._by_session[session].is_over:
            REFUSALS.note(session)
            raise ValueError("This page trains already: stop that first.")
        self._by_session[session] = training = PageTraining(session, request, expected_seconds)
        training.on_end(lambda: self._expire(session, training))
        return training

    def find(self, session: str | None) -> PageTraining | None:
        """The training of a page that runs, or whose end it has not read."""
        return self._by_session.get(session or "")

    def ahead_of(self, session: str | None) -> tuple[int, float]:
        """How many trainings of other pages a new one would wait for, and about how many seconds."""
        others = [each for key, each in self._by_session.items() if key != session and not each.is_over]
        return len(others), sum(each.seconds_left for each in others)

    def drop(self, session: str, training: PageTraining) -> None:
        """Forgets a training that has ended."""
        if self._by_session.get(session) is training:
            del self._by_session[session]

    def forget(self, session: str) -> None:
        """Cancels the training of a page that is closed."""
        if training := self._by_session.pop(session, None):
            training.cancel()

    def _expire(self, session: str, training: PageTraining) -> None:
        asyncio.get_running_loop().call_later(limits.SESSION_SECONDS, self.drop, session, training)


TRAININGS = PageTrainings()  # of this process


def with_own_files(request: TrainingRequest, directory: Path) -> TrainingRequest:
    """The request with copies of its files, which may be replaced or dropped before its turn has come."""
    if "file" in request.data:
        copy = directory / "data"
        shutil.copyfile(request.data["file"], copy)
        request = replace(request, data=request.data | {"file": str(copy)})
    if request.start is not None:
        copy = directory / "start" / Path(request.start).name
        copy.parent.mkdir()
        shutil.copyfile(request.start, copy)
        request = replace(request, start=str(copy))
    return request
