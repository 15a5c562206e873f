"""What passes between a page's process and its worker processes: JSON, one message a line.

A request has an id that no other request to that process has, a kind, and the arguments of that kind:

    {"id": 3, "kind": "classify", "arguments": {"checkpoint": PATH, "names": ["Rossi"], "prior": "data"}}

Every request gets any number of updates and then one last response, whose `is_done` is true:

    {"id": 3, "is_done": false, "update": {...}, "result": null, "failure": null}
    {"id": 3, "is_done": true, "update": null, "result": ..., "failure": null}
    {"id": 3, "is_done": true, "update": null, "result": null, "failure": "A sentence for the visitor."}

A message with the id of an earlier request is about that request. Every worker knows "cancel": the client waits for it
no longer, so that what is queued is dropped and what runs is ended. A message about a request gets no response.
"""

import json
from typing import Any, NamedTuple, NotRequired, TypedDict

CANCEL = "cancel"  # kind of the message that ends a request


class WorkerRequest(NamedTuple):
    """A request before it has an id."""

    kind: str
    arguments: dict[str, Any]


class Response(TypedDict):
    """A message of a worker process about a request."""

    id: int  # of the request
    is_done: bool  # whether it is the last one
    update: Any  # what is new, until it is done
    result: Any  # once it is done; beside a failure, what was reached before it
    failure: str | None  # a sentence for the visitor
    index: NotRequired[int]  # of the request among those of one `WorkerProcess.stream`


def failed(request_id: int, sentence: str) -> Response:
    """The last response of a request that failed."""
    return Response(id=request_id, is_done=True, update=None, result=None, failure=sentence)


def encode_line(message: Any) -> bytes:
    """A message as one line.

    Raises:
        TypeError, ValueError: it holds something that JSON has no form for.
    """
    return json.dumps(message).encode() + b"\n"
