"""What the app holds of a page goes when the page is closed, and otherwise by time."""

import datetime
import logging

import gradio as gr
import pytest
from gradio.routes import App

from charplay import limits
from charplay.ui import browser_sessions
from charplay.ui.session_store import STORE


@pytest.fixture
def app():
    """Gradio's app of a page with one box, with the values of two sessions."""
    with gr.Blocks() as demo:
        box = gr.Textbox()
    app = App.create_app(demo)
    for session in ("closed", "open"):
        app.state_holder[session]._update_value_in_config(box._id, f"typed in {session}")
    return app


def test_a_closed_page_leaves_nothing_behind(app):
    STORE.keep_data("closed", "letters.txt", b"dear diary")
    path = STORE.data("closed").path
    browser_sessions.forget(app, "closed")
    assert STORE.data("closed") is None
    assert not path.exists()
    assert list(app.state_holder.session_data) == ["open"]
    assert list(app.state_holder.time_last_used) == ["open"]


def test_the_values_of_a_page_expire(app):
    now = datetime.datetime.now()
    browser_sessions.expire(app, now)
    assert set(app.state_holder.session_data) == {"closed", "open"}
    app.state_holder.time_last_used["open"] = now + datetime.timedelta(seconds=10)
    browser_sessions.expire(app, now + datetime.timedelta(seconds=limits.SESSION_SECONDS + 5))
    assert list(app.state_holder.session_data) == ["open"]


def test_where_gradio_holds_them_elsewhere_the_app_runs_and_a_line_is_logged(caplog):
    with caplog.at_level(logging.WARNING):
        browser_sessions.expire(object(), datetime.datetime.now())
        browser_sessions.forget(object(), "closed")
    assert len(caplog.records) == 1
