"""The settings that the server runs with, in one place, with the reason for each. Imports no gradio."""

import os
from typing import Any

from charplay import limits

_ENVIRONMENT = {
    "GRADIO_ANALYTICS_ENABLED": "False",  # no telemetry, no version check: nothing is fetched from outside
    # Default 1: statistics over all past events after every event. Nobody can look at them here: never.
    "GRADIO_ANALYTICS_CACHE_FREQUENCY": str(10**12),
}

LAUNCH: dict[str, Any] = {
    "max_threads": 2_000,  # default 40, which is also how many events can run at once, those without a thread too
    # /upload answers everybody. The largest thing that a page has to bring is a model of its own, 4 bytes a parameter
    # and a header; a text or table may have less, and the page says so.
    "max_file_size": limits.MAX_USER_FILE_BYTES,
    "state_session_capacity": limits.MAX_BROWSER_SESSIONS,  # default 10,000, each with its last inputs and outputs
    "run_history": False,  # default True: keeps inputs and outputs in the browser; classroom machines are shared
    "pwa": True,  # the page can be installed as an app of its own
    "show_error": True,  # a sentence to the visitor, not a bare "Error"
    "footer_links": ["api", "settings"],  # "settings" holds the switch between light and dark
    "ssr_mode": False,  # server-side rendering wants Node.js, and a second process
}

BLOCKS: dict[str, Any] = {
    # Every 60 seconds: what was uploaded two minutes ago and fetched by no event goes. What an event fetches goes then.
    "delete_cache": (60, 120),
}

QUEUE: dict[str, Any] = {
    "api_open": False,  # without it /gradio_api/run/x goes round the queue, and answers every mistake with a 500
    "default_concurrency_limit": None,  # default 1 for each event: one student at a time; the engine has its own line
    # Default "auto": everybody who waits is told of every event that begins, on the thread that serves all.
    "status_update_rate": 5,
    "max_size": 2_000,  # waiting events; beyond them the page says that the server is busy
}


def apply_environment() -> None:
    """Sets what Gradio reads from the environment, unless whoever starts the app has set it."""
    for name, value in _ENVIRONMENT.items():
        os.environ.setdefault(name, value)
