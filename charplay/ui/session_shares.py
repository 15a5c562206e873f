"""What one session may have under way at once, so that no visitor takes the slots and the processor of all others."""

import asyncio
import threading
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from weakref import WeakValueDictionary

from gradio.context import LocalContext

from charplay import limits

TEXTS, QUESTIONS, CLASSIFICATIONS, DYNAMIC_TEXTS = "texts", "questions", "classifications", "dynamic texts"
_BOUNDS = {
    TEXTS: (limits.MAX_SESSION_TEXTS, "texts are being generated for this page"),
    QUESTIONS: (limits.MAX_SESSION_QUESTIONS, "questions of this page are being answered"),
    DYNAMIC_TEXTS: (limits.MAX_SESSION_DYNAMIC_TEXTS, "text of this page is being learnt from"),
    CLASSIFICATIONS: (limits.MAX_SESSION_CLASSIFICATIONS, "names of this page are being classified"),
}

_lock = threading.Lock()  # apps of one process have an event loop each
_under_way: Counter[tuple[str, str]] = Counter()  # (session, kind); no entry is zero


def current_session() -> str | None:
    """The session of the event that is being answered; None outside events."""
    return getattr(LocalContext.request.get(None), "session_hash", None)


class Refusals:
    """How often each session was refused of late; one refusal is forgotten every second."""

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._lock = threading.Lock()
        self._counts: OrderedDict[str, tuple[float, float]] = OrderedDict()  # with the time; the latest last

    def note(self, session: str) -> None:
        """Counts one."""
        with self._lock:
            self._counts[session] = min(self._count(session) + 1, limits.MAX_COUNTED_REFUSALS), self._clock()
            self._counts.move_to_end(session)
            while len(self._counts) > limits.MAX_BROWSER_SESSIONS:
                self._counts.popitem(last=False)

    def wait_seconds(self, session: str) -> float:
        """How long the session's next request must wait."""
        return max(self._count(session) - limits.FREE_REFUSALS, 0.0)

    def _count(self, session: str) -> float:
        count, time_noted = self._counts.get(session, (0.0, 0.0))
        return max(count - (self._clock() - time_noted), 0.0)


REFUSALS = Refusals()  # of this process


@contextmanager
def share(kind: str, count: int = 1) -> Iterator[None]:
    """Holds a part of the current session's share while something is under way; outside events there is no bound.

    Raises:
        ValueError: with these the session would have more under way than its share.
    """
    session = current_session()
    if session is None:
        yield
        return
    bound, what = _BOUNDS[kind]
    key = session, kind
    with _lock:
        if _under_way[key] + count > bound:
            if not _under_way[key]:
                del _under_way[key]
            REFUSALS.note(session)
            raise ValueError(f"At most {bound} {what} at once: wait for one of them, or stop it.")
        _under_way[key] += count
    try:
        yield
    finally:
        with _lock:
            _under_way[key] -= count
            if not _under_way[key]:
                del _under_way[key]


_turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()  # by session, while one is held or waited for


@asynccontextmanager
async def turn() -> AsyncIterator[None]:
    """Waits until the current session has nothing else in here; outside events nothing waits.

    Questions about long texts are answered one after another: those of a session wait for each other here, not before
    those of all others.
    """
    session = current_session()
    if session is None:
        yield
        return
    lock = _turns.setdefault(session, asyncio.Lock())
    async with lock:
        yield
