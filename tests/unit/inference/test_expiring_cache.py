"""What visitors made is kept for a bounded time, and in a bounded amount."""

import pytest

from charplay.inference.expiring_cache import ExpiringCache


class Clock:
    """A clock that a test sets."""

    def __init__(self):
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_value_is_computed_once_while_it_is_kept(clock):
    cache, computed = ExpiringCache(10, 5, clock=clock), []
    for _ in range(3):
        assert cache.get("a", lambda: computed.append(1) or "value") == "value"
    assert len(computed) == 1


def test_a_value_expires_some_seconds_after_its_last_use_and_without_any_request(clock):
    cache = ExpiringCache(10, 5, clock=clock)
    cache.keep("a", 1)
    cache.keep("b", 2)
    clock.now += 9
    assert cache.find("a") == 1
    clock.now += 9
    cache.sweep()
    assert len(cache) == 1
    assert cache.find("b") is None
    clock.now += 11
    cache.sweep()
    assert len(cache) == 0


def test_beyond_its_size_the_least_recently_used_go_and_the_last_one_stays(clock):
    cache = ExpiringCache(10, 10, size=len, clock=clock)
    cache.keep("a", "x" * 4)
    cache.keep("b", "x" * 4)
    assert cache.find("a")
    cache.keep("c", "x" * 4)
    assert cache.find("b") is None
    assert cache.find("a")
    cache.keep("d", "x" * 100)
    assert len(cache) == 1
