"""What the app holds of a page: all of it goes when the page is closed, and otherwise by time.

That is: the page's models, data and runs (`session_store`), its training, and the last values of its components, which
Gradio keeps. Gradio's own `unload` event would need one more connection for each tab, of which a browser has six for
all, and would come with every dropped connection too.
"""

import asyncio
import datetime
import logging
from collections.abc import MutableMapping
from typing import Any

from charplay import limits
from charplay.ui.request_limits import App, Receive, Send
from charplay.ui.session_store import STORE
from charplay.ui.train.page_training import TRAININGS

SWEEP_SECONDS = 60.0  # between two looks for sessions that have expired


def forget(app: Any, session: str) -> None:
    """Forgets a page that has been closed; `app` is Gradio's."""
    TRAININGS.forget(session)
    STORE.forget(session)
    _forget_values(app, session)


def expire(app: Any, now: datetime.datetime) -> None:
    """Forgets the values of the pages that have sent nothing for `limits.SESSION_SECONDS`."""
    used = getattr(getattr(app, "state_holder", None), "time_last_used", {})
    bound = now - datetime.timedelta(seconds=limits.SESSION_SECONDS)
    for session in [session for session, time in used.items() if time < bound]:
        _forget_values(app, session)


def _forget_values(app: Any, session: str) -> None:
    """Drops what Gradio holds of a session; where that is elsewhere, a line is logged, and Gradio's bounds hold."""
    try:
        holder = app.state_holder
        with holder.lock:
            holder.session_data.pop(session, None)
            holder.time_last_used.pop(session, None)
    except AttributeError as error:
        logging.warning("Gradio is not as known, a closed page's values stay in its memory: %s", error)


class ExpiringSessions:
    """ASGI middleware that changes no request: from the first one on it calls `expire` every minute."""

    def __init__(self, app: App):
        self._app, self._has_begun = app, False

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if not self._has_begun and "app" in scope:
            self._has_begun = True
            self._sweep(scope["app"])
        await self._app(scope, receive, send)

    def _sweep(self, app: Any) -> None:
        expire(app, datetime.datetime.now())
        asyncio.get_running_loop().call_later(SWEEP_SECONDS, self._sweep, app)
