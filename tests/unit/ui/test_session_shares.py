"""What one session may have under way at once."""

import asyncio
import gc

import pytest
from gradio.context import LocalContext

from charplay import limits
from charplay.ui import session_shares
from charplay.ui.session_shares import QUESTIONS, TEXTS, share, turn


class Event:
    """What an event knows of its session."""

    def __init__(self, session_hash: str):
        self.session_hash = session_hash


@pytest.fixture
def in_session():
    """Chooses the session that the code from here on runs for."""
    token = LocalContext.request.set(None)
    yield lambda name: LocalContext.request.set(Event(name))
    LocalContext.request.reset(token)
    assert not session_shares._under_way


def test_a_session_beyond_its_share_is_refused_and_another_is_not(in_session):
    in_session("greedy")
    with share(TEXTS, limits.MAX_SESSION_TEXTS):
        with pytest.raises(ValueError, match=str(limits.MAX_SESSION_TEXTS)), share(TEXTS):
            pass
        with share(QUESTIONS):  # each kind has its own share
            in_session("other")
            with share(TEXTS, limits.MAX_SESSION_TEXTS):
                pass


def test_what_has_ended_or_failed_gives_its_share_back(in_session):
    in_session("page")
    for _ in range(3):
        with pytest.raises(ZeroDivisionError), share(TEXTS, limits.MAX_SESSION_TEXTS):
            raise ZeroDivisionError
    with share(TEXTS, limits.MAX_SESSION_TEXTS):
        pass


def test_long_questions_of_a_session_take_turns_and_those_of_another_do_not_wait(run_async, in_session):
    order = []

    async def ask(session, name, may_end):
        LocalContext.request.set(Event(session))
        async with turn():
            order.append(name)
            await may_end.wait()

    async def check():
        first_may_end, all_may_end = asyncio.Event(), asyncio.Event()
        all_may_end.set()
        requests = [("greedy", 1, first_may_end), ("greedy", 2, all_may_end), ("page", 3, all_may_end)]
        tasks = [asyncio.create_task(ask(*request)) for request in requests]
        await tasks[2]
        assert order == [1, 3]
        first_may_end.set()
        await asyncio.gather(*tasks)
        assert order == [1, 3, 2]

    run_async(check())
    gc.collect()
    assert not session_shares._turns


def test_outside_events_there_is_no_bound():
    with share(TEXTS, limits.MAX_SESSION_TEXTS + 1):
        pass
