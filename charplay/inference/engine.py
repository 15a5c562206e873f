"""All running generations of a process, advanced together by one thread: continuous batching.

A request takes a seat at the next step, and leaves it when it has its length, is closed, or fails; nobody waits for a
batch to fill or to end. The thread starts with the first request and sleeps while there is none.

    engine = Engine()
    stream = engine.submit(checkpoint, request, notify)   # notify() is called whenever there is more of the text
    stream.text, stream.queue_position, stream.is_done
    stream.close()                                        # the reader has gone
"""

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

import torch

from charplay import limits
from charplay.inference.generate import Generation, GenerationBatch, Request
from charplay.models.checkpoints import Checkpoint

MIN_UPDATE_SECONDS, MAX_UPDATE_SECONDS = (
    0.12,
    1.0,
)  # seconds between two messages of a stream: while few are running, and at most
MAX_UPDATES_PER_SECOND = (
    80  # messages a second of all streams together, as far as `MAX_UPDATE_SECONDS` allows: they cost the page most
)
MAX_UNPACED_STREAMS = 8  # streams that are written as fast as the processor can
MAX_STEPS_PER_SECOND = (
    150  # steps a second for more: faster than anyone reads, and more texts share a step, which makes it cheap
)
FIRST_UPDATE_SECONDS = 0.03  # seconds until a stream's first message, so that something is seen at once
GENERATION_FAILED_MESSAGE = "The model failed in the middle of this text: please press Generate again."


class GenerationError(RuntimeError):
    """A fault of ours ended one text; the sentence is for whoever waits for it."""


class Stream:
    """A text as it grows; what it shows changes just before its reader is notified."""

    def __init__(self, engine: "Engine", checkpoint: Checkpoint, request: Request, notify: Callable[[], None]):
        self.request = request
        self.text = ""  # the continuation so far
        self.queue_position = 0  # in the line for a seat; 0: it has one
        self.is_done = False
        self.failure: GenerationError | None = None
        self._engine, self._checkpoint, self._notify = engine, checkpoint, notify
        self._growing = Generation(request)
        self._batch: GenerationBatch | None = None
        self._due = 0.0
        self._is_closed = False

    def close(self) -> None:
        """Gives up the seat, or the place in the line; a stream that is done stays as it is."""
        self._is_closed = True
        self._engine.wake()

    def _fail(self, failure: Exception) -> None:
        self._growing.failure = failure
        self.failure, self.is_done, self._batch = GenerationError(GENERATION_FAILED_MESSAGE), True, None
        self._tell()

    def _publish(self, now: float, pause: float) -> None:
        text = self._growing
        self.text, self.is_done = text.continuation, text.is_done
        if text.failure is not None:
            self.failure = GenerationError(GENERATION_FAILED_MESSAGE)
        self._due = now + pause
        self._tell()

    def _move(self, place: int) -> None:
        if place != self.queue_position:
            self.queue_position = place
            self._tell()

    def _tell(self) -> None:
        try:
            self._notify()
        except Exception:  # of the reader's own code: it must not end the texts of the others
            logging.exception("A reader could not be told of its text.")
            self.close()


