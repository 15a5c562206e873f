"""A cache that keeps what visitors made or wrote for a bounded time after its last use."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class ExpiringCache(Generic[Key, Value]):
    """Values by key; the least recently used go first, and all of them some seconds after their last use."""

    def __init__(
        self,
        max_seconds: float,
        max_size: float,
        size: Callable[[Value], float] = lambda value: 1,
        clock: Callable[[], float] = time.monotonic,
    ):
        """
        Args:
            max_seconds: for which a value is kept after its last use.
            max_size: of all values together; the one used last stays even if it alone is larger.
            size: of a value; by default values are counted.
            clock: of which the time is read.
        """
        self._max_seconds, self._max_size, self._size, self._clock = max_seconds, max_size, size, clock
        self._lock = threading.Lock()
        self._values: OrderedDict[Key, tuple[Value, float]] = OrderedDict()  # with the time of its last use; it last
        self._timer: threading.Timer | None = None

    def __len__(self) -> int:
        with self._lock:
            return len(self._values)

    def find(self, key: Key) -> Value | None:
        """The value, which has been used now; None if there is none, or it has expired."""
        with self._lock:
            self._expire()
            if key not in self._values:
                return None
            return self._use(key, self._values[key][0])

    def keep(self, key: Key, value: Value) -> Value:
        """Keeps a value, and returns it."""
        with self._lock:
            self._expire()
            self._use(key, value)
            while (
                len(self._values) > 1 and sum(self._size(value) for value, _ in self._values.values()) > self._max_size
            ):
                self._values.popitem(last=False)
            self._set_timer()
            return value

    def get(self, key: Key, compute: Callable[[], Value]) -> Value:
        """The value, computed where it is missing."""
        found = self.find(key)
        return self.keep(key, compute()) if found is None else found

    def sweep(self) -> None:
        """Removes what has expired; a timer calls it, so that it happens without any request too."""
        with self._lock:
            self._timer = None
            self._expire()
            self._set_timer()

    def _use(self, key: Key, value: Value) -> Value:
        self._values[key] = value, self._clock()
        self._values.move_to_end(key)
        return value

    def _expire(self) -> None:
        while self._values and self._clock() - next(iter(self._values.values()))[1] > self._max_seconds:
            self._values.popitem(last=False)

    def _set_timer(self) -> None:
        """Sets the timer for when the least recently used value expires, unless it is set."""
        if self._timer is None and self._values:
            used = next(iter(self._values.values()))[1]
            self._timer = threading.Timer(max(used + self._max_seconds - self._clock(), 0) + 1, self.sweep)
            self._timer.daemon = True
            self._timer.start()
