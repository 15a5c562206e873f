"""What a worker writes, request by request, for tests that drive it without a process."""

import json
import queue
import threading

from charplay.workers.protocol import Response
from charplay.workers.server import Responses


class RecordedResponses:
    """A file to write responses to; `responses` writes to it."""

    def __init__(self):
        self._by_request: dict[int, queue.Queue[Response]] = {}
        self._all: list[Response] = []
        self._lock = threading.Lock()
        self.responses = Responses(self)

    def _of(self, request_id: int) -> queue.Queue:
        with self._lock:
            return self._by_request.setdefault(request_id, queue.Queue())

    def write(self, line: bytes) -> None:
        response = json.loads(line)
        self._all.append(response)
        self._of(response["id"]).put(response)

    def flush(self) -> None:
        """Nothing is held back."""

    def to(self, request_id: int) -> list[Response]:
        """All responses to a request so far."""
        return [response for response in self._all if response["id"] == request_id]

    def next(self, request_id: int, seconds: float = 60) -> Response:
        return self._of(request_id).get(timeout=seconds)

    def until(self, request_id: int, kind: str) -> dict:
        """The next update of a kind."""
        while True:
            response = self.next(request_id)
            assert not response["is_done"], response
            if response["update"]["kind"] == kind:
                return response["update"]

    def last(self, request_id: int) -> tuple[Response, list[dict]]:
        """The last response, and all updates before it."""
        updates = []
        while not (response := self.next(request_id))["is_done"]:
            updates.append(response["update"])
        return response, updates
