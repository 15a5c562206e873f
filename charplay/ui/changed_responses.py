"""Responses of Gradio's that are changed on their way to the browser."""

import gzip
from collections.abc import Callable
from typing import Any

from charplay.ui.request_limits import App, Message, Receive, Send

_NOT_KEPT = (b"content-length", b"content-encoding")  # headers of what is changed


async def send_changed(
    app: App, scope: Any, receive: Receive, send: Send, kind: str, change: Callable[[bytes], bytes]
) -> None:
    """Has an ASGI app answer a request, and sends its body as `change` returns it, with every other header.

    It is compressed where the browser takes that. What is of another kind than "html" or "javascript", whichever is
    given, such as an error, is sent as it is.
    """
    accepted = dict(scope["headers"]).get(b"accept-encoding", b"")
    start: Message = {}
    body = bytearray()

    async def send_body(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
            return
        body.extend(message.get("body", b""))
        if message.get("more_body", False):
            return
        headers, content = list(start["headers"]), bytes(body)
        if kind.encode() in dict(headers).get(b"content-type", b""):
            headers = [each for each in headers if each[0] not in _NOT_KEPT]  # of several cookies, each stays
            headers.append((b"vary", b"accept-encoding"))
            content = change(content)
            if b"gzip" in accepted:
                content = gzip.compress(content, mtime=0)
                headers.append((b"content-encoding", b"gzip"))
            headers.append((b"content-length", str(len(content)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    uncompressed = [each for each in scope["headers"] if each[0] != b"accept-encoding"]
    await app({**scope, "headers": uncompressed}, receive, send_body)
