"""A page that closes its connection while an event is answered."""

import asyncio
import http.client
import json
import threading
from urllib.parse import urlsplit

import gradio as gr
import pytest

from charplay.ui.disconnects import is_disconnected

TIMEOUT_SECONDS = 60  # on a busy machine
SESSION = "page"


@pytest.fixture
def waiting_app():
    """An app whose one event waits until its page is disconnected; yields its port and what the event saw."""
    started, noticed = threading.Event(), threading.Event()

    async def wait() -> str:
        started.set()
        while not is_disconnected():
            await asyncio.sleep(0.05)
        noticed.set()
        return "gone"

    with gr.Blocks() as demo:
        gr.Button().click(wait, None, gr.Textbox())
    _, url, _ = demo.launch(prevent_thread_lock=True, server_name="127.0.0.1", quiet=True)
    yield urlsplit(url).port, started, noticed
    demo.close()


def test_a_coroutine_notices_that_its_page_has_closed_the_connection(waiting_app):
    port, started, noticed = waiting_app
    join, stream = (http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT_SECONDS) for _ in range(2))
    body = {"data": [], "fn_index": 0, "session_hash": SESSION}
    join.request("POST", "/gradio_api/queue/join", json.dumps(body), {"Content-Type": "application/json"})
    assert join.getresponse().status == 200
    stream.request("GET", f"/gradio_api/queue/data?session_hash={SESSION}")
    response = stream.getresponse()
    assert started.wait(TIMEOUT_SECONDS)
    assert not noticed.is_set()
    response.close()
    stream.close()
    assert noticed.wait(TIMEOUT_SECONDS)


def test_outside_an_event_no_page_has_disconnected():
    assert not is_disconnected()
