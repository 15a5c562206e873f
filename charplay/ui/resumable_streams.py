"""Streams of messages that outlive a dropped connection: the page fetches the rest over another one.

A browser whose Wi-Fi drops, or whose screen is locked, loses the stream that brings the messages of its events. Gradio
then ends these events, and reloads the page once it is online again: a training and the models of the page are lost.
Here the app writes into a `_Stream`, and connections read from it: the page's script (`resumable_streams.js`) names its
stream, and when the connection breaks it asks for the same stream from the byte where it stands. Requests without a
name, those of other clients, pass through. Imports no gradio.
"""

import asyncio
from collections import deque
from collections.abc import Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from charplay import limits
from charplay.ui.request_limits import App, Message, Receive, Send

STREAM_PATH = "/queue/data"  # how the path of a stream ends
CLOSE_PATH = "/queue/page-closed"  # how the path ends to which a page that is closed for good sends its session

Key = tuple[str, str]  # session, name of the stream


class _Stream:
    """What the app has sent of one answer, for the connection that reads it now and for one that goes on with it."""

    def __init__(self) -> None:
        self._head: Message | None = None  # the message with status and headers
        self._chunks: deque[bytes] = deque()
        self._start = self._end = 0  # bytes of the answer: before the first chunk, and after the last one
        self._sent = 0  # bytes that a connection has taken
        self._is_complete = False
        self._has_request = True  # that the app has not yet received
        self._abandoned = asyncio.Event()
        self._taken = asyncio.Event()  # there may be room again
        self._connection: _Connection | None = None
        self.timer: asyncio.TimerHandle | None = None  # while no connection reads it

    @property
    def is_read(self) -> bool:
        """Whether a connection reads it."""
        return self._connection is not None

    def abandon(self) -> None:
        """Has the app notice that the page is disconnected."""
        self._abandoned.set()
        self._taken.set()
        self._wake()

    async def receive(self) -> Message:
        """For the app: the request, which has no body, and in the end that the page is disconnected."""
        if self._has_request:
            self._has_request = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._abandoned.wait()
        return {"type": "http.disconnect"}

    async def send(self, message: Message) -> None:
        """For the app: takes a part of the answer; waits while too much of it has not been taken."""
        if message["type"] == "http.response.start":
            self._head = message
            return
        if message["type"] != "http.response.body":
            return
        while self._end - self._sent > limits.MAX_UNSENT_STREAM_BYTES and not self._abandoned.is_set():
            self._taken.clear()
            await self._taken.wait()
        if chunk := message.get("body", b""):
            self._chunks.append(chunk)
            self._end += len(chunk)
        self._is_complete = not message.get("more_body", False)
        self._wake()

    def end(self) -> None:
        """The app has returned."""
        self._is_complete = True
        self._wake()

    def has(self, position: int) -> bool:
        """Whether the answer can be sent from this byte on."""
        return self._start <= position <= self._end and not self._abandoned.is_set()

    async def serve(self, position: int, receive: Receive, send: Send) -> bool:
        """Sends the answer from a byte on, in place of an earlier connection; whether it was sent to its end."""
        self._wake()  # the earlier one, which ends
        connection = self._connection = _Connection()
        watching = asyncio.create_task(connection.watch(receive))
        has_head = False
        try:
            while True:
                connection.changed.clear()
                if self._head is not None and not has_head:
                    await send(self._head)
                    has_head = True
                while has_head and self._connection is connection and position < self._end:
                    chunk = self._read(position)
                    await send({"type": "http.response.body", "body": chunk, "more_body": True})
                    position += len(chunk)
                    self._note_sent(position)
                is_over = self._is_complete and position == self._end
                if connection.is_closed or self._connection is not connection or is_over:
                    break
                await connection.changed.wait()
            if has_head and not connection.is_closed:
                await send({"type": "http.response.body", "body": b"", "more_body": False})
            return is_over and not connection.is_closed
        finally:
            watching.cancel()
            if self._connection is connection:
                self._connection = None

    def _read(self, position: int) -> bytes:
        """What there is of the chunk at a byte, from there on."""
        start = self._start
        for chunk in self._chunks:
            if position < start + len(chunk):
                return chunk[position - start :]
            start += len(chunk)
        raise IndexError(position)

    def _note_sent(self, position: int) -> None:
        """Forgets what was sent long ago: the rest may still be on its way when a connection breaks."""
        self._sent = max(self._sent, position)
        self._taken.set()
        while len(self._chunks) > 1 and self._sent - self._start > limits.MAX_RESENT_STREAM_BYTES:
            self._start += len(self._chunks.popleft())

    def _wake(self) -> None:
        if self._connection is not None:
            self._connection.changed.set()


