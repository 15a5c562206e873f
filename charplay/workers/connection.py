"""One running worker process: its pipes, the thread of each, and the requests that wait for its responses."""

import json
import logging
import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from charplay import system
from charplay.workers.protocol import CANCEL, Response, encode_line, failed

OnResponse = Callable[[Response], None]  # called for each response of a request

# How far other processes go before a program, of 19: the page and its inference before all of these. A training, which
# takes minutes anyway, gets a tenth of a busy core; for the answers of the others a visitor waits.
NICENESS = {
    "charplay.workers.training": 10,
    "charplay.workers.dynamic_evaluation": 5,
    "charplay.workers.summaries": 5,
    "charplay.workers.teacher_forcing": 5,
}
MAX_UNSENT_BYTES = 32_000_000  # bytes that wait for room in a worker's pipe; beyond them requests are refused
WORKER_ENDED = "What computes this had to end, and begins anew: please try again."
WORKER_BUSY = "What computes this has too much to do at the moment: please try again in a minute."


class _Line(NamedTuple):
    """A message for the process."""

    request_id: int
    content: bytes
    is_request: bool = False  # else about a request


class Connection:
    """A worker process from its start to its end; it ends once, and then every pending request has failed."""

    def __init__(self, program: str):
        """Starts `python -m program`.

        Raises:
            OSError: the machine has no room for another process.
        """
        root = str(Path(__file__).resolve().parents[2])
        path = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
        self._process = subprocess.Popen(
            [sys.executable, "-m", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=os.environ | {"PYTHONPATH": path},
        )
        system.lower_priority(NICENESS.get(program, 0), self._process.pid)  # before its imports: seconds of a core
        assert self._process.stdin is not None  # both are pipes
        assert self._process.stdout is not None
        self._to_process, self._from_process = self._process.stdin, self._process.stdout
        self._changed = threading.Condition()  # guards all that follows
        self._is_ended = False
        self._pending: dict[int, OnResponse] = {}
        self._unsent: deque[_Line] = deque()  # what the writer thread has still to write
        self._unsent_bytes = 0
        threading.Thread(target=self._write_lines, name=f"to {program}", daemon=True).start()
        threading.Thread(target=self._read_lines, name=f"from {program}", daemon=True).start()

    @property
    def is_alive(self) -> bool:
        return not self._is_ended and self._process.poll() is None

    @property
    def pending(self) -> int:
        """How many requests have had no last response yet."""
        with self._changed:
            return len(self._pending)

    def send(self, request_id: int, line: bytes, on_response: OnResponse) -> bool:
        """Queues a request for the writer thread, and never waits for the pipe; False: the process has ended."""
        with self._changed:
            if self._is_ended:
                return False
            is_refused = self._unsent_bytes > MAX_UNSENT_BYTES
            if not is_refused:
                self._pending[request_id] = on_response
                self._queue(_Line(request_id, line, is_request=True))
        if is_refused:
            on_response(failed(request_id, WORKER_BUSY))
        return True

    def send_about(self, request_id: int, line: bytes) -> None:
        """Queues a message about a request, if that is still pending."""
        with self._changed:
            if request_id in self._pending:
                self._queue(_Line(request_id, line))

    def cancel(self, request_id: int) -> None:
        """Forgets a pending request; tells the process, unless the request has not been written yet."""
        with self._changed:
            if self._pending.pop(request_id, None) is None:
                return
            dropped = [line for line in self._unsent if line.request_id == request_id]
            if dropped:
                self._unsent = deque(line for line in self._unsent if line.request_id != request_id)
                self._unsent_bytes -= sum(len(line.content) for line in dropped)
            if not any(line.is_request for line in dropped):
                cancel = encode_line({"id": request_id, "kind": CANCEL, "arguments": {}})
                self._queue(_Line(request_id, cancel))

    def kill(self) -> None:
        """Ends the process in the middle of whatever it computes, and waits until it has ended."""
        self._process.kill()
        self._process.wait()

    def _queue(self, line: "_Line") -> None:
        self._unsent.append(line)
        self._unsent_bytes += len(line.content)
        self._changed.notify()

    def _write_lines(self) -> None:
        """The writer thread: no other waits while the pipe is full."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._unsent or self._is_ended)
                if self._is_ended:
                    break
                content = self._unsent.popleft().content
                self._unsent_bytes -= len(content)
            try:
                self._to_process.write(content)
                self._to_process.flush()
            except OSError:
                self._process.kill()  # it reads no longer; pending requests fail when its output ends
                break
        with suppress(OSError):  # what could not be flushed
            self._to_process.close()

    def _read_lines(self) -> None:
        """The listener thread: whatever ends it, every pending request fails."""
        try:
            for line in self._from_process:
                self._receive(json.loads(line))
        except Exception:  # half a line of a process that was killed, or what is no response
            logging.exception("A worker process ended in the middle of a response.")
        finally:
            self._end()

    def _receive(self, response: Response) -> None:
        request_id = response["id"]
        with self._changed:
            find = self._pending.pop if response["is_done"] else self._pending.get
            on_response = find(request_id, None)
        if on_response is not None and not _call(on_response, response):
            self.cancel(request_id)

    def _end(self) -> None:
        self._process.kill()
        with self._changed:
            self._is_ended = True
            pending, self._pending = self._pending, {}
            self._unsent.clear()
            self._changed.notify()
        for request_id, on_response in pending.items():
            _call(on_response, failed(request_id, WORKER_ENDED))
        self._process.wait()
        self._from_process.close()


def _call(on_response: OnResponse, response: Response) -> bool:
    """Calls a callback; returns whether it succeeded. A fault of one must not end the listener of all."""
    try:
        on_response(response)
    except Exception:
        logging.exception("A callback of a worker's response failed.")
        return False
    return True