class Engine:
    """The one place of a process where texts are generated."""

    def __init__(self, slots: int = limits.MAX_STREAMS, is_paced: bool = False):
        """`is_paced` spares the processor for the page beside it, where many texts are written."""
        self._slots, self._is_paced = slots, is_paced
        self._changed = threading.Condition()
        self._line: deque[Stream] = deque()  # of those who wait for a seat
        self._seated: list[Stream] = []
        self._is_news = False  # someone has come or left
        self._running: set[GenerationBatch] = set()
        self._due = 0.0  # when the next reader is to be told something
        # What a model needs for stepping lives as long as the model does.
        self._batches: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._thread: threading.Thread | None = None

    @property
    def active(self) -> int:
        """How many streams are being written or wait in the line."""
        with self._changed:
            return len(self._line) + len(self._seated)

    def submit(self, checkpoint: Checkpoint, request: Request, notify: Callable[[], None] = lambda: None) -> Stream:
        """Puts a request in the line; `notify` is called on the engine's thread and must be quick."""
        stream = Stream(self, checkpoint, request, notify)
        with self._changed:
            stream.queue_position = max(len(self._line) + len(self._seated) + 1 - self._slots, 0)
            self._line.append(stream)
            self._is_news = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
                self._thread.start()
            self._changed.notify()
        return stream

    def wake(self) -> None:
        """Makes the engine look round: someone has left."""
        with self._changed:
            self._is_news = True
            self._changed.notify()

    @torch.inference_mode()  # once and for all: entering it at each step cost a fifteenth of a lone stream's speed
    def _run(self) -> None:
        while True:
            begun = time.monotonic()
            try:
                self._advance()
            except Exception as failure:
                self._fail_all(failure)
            if len(self._seated) > MAX_UNPACED_STREAMS and self._is_paced:
                time.sleep(max(begun + 1 / MAX_STEPS_PER_SECOND - time.monotonic(), 0))

    def _advance(self) -> None:
        """One character of every running text, and the updates that are due."""
        self._look_round()
        done = [text for batch in self._running for text in batch.step()]
        now = time.monotonic()
        if done or now >= self._due:
            self._publish(now)

    def _fail_all(self, failure: Exception) -> None:
        """A fault that is no single text's ends every running text; queued ones begin with fresh batches."""
        logging.error("The engine failed.", exc_info=failure)
        with self._changed:
            failed, self._seated = self._seated, []
            self._is_news = True
        # The rows of the failed texts go with their batches: their states may be of different steps by now.
        self._batches.clear()
        self._running.clear()
        for stream in failed:
            stream._fail(failure)

    def _look_round(self) -> None:
        """Sees off whoever has left and seats whoever has come; sleeps while there is nobody."""
        if self._seated and not self._is_news:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._line or self._seated)
            self._is_news = False
            gone = [stream for stream in self._seated if stream._is_closed]
            self._seated = [stream for stream in self._seated if not stream._is_closed]
            self._line = deque(stream for stream in self._line if not stream._is_closed)
            came = [self._line.popleft() for _ in range(min(self._slots - len(self._seated), len(self._line)))]
            self._seated += came
            waiting = list(self._line)
        for batch in {stream._batch for stream in gone if stream._batch}:
            batch.leave({stream._growing for stream in gone})
        self._seat(came)
        self._running = {stream._batch for stream in self._seated if stream._batch}
        for place, stream in enumerate(waiting, 1):
            stream._move(place)

    def _seat(self, came: list[Stream]) -> None:
        now = time.monotonic()
        for stream in came:
            stream._due = now + FIRST_UPDATE_SECONDS
            try:
                stream._batch = self._batch_of(stream._checkpoint)
                stream._batch.join([stream._growing])
            except Exception as failure:  # the model cannot be laid out for stepping
                stream._growing.failure = failure
                stream._due = self._due = now
            stream._move(0)
        self._due = min(self._due, now + FIRST_UPDATE_SECONDS)

    def _batch_of(self, checkpoint: Checkpoint) -> GenerationBatch:
        if checkpoint.model not in self._batches:
            self._batches[checkpoint.model] = GenerationBatch(checkpoint)
        return self._batches[checkpoint.model]

    def _publish(self, now: float) -> None:
        """Tells each reader what there is, as often as so many may be told."""
        pause = min(max(MIN_UPDATE_SECONDS, len(self._seated) / MAX_UPDATES_PER_SECOND), MAX_UPDATE_SECONDS)
        for stream in self._seated:
            if stream._growing.is_done or now >= stream._due:
                try:
                    stream._publish(now, pause)
                except Exception as failure:
                    stream._batch.leave({stream._growing})
                    stream._fail(failure)
            if stream._growing.failure is not None:
                logging.error("A generation failed.", exc_info=stream._growing.failure)
        with self._changed:
            self._seated = [stream for stream in self._seated if not stream.is_done]
            self._is_news = self._is_news or bool(self._line)
        self._due = min((stream._due for stream in self._seated), default=0.0)
