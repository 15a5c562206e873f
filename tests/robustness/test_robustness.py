"""Short versions of the commands in this folder."""

import pytest

from charplay.bench.timing import on_own_thread
from tests.robustness import kills, memory


@pytest.mark.parametrize("worker", kills.LOADS)
def test_a_worker_that_is_killed_under_load_leaves_nobody_waiting(worker):
    result = kills.kill_often(worker, times=2)
    assert result["kills"] * kills.REQUESTS == result["answered"] + result["failed_with_a_sentence"]
    assert result["next_requests_that_failed"] == 0
    assert result["slowest_s"] <= kills.MAX_SECONDS


def test_refused_requests_leave_nothing_in_memory():
    result = on_own_thread(lambda: memory.measure(sessions=60))  # pytest's may have the browser's event loop
    assert result["refused"] == 60
    assert result["growth_mb"] is None or result["growth_mb"] < memory.MAX_GROWTH_MB
