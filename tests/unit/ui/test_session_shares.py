"""What one session may have under way at once."""

import pytest
from gradio.context import LocalContext

from charplay import limits
from charplay.ui import session_shares
from charplay.ui.session_shares import QUESTIONS, TEXTS, share


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


def test_outside_events_there_is_no_bound():
    with share(TEXTS, limits.MAX_SESSION_TEXTS + 1):
        pass
