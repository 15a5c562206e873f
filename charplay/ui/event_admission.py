"""Keeps the requests of one greedy session from the event loop that serves all.

Gradio spends some 6 ms on every event, also on one that is then refused because its session has its whole share under
way (`session_shares`): hundreds at once would stop the page of a whole class for seconds. So what a session has under
way altogether is bounded before the queue, for a twentieth of that, and a session that goes on after many refusals has
to wait, for an answer as for a refusal. Imports no gradio.
"""

import asyncio
import json
import logging
import re
from collections import Counter
from collections.abc import MutableMapping
from typing import Any

from charplay import limits
from charplay.ui.request_limits import App, Message, Receive, Send
from charplay.ui.session_shares import REFUSALS, Refusals

JOIN_PATH = "/queue/join"  # how the path ends to which an event is sent
# In a string of JSON each of these quotes would have a backslash before it: this is no text that a visitor typed.
_SESSION = re.compile(rb'"session_hash"\s*:\s*"([^"\\]*)"')
MAX_WAIT_SECONDS = 30.0  # that a request is held at most
MAX_HELD_REFUSALS = 500  # of all sessions, that wait for their answer; each keeps a connection open
TOO_MANY = f"This page has {limits.MAX_SESSION_EVENTS} requests under way already: wait for one of them."


class BoundedEvents:
    """ASGI middleware: bounds what one session has under way, and holds requests of one that was refused often."""

    def __init__(self, app: App, refusals: Refusals = REFUSALS):
        self._app, self._refusals = app, refusals
        self._held: Counter[str] = Counter()  # requests to be admitted, by session; no entry is zero
        self._held_refusals = 0
        self._has_warned = False

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].endswith(JOIN_PATH):
            await self._app(scope, receive, send)
            return
        messages = [await receive()]
        while messages[-1].get("more_body", False):
            messages.append(await receive())
        match = _SESSION.search(b"".join(message.get("body", b"") for message in messages))
        if match is not None:
            session = match.group(1).decode("latin-1")
            if self._count(scope, session) + self._held[session] >= limits.MAX_SESSION_EVENTS:
                self._refusals.note(session)
                messages.clear()
                await self._hold_refusal(self._wait_seconds(session))
                await _refuse(send)
                return
            if wait := self._wait_seconds(session):
                await self._hold(session, wait)

        async def replay() -> Message:
            return messages.pop(0) if messages else await receive()

        await self._app(scope, replay, send)

    def _wait_seconds(self, session: str) -> float:
        return min(self._refusals.wait_seconds(session), MAX_WAIT_SECONDS)

    async def _hold_refusal(self, seconds: float) -> None:
        """Keeps the client waiting, which then sends its next requests as much later.

        A browser has six connections to the app, and these are held too; no page in normal use is refused so often.
        """
        if self._held_refusals >= MAX_HELD_REFUSALS:
            return
        self._held_refusals += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._held_refusals -= 1

    async def _hold(self, session: str, seconds: float) -> None:
        self._held[session] += 1
        try:
            await asyncio.sleep(seconds)
        finally:
            self._held[session] -= 1
            if not self._held[session]:
                del self._held[session]

    def _count(self, scope: MutableMapping[str, Any], session: str) -> int:
        """The events of a session that are queued or running; 0 where Gradio holds them elsewhere."""
        try:
            queue = scope["app"].get_blocks()._queue
            # An event whose page was disconnected stays in the first of these, and only there.
            ids = queue.pending_event_ids_session.get(session, ())
            return sum(event_id in queue.event_ids_to_events for event_id in ids)
        except (AttributeError, KeyError) as error:
            if not self._has_warned:
                self._has_warned = True
                logging.warning("Gradio is not as known, a session's events are not bounded: %s", error)
            return 0


async def _refuse(send: Send) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"detail": TOO_MANY}).encode()})
