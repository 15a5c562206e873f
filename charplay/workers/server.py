"""What the worker processes share: their start, the loop that reads requests, dispatch by kind, and the responses."""

import gc
import json
import logging
import os
import sys
import threading
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, BinaryIO, ClassVar

import torch

from charplay import system
from charplay.workers.protocol import Response, encode_line, failed

# PyTorch gives each thread that computes a pool of its own: pools would compete for the cores with each other and with
# the page.
TORCH_THREADS = 1

Handler = Callable[..., None]  # (id of the request, **arguments)


class Responses:
    """Writes responses, one line each, from any thread."""

    def __init__(self, out: BinaryIO):
        self._out, self._lock = out, threading.Lock()

    def update(self, request_id: int, update: Mapping[str, Any]) -> None:
        """Sends what is new of a request that is not done."""
        self._write(Response(id=request_id, is_done=False, update=dict(update), result=None, failure=None))

    def finish(self, request_id: int, result: Any = None, failure: str | None = None) -> None:
        """Sends the last response of a request."""
        self._write(Response(id=request_id, is_done=True, update=None, result=result, failure=failure))

    def _write(self, response: Response) -> None:
        try:
            line = encode_line(response)
        except (TypeError, ValueError):
            logging.exception("A response has no form in JSON.")
            line = encode_line(failed(response["id"], "The answer cannot be sent: please try again."))
        # A pipe that is closed has no client any more: the loop that reads requests ends too, and with it the process.
        with self._lock, suppress(OSError):
            self._out.write(line)
            self._out.flush()


class Worker:
    """Answers requests by their kind; an exception of one ends neither the process nor another request."""

    user_errors: ClassVar[tuple[type[Exception], ...]] = (ValueError,)  # whose sentence is for the visitor
    failure_message: ClassVar[str]  # for the visitor, in place of any other exception

    def __init__(self, responses: Responses, handlers: Mapping[str, Handler]):
        """`handlers` has for each kind of request what takes its id and arguments, and sends the responses."""
        self.responses, self._handlers = responses, handlers

    def handle(self, request: Mapping[str, Any]) -> None:
        """Takes one request; its responses are sent when they are known."""
        request_id = request["id"]
        _, failure = self.attempt(lambda: self._handlers[request["kind"]](request_id, **request["arguments"]))
        if failure is not None:
            self.responses.finish(request_id, failure=failure)

    def attempt(self, compute: Callable[[], Any]) -> tuple[Any, str | None]:
        """What `compute` returns, or the sentence on what went wrong."""
        try:
            return compute(), None
        except self.user_errors as error:
            return None, str(error)
        except Exception:
            logging.exception("A request failed.")
            return None, self.failure_message


class RequestQueue:
    """Requests that wait for a thread, first come, first served; a cancelled one is dropped."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._waiting: dict[int, dict[str, Any]] = {}

    def put(self, request_id: int, **arguments: Any) -> None:
        with self._changed:
            self._waiting[request_id] = arguments
            self._changed.notify()

    def cancel(self, request_id: int) -> None:
        with self._changed:
            self._waiting.pop(request_id, None)

    def get(self) -> tuple[int, dict[str, Any]]:
        """The id and arguments of the next request; waits for one."""
        with self._changed:
            self._changed.wait_for(lambda: self._waiting)
            return self._take()

    def get_waiting(self) -> tuple[int, dict[str, Any]] | None:
        """The next request; None where none waits."""
        with self._changed:
            return self._take() if self._waiting else None

    def take_waiting(self, most: int, **arguments: Any) -> list[tuple[int, dict[str, Any]]]:
        """Those of the waiting requests that have these arguments, at most so many."""
        with self._changed:
            ids = [request_id for request_id, each in self._waiting.items() if arguments.items() <= each.items()]
            return [(request_id, self._waiting.pop(request_id)) for request_id in ids[:most]]

    def _take(self) -> tuple[int, dict[str, Any]]:
        request_id = next(iter(self._waiting))
        return request_id, self._waiting.pop(request_id)


def read_requests(lines: Iterable[bytes], handle: Callable[[dict[str, Any]], None]) -> None:
    """Hands every request on until they end; one that cannot be read is logged."""
    for line in lines:
        try:
            handle(json.loads(line))
        except Exception:
            logging.exception("A request could not be read.")


def run_worker(start: Callable[[Responses], Callable[[dict[str, Any]], None]]) -> None:
    """The whole of a worker process: it ends when its requests do, that is with the process that started it.

    Args:
        start: makes the worker; returns what handles a request.
    """
    system.ignore_interrupts()  # Ctrl-C in the app's window reaches this process too
    out = system.take_standard_output()  # what a library prints must not get among the responses
    torch.set_num_threads(TORCH_THREADS)
    handle = start(Responses(out))
    gc.freeze()  # a collection would walk through everything that was imported, and all that is computed would wait
    read_requests(sys.stdin.buffer, handle)
    os._exit(0)  # in the middle of whatever is being computed
