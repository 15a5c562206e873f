"""Responses of Gradio's that are changed on their way to the browser."""

from collections.abc import Callable
from typing import Any

from charplay.ui.request_limits import App, Message, Receive, Send

# Of a request: what it asks for is the whole, as it is, since what has been changed is neither a part of it nor it.
_DROPPED_OF_REQUEST = (b"range", b"if-none-match", b"if-modified-since", b"accept-encoding")
_REPLACED_HEADERS = (b"content-length", b"etag", b"last-modified", b"accept-ranges")


async def send_changed(
    app: App, scope: Any, receive: Receive, send: Send, kind: str, change: Callable[[bytes], bytes]
) -> None:
    """Has an ASGI app answer a request, and sends its body as `change` returns it, with every other header.

    An error, and a response whose content type does not contain `kind` ("html", "javascript"), is sent unchanged.
    """
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
        if start["status"] == 200 and kind.encode() in dict(headers).get(b"content-type", b""):
            content = change(content)
            headers = [each for each in headers if each[0] not in _REPLACED_HEADERS]  # of several cookies, each stays
            headers.append((b"content-length", str(len(content)).encode()))
        await send({**start, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    whole = [each for each in scope["headers"] if each[0] not in _DROPPED_OF_REQUEST]
    await app({**scope, "headers": whole}, receive, send_body)
