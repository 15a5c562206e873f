"""The settings of the server, each with its reason. Imports no gradio."""

import os
from typing import Any

from charplay import limits

_ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",  # no telemetry, no version check: nothing is fetched from outside
    # Default 1: statistics over all past events are computed after every event. Nothing here shows them.
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**12),
}

LAUNCH: dict[str, Any] = {
    "max_threads": 2_000,  # default 40, which also bounds how many events run at once, with or without a thread
    # /upload is open to anyone. The largest file that a page needs is a user model, 4 bytes a parameter and a header;
    # texts and tables have a lower bound, checked later.
    "max_file_size": limits.MAX_USER_FILE_BYTES,
    "state_session_capacity": limits.MAX_BROWSER_SESSIONS,  # default 10,000, each with its last inputs and outputs
    "run_history": False,  # default True: keeps inputs and outputs in the browser; classroom machines are shared
    "pwa": True,  # the page can be installed as an app of its own
    "show_error": True,  # the sentence of a user error, not a bare "Error"
    "footer_links": ["api", "settings"],  # "settings" holds the switch between light and dark
    "ssr_mode": False,  # server-side rendering wants Node.js, and a second process
}

BLOCKS: dict[str, Any] = {
    # Every 60 seconds, remove uploads older than 120 seconds that no event has read; `uploads.take` removes the others.
    "delete_cache": (60, 120),
}

QUEUE: dict[str, Any] = {
    "api_open": False,  # True would open /gradio_api/run/x, which bypasses the queue and answers user errors with a 500
    "default_concurrency_limit": None,  # default 1 for each event: one student at a time; the engine has its own queue
    # Seconds. Default "auto": at every event that starts, a message to every page that waits, on the one event loop.
    "status_update_rate": 5,
    "max_size": 2_000,  # events in the queue; beyond them the page says that the server is busy
}


def apply_environment() -> None:
    """Sets the environment variables that Gradio reads, unless they are set already."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
