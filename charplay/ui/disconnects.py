"""Whether the page of the event that is being answered is still connected."""

from typing import Any

from gradio.context import LocalContext


def is_disconnected() -> bool:
    """Whether Gradio has given up the event under way; False outside events, and where Gradio does not say.

    Gradio ends an asynchronous generator whose page is disconnected, at its next yield. A coroutine goes on, and
    its result is thrown away: one that waits asks here.
    """
    blocks: Any = LocalContext.blocks.get(None)
    event_id = LocalContext.event_id.get(None)
    jobs = getattr(getattr(blocks, "_queue", None), "active_jobs", None) or ()
    events = (event for job in jobs for event in job or ())
    return any(getattr(event, "_id", None) == event_id and not getattr(event, "alive", True) for event in events)
