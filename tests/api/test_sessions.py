"""What is made cheap of Gradio's for every visitor still does what it is there for."""

import urllib.error
import urllib.request

import gradio as gr
import pytest
from gradio.routes import App

from charplay.ui import sessions


@pytest.fixture
def guarded_url():
    """An app that asks for a password."""
    sessions.make_cheap()
    with gr.Blocks() as demo:
        gr.Textbox()
    try:
        _, url, _ = demo.launch(
            prevent_thread_lock=True, server_name="127.0.0.1", quiet=True, auth=("ada", "lovelace"), ssr_mode=False
        )
        yield url
    finally:
        demo.close()


def test_who_is_not_logged_in_is_refused_as_before(guarded_url):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{guarded_url}config", timeout=20)
    form = b"username=ada&password=lovelace"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    browser.open(f"{guarded_url}login", form, timeout=20)
    assert browser.open(f"{guarded_url}config", timeout=20).status == 200


def test_the_routes_that_are_asked_for_most_are_looked_at_first():
    sessions.make_cheap()
    with gr.Blocks() as demo:
        gr.Textbox()
    app = App.create_app(demo)
    routers = [app.router, *(route.original_router for route in app.router.routes if hasattr(route, "original_router"))]
    places = [
        place
        for router in routers
        for place, route in enumerate(router.routes)
        if getattr(route, "path", "").endswith(sessions.ASKED_MOST)
    ]
    assert sorted(places) == list(range(len(places)))
    assert len(places) >= 2
