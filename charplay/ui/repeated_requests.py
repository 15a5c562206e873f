"""An event that a page sends again after a dropped connection is queued once: the answer to the first time comes again.

The page's script (`resumable_streams.js`) numbers what it sends to the queue. Where the connection broke before the
answer had arrived, it cannot know whether the request had, and sends it again. Imports no gradio.
"""

import asyncio
from collections import OrderedDict
from collections.abc import MutableMapping
from typing import Any

from charplay.ui.event_admission import JOIN_PATH
from charplay.ui.request_limits import App, Message, Receive, Send

ID_HEADER = b"x-request-id"
MAX_REMEMBERED = 10_000  # answers, of some 100 bytes


class RepeatedRequests:
    """ASGI middleware that answers a request to the queue again where its id is known."""

    def __init__(self, app: App):
        self._app = app
        self._answers: OrderedDict[bytes, asyncio.Future[list[Message]]] = OrderedDict()  # by id; the latest last

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        request_id = None
        if scope["type"] == "http" and scope["path"].endswith(JOIN_PATH):
            request_id = dict(scope["headers"]).get(ID_HEADER)
        if request_id is None:
            await self._app(scope, receive, send)
        elif request_id in self._answers:
            for message in await asyncio.shield(self._answers[request_id]):
                await send(message)
        else:
            await self._answer(request_id, scope, receive, send)

    async def _answer(self, request_id: bytes, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Has the app answer, and remembers the answer; what fails may be tried again."""
        self._answers[request_id] = answer = asyncio.get_running_loop().create_future()
        while len(self._answers) > MAX_REMEMBERED:
            self._answers.popitem(last=False)
        messages: list[Message] = []

        async def record(message: Message) -> None:
            messages.append(message)
            await send(message)

        try:
            await self._app(scope, receive, record)
            answer.set_result(messages)
        finally:
            if not answer.done():
                answer.cancel()
                self._answers.pop(request_id, None)
