"""All running generations of a process, advanced together by one thread: continuous batching.

A request is admitted to a slot at the next step and frees it when its text is complete, closed or failed; none waits
for a batch to fill or to end. The thread starts with the first request and blocks while there is none.

    engine = Engine()
    stream = engine.submit(checkpoint, request, on_update)   # on_update() is called whenever the stream has changed
    stream.text, stream.queue_position, stream.is_done
    stream.close()                                           # frees the slot before the text is complete
"""

import logging
import threading
import time
import weakref
from collections import deque
from collections.abc import Callable

import torch

from charplay import limits
from charplay.inference.generate import GenerationBatch
from charplay.inference.generation import Request
from charplay.inference.invent import make_batch, new_generation
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM

FIRST_UPDATE_SECONDS = 0.03  # from a stream's admission to its first update, so that something shows at once
MIN_UPDATE_SECONDS = 0.12  # between two updates of one stream, while few are running
MAX_UPDATE_SECONDS = 1.0  # between two updates of one stream, however many are running
# Of all streams together, as far as `MAX_UPDATE_SECONDS` allows: sending updates costs more than generating text.
MAX_UPDATES_PER_SECOND = 80
MAX_UNPACED_STREAMS = 8  # streams up to which a paced engine steps as fast as the processor can
# Of a paced engine with more streams: still faster than reading, and more texts share a step, which is cheaper.
MAX_STEPS_PER_SECOND = 150
# Of a text, for each second between its updates while more than that many streams are running: an update costs the
# page's process more, the longer the text is, and nobody reads as fast as a long text grows.
MAX_CHARACTERS_PER_UPDATE_SECOND = 3_000
GENERATION_FAILED_MESSAGE = "The model failed in the middle of this text: please press Generate again."


class GenerationError(RuntimeError):
    """An internal fault ended one text; the message is for the user who requested it."""


class Stream:
    """One requested text. Its public fields change on the engine's thread, just before `on_update` is called."""

    def __init__(
        self, engine: "Engine", checkpoint: Checkpoint[CharLM], request: Request, on_update: Callable[[], None]
    ):
        self.request = request
        self.text = ""  # the continuation so far
        self.queue_position = 0  # from 1; 0: it has a slot
        self.is_done = False
        self.failure: GenerationError | None = None
        self._engine, self._checkpoint, self._on_update = engine, checkpoint, on_update
        self._generation = new_generation(request, checkpoint.vocabulary)
        self._batch: GenerationBatch | None = None
        self._next_update = 0.0  # `time.monotonic()` of the next update
        self._is_closed = False

    def close(self) -> None:
        """Frees the slot, or leaves the queue; a stream that is done stays as it is."""
        self._is_closed = True
        self._engine.wake()

    def _fail(self, failure: Exception) -> None:
        self._generation.failure = failure
        self.failure, self.is_done, self._batch = GenerationError(GENERATION_FAILED_MESSAGE), True, None
        self._send_update()

    def _publish(self, now: float, interval: float) -> None:
        generation = self._generation
        self.text, self.is_done = generation.continuation, generation.is_done
        if generation.failure is not None:
            self.failure = GenerationError(GENERATION_FAILED_MESSAGE)
        self._next_update = now + interval
        self._send_update()

    def _move(self, queue_position: int) -> None:
        if queue_position != self.queue_position:
            self.queue_position = queue_position
            self._send_update()

    def _send_update(self) -> None:
        try:
            self._on_update()
        except Exception:  # of the caller's code: it must not end the other streams
            logging.exception("The update callback of a stream failed.")
            self.close()


