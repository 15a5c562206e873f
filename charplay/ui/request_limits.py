"""Bounds the body of every HTTP request before anything else of the app reads it. Imports no gradio.

Gradio's queue takes a body of any size and keeps what it held: a prime of 10 MB is refused by its own check, and stays
in memory as its session's last input.
"""

import json
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from charplay import limits

# ASGI: https://asgi.readthedocs.io/en/latest/specs/www.html
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

UPLOAD_PATH = "/upload"  # how the path of an upload ends; Gradio's `max_file_size` bounds the file in it
MULTIPART_BYTES = 100_000  # around a file: boundaries and headers of a multipart form
# Read and discarded of a body that is too large: a client that is still writing would never see the answer.
MAX_DISCARDED_BYTES = 32_000_000


class BodyTooLarge(Exception):
    """More of a request's body arrived than it may have."""


class BoundedBodies:
    """ASGI middleware: a request whose body is too large gets 413 and a sentence, and nothing of it is kept."""

    def __init__(self, app: App):
        self._app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        bound = limits.MAX_REQUEST_BYTES
        if scope["path"].endswith(UPLOAD_PATH):
            bound = limits.MAX_USER_FILE_BYTES + MULTIPART_BYTES
        if _content_length(scope) > bound:
            await _refuse(receive, send, bound)
            return
        received, is_exceeded, has_started = 0, False, False

        async def bounded_receive() -> Message:
            nonlocal received, is_exceeded
            message = await receive()
            received += len(message.get("body", b""))
            if received > bound:  # a chunked body states no length
                is_exceeded = True
                raise BodyTooLarge
            return message

        async def guarded_send(message: Message) -> None:
            nonlocal has_started
            if is_exceeded and not has_started:
                return  # what the app makes of a body that breaks off; the refusal is sent instead
            has_started = True
            await send(message)

        try:
            await self._app(scope, bounded_receive, guarded_send)
        except BodyTooLarge:
            if has_started:
                raise
        if is_exceeded and not has_started:
            await _refuse(receive, send, bound)


def _content_length(scope: MutableMapping[str, Any]) -> int:
    """What the request states of its body, in bytes; 0 where it states nothing usable."""
    stated = dict(scope["headers"]).get(b"content-length", b"0")
    return int(stated) if stated.isdigit() else 0


async def _refuse(receive: Receive, send: Send, bound: int) -> None:
    discarded, is_more = 0, True
    while is_more and discarded < MAX_DISCARDED_BYTES:
        message = await receive()
        discarded += len(message.get("body", b""))
        is_more = message.get("more_body", False)
    sentence = f"This request is too large: at most {bound:,} bytes can be sent at once."
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": sentence}).encode()})