class _Connection:
    """One connection that reads a stream."""

    def __init__(self) -> None:
        self.changed = asyncio.Event()
        self.is_closed = False

    async def watch(self, receive: Receive) -> None:
        """Notes when the page has closed it."""
        while (await receive())["type"] != "http.disconnect":
            pass
        self.is_closed = True
        self.changed.set()


class ResumableStreams:
    """ASGI middleware: a named stream goes on for a while without a connection."""

    def __init__(
        self,
        app: App,
        on_page_closed: Callable[[Any, str], None] = lambda app, session: None,
        seconds: float = limits.DISCONNECTED_SECONDS,
    ):
        """
        Args:
            app: what answers.
            on_page_closed: called with the innermost app and the session of a page that has been closed for good.
            seconds: that a stream goes on without a connection.
        """
        self._app, self._on_page_closed, self._seconds = app, on_page_closed, seconds
        self._streams: dict[Key, _Stream] = {}  # those that are not over, and of each session the last that is
        self._over: dict[str, Key] = {}  # session -> that one: its end may have been sent, and not have arrived
        self._tasks: set[asyncio.Task] = set()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        path = scope["path"] if scope["type"] == "http" else ""
        if path.endswith(STREAM_PATH):
            query = parse_qs(scope["query_string"].decode("latin-1"))
            if "stream" in query and "session_hash" in query:
                key = query["session_hash"][0], query["stream"][0]
                await self._serve(key, query.get("received", [None])[0], scope, receive, send)
                return
        elif path.endswith(CLOSE_PATH):
            query = parse_qs(scope["query_string"].decode("latin-1"))
            session = query.get("session_hash", [""])[0]
            self._abandon_all(session)
            self._on_page_closed(scope.get("app"), session)
            await _answer(send, 204)
            return
        await self._app(scope, receive, send)

    async def _serve(
        self, key: Key, received: str | None, scope: MutableMapping[str, Any], receive: Receive, send: Send
    ) -> None:
        """Starts a stream, or goes on with one of which `received` bytes have arrived."""
        stream = self._streams.get(key)
        if stream is None and received is None:
            self._forget_over(key[0])  # the page begins another once it has the end of the one before
            stream = self._streams[key] = _Stream()
            task = asyncio.create_task(self._run(stream, scope))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        position = int(received) if received is not None and received.isdigit() else 0
        if stream is None or not stream.has(position):
            await _answer(send, 410)
            return
        if stream.timer is not None:
            stream.timer.cancel()
        is_over = False
        try:
            is_over = await stream.serve(position, receive, send)
        finally:
            is_kept = self._streams.get(key) is stream
            if is_kept and is_over and self._over.get(key[0]) != key:
                self._forget_over(key[0])
                self._over[key[0]] = key
            if is_kept and not stream.is_read:
                loop = asyncio.get_running_loop()
                stream.timer = loop.call_later(self._seconds, self._abandon, key, stream)

    async def _run(self, stream: _Stream, scope: MutableMapping[str, Any]) -> None:
        """Lets the app answer, whichever connection reads it."""
        try:
            await self._app(scope, stream.receive, stream.send)
        finally:
            stream.end()

    def _abandon(self, key: Key, stream: _Stream) -> None:
        if self._over.get(key[0]) == key:
            del self._over[key[0]]
        if self._streams.pop(key, None) is not None:
            if stream.timer is not None:
                stream.timer.cancel()  # it holds the stream
            stream.abandon()

    def _abandon_all(self, session: str) -> None:
        for key in [key for key in self._streams if key[0] == session]:
            self._abandon(key, self._streams[key])

    def _forget_over(self, session: str) -> None:
        key = self._over.get(session)
        if key is not None:
            self._abandon(key, self._streams[key])


async def _answer(send: Send, status: int) -> None:
    """Sends an answer that is a status alone."""
    await send({"type": "http.response.start", "status": status, "headers": [(b"content-length", b"0")]})
    await send({"type": "http.response.body", "body": b""})