class Engine:
    """Runs streams in a fixed number of slots; further requests queue. A process has one."""

    def __init__(self, slots: int = limits.MAX_STREAMS, is_paced: bool = False):
        """`is_paced` limits the steps per second of many streams, to leave processor time to the web server."""
        self._slots, self._is_paced = slots, is_paced
        self._changed = threading.Condition()  # guards the queue, `_running` and `_has_changes`
        self._queue: deque[Stream] = deque()
        self._running: list[Stream] = []  # streams that have a slot
        self._has_changes = False  # a stream was submitted or closed, or a slot came free
        self._batches: set[GenerationBatch] = set()  # of the running streams
        self._next_update = 0.0  # `time.monotonic()` of the earliest update of a running stream
        # A model's prepared weights live as long as the model.
        self._batch_by_model: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._thread: threading.Thread | None = None

    @property
    def active(self) -> int:
        """The number of streams that are running or queued."""
        with self._changed:
            return len(self._queue) + len(self._running)

    def submit(
        self, checkpoint: Checkpoint[CharLM], request: Request, on_update: Callable[[], None] = lambda: None
    ) -> Stream:
        """Queues a request; `on_update` is called on the engine's thread and must return quickly."""
        stream = Stream(self, checkpoint, request, on_update)
        with self._changed:
            stream.queue_position = max(len(self._queue) + len(self._running) + 1 - self._slots, 0)
            self._queue.append(stream)
            self._has_changes = True
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="engine", daemon=True)
                self._thread.start()
            self._changed.notify()
        return stream

    def wake(self) -> None:
        """Makes the engine look for closed streams before its next step."""
        with self._changed:
            self._has_changes = True
            self._changed.notify()

    @torch.inference_mode()  # entered once: entering it at each step took 1/15 of the speed of a single stream
    def _run(self) -> None:
        while True:
            start = time.monotonic()
            try:
                self._advance()
            except Exception as failure:
                self._fail_all(failure)
            if len(self._running) > MAX_UNPACED_STREAMS and self._is_paced:
                time.sleep(max(start + 1 / MAX_STEPS_PER_SECOND - time.monotonic(), 0))

    def _advance(self) -> None:
        """Generates one character of every running stream and sends the updates that are due."""
        self._admit()
        done = [generation for batch in self._batches for generation in batch.step()]
        now = time.monotonic()
        if done or now >= self._next_update:
            self._publish(now)

    def _fail_all(self, failure: Exception) -> None:
        """A fault that no single text caused ends every running stream; queued ones start with fresh batches."""
        logging.error("The engine failed.", exc_info=failure)
        with self._changed:
            failed, self._running = self._running, []
            self._has_changes = True
        # The failed rows go with their batches: their states may be of different steps by now.
        self._batch_by_model.clear()
        self._batches.clear()
        for stream in failed:
            stream._fail(failure)

    def _admit(self) -> None:
        """Drops closed streams and admits queued ones; blocks while there are none."""
        if self._running and not self._has_changes:
            return
        with self._changed:
            self._changed.wait_for(lambda: self._queue or self._running)
            self._has_changes = False
            closed = [stream for stream in self._running if stream._is_closed]
            self._running = [stream for stream in self._running if not stream._is_closed]
            self._queue = deque(stream for stream in self._queue if not stream._is_closed)
            free = min(self._slots - len(self._running), len(self._queue))
            admitted = [self._queue.popleft() for _ in range(free)]
            self._running += admitted
            queued = list(self._queue)
        for batch in {stream._batch for stream in closed if stream._batch}:
            batch.remove({stream._generation for stream in closed})
        self._start(admitted)
        self._batches = {stream._batch for stream in self._running if stream._batch}
        for queue_position, stream in enumerate(queued, 1):
            stream._move(queue_position)

    def _start(self, admitted: list[Stream]) -> None:
        """Adds streams to the batches of their models."""
        now = time.monotonic()
        by_model: dict[int, list[Stream]] = {}
        for stream in admitted:
            stream._next_update = now + FIRST_UPDATE_SECONDS
            by_model.setdefault(id(stream._checkpoint.model), []).append(stream)
        self._next_update = min(self._next_update, now + FIRST_UPDATE_SECONDS)
        for streams in by_model.values():
            self._add(streams)
        for stream in admitted:
            stream._move(0)

    def _add(self, streams: list[Stream]) -> None:
        """Adds streams of one model to its batch, all at once: each addition copies the states of the batch."""
        try:
            batch = self._batch_of(streams[0]._checkpoint)
        except Exception as failure:  # the model's weights cannot be prepared
            self._refuse(streams, failure)
            return
        try:
            batch.add([stream._generation for stream in streams])
        except Exception as failure:
            if len(streams) == 1:
                self._refuse(streams, failure)
                return
            for stream in streams:  # all but the one that is at fault
                self._add([stream])
            return
        for stream in streams:
            stream._batch = batch

    def _refuse(self, streams: list[Stream], failure: Exception) -> None:
        """Ends streams that have not begun, at the next update."""
        for stream in streams:
            stream._generation.failure = failure
            stream._next_update = self._next_update = time.monotonic()

    def _batch_of(self, checkpoint: Checkpoint[CharLM]) -> GenerationBatch:
        if checkpoint.model not in self._batch_by_model:
            self._batch_by_model[checkpoint.model] = make_batch(checkpoint)
        return self._batch_by_model[checkpoint.model]

    def _interval_of(self, stream: Stream, interval: float) -> float:
        """The seconds to the next update of a stream, `interval` or more."""
        if len(self._running) <= MAX_UNPACED_STREAMS:
            return interval
        length = len(stream._generation.continuation)
        return min(max(interval, length / MAX_CHARACTERS_PER_UPDATE_SECOND), MAX_UPDATE_SECONDS)

    def _publish(self, now: float) -> None:
        """Updates the streams that are due or done, and frees the slots of those that are done."""
        interval = min(max(MIN_UPDATE_SECONDS, len(self._running) / MAX_UPDATES_PER_SECOND), MAX_UPDATE_SECONDS)
        for stream in self._running:
            # While its prime is read a text has nothing to show; its first character is then sent at once.
            is_due = now >= stream._next_update and stream._generation.has_begun
            if stream._generation.is_done or is_due:
                try:
                    stream._publish(now, self._interval_of(stream, interval))
                except Exception as failure:
                    if stream._batch:
                        stream._batch.remove({stream._generation})
                    stream._fail(failure)
            if stream._generation.failure is not None:
                logging.error("A generation failed.", exc_info=stream._generation.failure)
        with self._changed:
            running = [stream for stream in self._running if not stream.is_done]
            if len(running) < len(self._running):  # slots came free
                self._running, self._has_changes = running, True
        self._next_update = min((stream._next_update for stream in self._running), default=0.0)
