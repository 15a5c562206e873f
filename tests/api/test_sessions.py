"""Gradio behaves with our patches as without them."""

import urllib.error
import urllib.request

import gradio as gr
import pytest
from gradio.blocks import BlocksConfig
from gradio.routes import App
from gradio.state_holder import SessionState

from charplay.ui import gradio_patches


@pytest.fixture
def guarded_url():
    """An app with a login."""
    gradio_patches.apply()
    with gr.Blocks() as demo:
        gr.Textbox()
    try:
        _, url, _ = demo.launch(
            prevent_thread_lock=True, server_name="127.0.0.1", quiet=True, auth=("ada", "lovelace"), ssr_mode=False
        )
        yield url
    finally:
        demo.close()


def test_a_request_without_login_is_refused(guarded_url):
    with pytest.raises(urllib.error.HTTPError, match="401"):
        urllib.request.urlopen(f"{guarded_url}config", timeout=20)
    form = b"username=ada&password=lovelace"
    browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())
    browser.open(f"{guarded_url}login", form, timeout=20)
    assert browser.open(f"{guarded_url}config", timeout=20).status == 200


def test_the_hot_paths_are_the_first_routes():
    with gr.Blocks() as demo:
        gr.Textbox()
    app = App.create_app(demo)
    gradio_patches.order_routes(app)
    routers = [app.router, *(route.original_router for route in app.router.routes if hasattr(route, "original_router"))]
    positions = [
        position
        for router in routers
        for position, route in enumerate(router.routes)
        if getattr(route, "path", "").endswith(gradio_patches.HOT_PATHS)
    ]
    assert sorted(positions) == list(range(len(positions)))
    assert len(positions) >= 2


def test_sessions_share_the_description_of_a_block_but_not_its_value():
    gradio_patches.remove()
    describe = BlocksConfig.config_for_block
    gradio_patches.apply()
    with gr.Blocks() as demo:
        box = gr.Textbox(value="mine")
    one, other = SessionState(demo), SessionState(demo)
    assert one.config_values == other.config_values
    assert one.config_values[box._id] == describe(box._id, [], box)
    one._update_value_in_config(box._id, "yours")
    values = [session.config_values[box._id]["props"]["value"] for session in (one, other, SessionState(demo))]
    assert values == ["yours", "mine", "mine"]
    assert {**one.config_values[box._id], "props": None} == {**other.config_values[box._id], "props": None}
    other[box._id] = gr.Textbox(value="theirs", render=False)
    other._update_config(box._id)
    assert other.config_values[box._id]["props"]["value"] == "theirs"
    assert SessionState(demo).config_values[box._id]["props"]["value"] == "mine"
