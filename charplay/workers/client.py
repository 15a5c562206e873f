"""The page's side of a worker process: it is started with the first request, and again after it has ended."""

import asyncio
import itertools
import logging
import threading
from collections.abc import AsyncGenerator, Callable
from contextlib import suppress

from charplay.workers.connection import WORKER_ENDED, Connection, OnResponse
from charplay.workers.protocol import Response, WorkerRequest, encode_line, failed

HEARTBEAT_SECONDS = 1.0  # seconds without a response after which it is checked whether the page is still connected
GATHER_SECONDS = 0.04  # seconds in which the updates of several requests are gathered into one
MAX_STARTS = 3  # processes started for one request, should each end before the request is queued
CLIENT_DISCONNECTED = "The page that asked for this is closed."


class WorkerProcess:
    """A program that answers requests, see `workers.protocol`."""

    def __init__(self, program: str):
        """`program` is what `python -m` runs."""
        self._program = program
        self._ids = itertools.count(1)
        self._lock = threading.Lock()
        self._connection: Connection | None = None

    def start(self) -> None:
        """Starts the program unless it runs: it imports what it needs before the first request."""
        try:
            self._connect()
        except OSError:  # the first request tries again, and fails where that does
            logging.exception("A worker process could not be started.")

    def send(self, request: WorkerRequest, on_response: OnResponse) -> int:
        """Sends a request; `on_response` is called with each response, on another thread. Returns the request's id."""
        request_id = next(self._ids)
        line = encode_line({"id": request_id} | request._asdict())
        try:
            if any(self._connect().send(request_id, line, on_response) for _ in range(MAX_STARTS)):
                return request_id
        except OSError:
            logging.exception("A worker process could not be started.")
        on_response(failed(request_id, WORKER_ENDED))
        return request_id

    async def request(self, request: WorkerRequest, is_disconnected: Callable[[], bool] = lambda: False) -> Response:
        """The last response of a request; it is cancelled when this is, or once `is_disconnected()`."""
        loop = asyncio.get_running_loop()
        last: asyncio.Future[Response] = loop.create_future()

        def receive(response: Response) -> None:
            if response["is_done"] and not last.done():
                last.set_result(response)

        request_id = self.send(request, lambda response: call_on(loop, receive, response))
        try:
            while not (await asyncio.wait([last], timeout=HEARTBEAT_SECONDS))[0]:
                if is_disconnected():
                    return failed(request_id, CLIENT_DISCONNECTED)
            return last.result()
        finally:
            self.cancel(request_id)  # nothing is pending any more where it was answered

    async def stream(self, *requests: WorkerRequest) -> AsyncGenerator[list[Response], None]:
        """The responses to requests as they come, to the last one of each; closing this cancels all of them.

        Those that came since the last time are yielded together, each with the `index` of its request; after
        `HEARTBEAT_SECONDS` without any, an empty list.
        """
        loop, has_come = asyncio.get_running_loop(), asyncio.Event()
        received: list[Response] = []

        def receive(response: Response) -> None:
            received.append(response)
            has_come.set()

        def send(index: int, request: WorkerRequest) -> int:
            return self.send(request, lambda response: call_on(loop, receive, response | {"index": index}))

        request_ids: list[int] = []
        try:
            for index, request in enumerate(requests):
                request_ids.append(send(index, request))
            unfinished = len(requests)
            while unfinished:
                # Heartbeat: at a yield Gradio notices that a client has disconnected.
                with suppress(TimeoutError):
                    await asyncio.wait_for(has_come.wait(), HEARTBEAT_SECONDS)
                    if len(requests) > 1:
                        await asyncio.sleep(GATHER_SECONDS)
                has_come.clear()
                responses = received[:]
                received.clear()
                unfinished -= sum(response["is_done"] for response in responses)
                yield responses
        finally:
            for request_id in request_ids:
                self.cancel(request_id)

    def send_about(self, request_id: int, kind: str) -> None:
        """Sends a message about a request that is still pending."""
        with self._lock:
            connection = self._connection
        if connection is not None:
            connection.send_about(request_id, encode_line({"id": request_id, "kind": kind, "arguments": {}}))

    def cancel(self, request_id: int) -> None:
        """Gives up a request, if it is still pending."""
        with self._lock:
            connection = self._connection
        if connection is not None:
            connection.cancel(request_id)

    def kill(self) -> None:
        """Ends the process in the middle of whatever it computes; the next request starts another."""
        with self._lock:
            connection, self._connection = self._connection, None
        if connection is not None:
            connection.kill()

    @property
    def pending(self) -> int:
        """How many requests have had no last response yet."""
        with self._lock:
            return self._connection.pending if self._connection is not None else 0

    def _connect(self) -> Connection:
        with self._lock:
            if self._connection is None or not self._connection.is_alive:
                self._connection = Connection(self._program)
            return self._connection


INFERENCE = WorkerProcess("charplay.workers.inference")  # of the page: it stays responsive while the models compute


def call_on(loop: asyncio.AbstractEventLoop, call: OnResponse, response: Response) -> None:
    """Calls on the loop's thread; on a loop that has closed nothing waits for the response."""
    with suppress(RuntimeError):
        loop.call_soon_threadsafe(call, response)
