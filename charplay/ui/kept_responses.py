"""The page and its files, kept as they were first answered: a class opens them all at once.

Gradio lays out the page anew for each visitor, and compresses each of its eighty files anew: a fifth of a second of the
thread that answers everybody, three quarters of a minute for two hundred. They are the same for all as long as the app
runs. Figures: charplay/bench/README.md.
"""

import re
from collections import OrderedDict
from typing import Any, NamedTuple

from fastapi import Request
from gradio.route_utils import get_root_url

from charplay.ui.request_limits import App, Message, Receive, Send

MAX_KEPT_BYTES = 32_000_000  # of all kept bodies; the page and its files are 1.2 MB, compressed
_FILES = re.compile(r"^/(assets|static)/|^/theme\.css$")
_PAGE_PARAMETERS = (b"deep_link", b"page")  # of the page's address, on which its content depends
_ENCODINGS = ("br", "gzip")  # that responses are compressed in
_DEPENDS_ON = (b"range", b"authorization")  # headers of a request with which an answer may be another one


class _Kept(NamedTuple):
    headers: list[tuple[bytes, bytes]]
    body: bytes
    etag: bytes | None


class KeptResponses:
    """ASGI middleware: answers again what it has answered; put it before all that changes or compresses responses."""

    def __init__(self, app: App):
        self._app = app
        self._kept: OrderedDict[tuple[str, ...], _Kept] = OrderedDict()  # least recently used first
        self._bytes = 0

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        key = _key(scope)
        if key is None:
            await self._app(scope, receive, send)
        elif key in self._kept:
            self._kept.move_to_end(key)
            await _answer(self._kept[key], scope, send)
        else:
            await self._answer_and_keep(key, scope, receive, send)

    async def _answer_and_keep(self, key: tuple[str, ...], scope: Any, receive: Receive, send: Send) -> None:
        start: Message = {}
        body = bytearray()

        async def note(message: Message) -> None:
            if message["type"] == "http.response.start":
                start.update(message)
            elif message["type"] == "http.response.body":
                body.extend(message.get("body", b""))
                if not message.get("more_body", False):
                    self._keep(key, start, bytes(body))
            await send(message)

        await self._app(scope, receive, note)

    def _keep(self, key: tuple[str, ...], start: Message, body: bytes) -> None:
        headers = [(name, value) for name, value in start["headers"] if name != b"date"]
        by_name = dict(headers)
        if start["status"] != 200 or b"set-cookie" in by_name or key in self._kept:
            return
        self._kept[key] = _Kept(headers, body, by_name.get(b"etag"))
        self._bytes += len(body)
        while self._bytes > MAX_KEPT_BYTES:
            self._bytes -= len(self._kept.popitem(last=False)[1].body)


def _key(scope: Any) -> tuple[str, ...] | None:
    """What tells the answer to a request from every other one; None: it is not kept."""
    if scope["type"] != "http" or scope["method"] != "GET":
        return None
    headers = dict(scope["headers"])
    if any(name in headers for name in _DEPENDS_ON):
        return None
    path, accepted = scope["path"], headers.get(b"accept-encoding", b"")
    encodings = [name for name in _ENCODINGS if name.encode() in accepted]
    if _FILES.match(path):
        return path, *encodings
    if path == "/" and not any(name in scope["query_string"] for name in _PAGE_PARAMETERS):
        return path, get_root_url(Request(scope), "/", scope["app"].root_path), *encodings
    return None


async def _answer(kept: _Kept, scope: Any, send: Send) -> None:
    """Sends a kept response, or that what the browser has is still the same."""
    is_known = kept.etag is not None and dict(scope["headers"]).get(b"if-none-match") == kept.etag
    headers = [each for each in kept.headers if not is_known or each[0] not in (b"content-length", b"content-encoding")]
    await send({"type": "http.response.start", "status": 304 if is_known else 200, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if is_known else kept.body})
