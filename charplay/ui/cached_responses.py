"""The page and its files, cached as they were first answered and compressed: a class opens them all at once.

Gradio lays out the page anew for each visitor, and compresses each of its eighty files anew: a fifth of a second of the
thread that answers everybody, three quarters of a minute for two hundred. They are the same for all as long as the app
runs. (With a login they would not be.) Figures: charplay/bench/README.md.
"""

import asyncio
import gzip
import hashlib
import posixpath
import re
from collections import OrderedDict
from typing import Any, NamedTuple

from fastapi import Request
from gradio.route_utils import get_root_url

from charplay.ui.request_limits import App, Message, Receive, Send

MAX_CACHED_BYTES = 32_000_000  # of all that is cached; the page and its files take 8 MB, as they are and compressed
MAX_BODY_BYTES = 8_000_000  # of one response: a larger one is not cached
_FILES = re.compile(r"^/(assets|static)/|^/theme\.css$")
_PAGE_PARAMETERS = {"deep_link", "page", "all_endpoints"}  # of the page's address, on which its content depends
_TEXT = re.compile(rb"^text/|javascript|json|svg")  # media types that are compressed
_REPLACED_HEADERS = (b"date", b"etag", b"last-modified", b"accept-ranges", b"content-length")
_OWN_HEADERS = (b"if-", b"accept-encoding", b"cookie", b"authorization")  # of one visitor's request
_GZIP_LEVEL = 6

Key = tuple[str, ...]


class _TooLarge(Exception):
    """A body has more than `MAX_BODY_BYTES`."""


class _Response(NamedTuple):
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes
    compressed: bytes | None  # by gzip; None: it stays as it is
    etag: bytes

    def is_for_all(self) -> bool:
        """Whether another visitor may get it, too."""
        return all(name != b"set-cookie" for name, _ in self.headers)

    def size(self, key: Key) -> int:
        """Bytes that it takes in the cache."""
        return len(self.body) + len(self.compressed or b"") + sum(map(len, key)) + 1_000  # the headers, roughly

    async def answer(self, scope: Any, send: Send) -> None:
        """Sends it, compressed where the browser takes that; 304 where it has it already."""
        asked = dict(scope["headers"])
        headers, status, body = list(self.headers), self.status, self.body
        if self.compressed is not None:
            headers.append((b"vary", b"accept-encoding"))
        if status == 200:
            headers.append((b"etag", self.etag))
        if status == 200 and self.etag in asked.get(b"if-none-match", b""):
            status, body = 304, b""
        else:
            if self.compressed is not None and b"gzip" in asked.get(b"accept-encoding", b""):
                # Gradio's own compression, which stands before this, then leaves it alone.
                body = self.compressed
                headers.append((b"content-encoding", b"gzip"))
            headers.append((b"content-length", str(len(body)).encode()))
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": body})


class CachedResponses:
    """ASGI middleware that caches responses; put it before those that change them.

    Requests for the same that come at once wait for one response.
    """

    def __init__(self, app: App):
        self._app = app
        self._cached: OrderedDict[Key, _Response] = OrderedDict()  # least recently used first
        self._bytes = 0
        self._awaited: dict[Key, asyncio.Task[_Response | None]] = {}
        self._large: set[Key] = set()  # files of Gradio's, of which there are few

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        key = _key(scope)
        response = None if key is None or key in self._large else await self._response(key, scope)
        if response is None:
            await self._app(scope, receive, send)
        else:
            await response.answer(scope, send)

    async def _response(self, key: Key, scope: Any) -> _Response | None:
        """The response; None: each visitor has to get one of their own."""
        if key in self._cached:
            self._cached.move_to_end(key)
            return self._cached[key]
        if key not in self._awaited:
            self._awaited[key] = asyncio.create_task(self._get_and_cache(key, scope))
            self._awaited[key].add_done_callback(lambda _: self._awaited.pop(key))
        return await asyncio.shield(self._awaited[key])  # one that is cancelled ends none of the others

    async def _get_and_cache(self, key: Key, scope: Any) -> _Response | None:
        try:
            response = await _get(self._app, scope)
        except _TooLarge:
            self._large.add(key)
            return None
        if response.status == 200 and response.is_for_all():
            self._cached[key] = response
            self._bytes += response.size(key)
            while self._bytes > MAX_CACHED_BYTES:
                oldest, dropped = self._cached.popitem(last=False)
                self._bytes -= dropped.size(oldest)
        return response if response.is_for_all() else None


def _key(scope: Any) -> Key | None:
    """The cache key of a request; None: not cached."""
    if scope["type"] != "http" or scope["method"] != "GET" or b"range" in dict(scope["headers"]):
        return None
    path = scope["path"]
    if _FILES.match(path) and posixpath.normpath(path) == path:
        return (path,)
    if path == "/" and not _PAGE_PARAMETERS & Request(scope).query_params.keys():
        return path, get_root_url(Request(scope), "/", scope["app"].root_path)
    return None


async def _get(app: App, scope: Any) -> _Response:
    """The whole of an app's response to what a request asks for, without what this one browser has and takes.

    Raises:
        _TooLarge: its body is.
    """
    asked = [each for each in scope["headers"] if not each[0].startswith(_OWN_HEADERS)]
    start: Message = {}
    body = bytearray()
    is_asked = False

    async def receive() -> Message:
        nonlocal is_asked
        if is_asked:
            await asyncio.Event().wait()  # it never disconnects
        is_asked = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def collect(message: Message) -> None:
        if message["type"] == "http.response.start":
            start.update(message)
        body.extend(message.get("body", b""))
        if len(body) > MAX_BODY_BYTES:
            raise _TooLarge

    await app({**scope, "headers": asked, "query_string": b""}, receive, collect)
    content, compressed = bytes(body), None
    if _TEXT.search(dict(start["headers"]).get(b"content-type", b"")):
        compressed = await asyncio.to_thread(gzip.compress, content, _GZIP_LEVEL, mtime=0)
    headers = [each for each in start["headers"] if each[0] not in _REPLACED_HEADERS]
    etag = f'"{hashlib.sha256(content).hexdigest()[:32]}"'.encode()
    return _Response(start["status"], headers, content, compressed, etag)
