"""What one session may send, before Gradio's queue."""

import asyncio
import json
from types import SimpleNamespace

import pytest

from charplay import limits
from charplay.ui import event_admission
from charplay.ui.event_admission import JOIN_PATH, BoundedEvents
from charplay.ui.session_shares import Refusals


def gradio_app(events: dict[str, int]):
    """An app whose queue has so many events of each session under way, and two of a page that is disconnected."""
    ids = {session: {f"{session}{number}" for number in range(count)} for session, count in events.items()}
    running = {event_id: None for each in ids.values() for event_id in each}
    pending = {session: each | {"gone 1", "gone 2"} for session, each in ids.items()}
    queue = SimpleNamespace(pending_event_ids_session=pending, event_ids_to_events=running)
    return SimpleNamespace(get_blocks=lambda: SimpleNamespace(_queue=queue))


async def join(middleware, session, app, data="typed") -> tuple[int, bytes]:
    """The status of a request, and the body that reached the app."""
    body = json.dumps({"data": [data], "session_hash": session}).encode()
    parts = [
        {"type": "http.request", "body": body[:9], "more_body": True},
        {"type": "http.request", "body": body[9:], "more_body": False},
    ]
    sent = []

    async def receive():
        return parts.pop(0)

    async def send(message):
        sent.append(message)

    await middleware({"type": "http", "path": "/gradio_api" + JOIN_PATH, "app": app}, receive, send)
    return sent[0]["status"], sent[-1]["body"]


async def echo(scope, receive, send):
    body, is_more = b"", True
    while is_more:
        message = await receive()
        body, is_more = body + message["body"], message["more_body"]
    await send({"type": "http.response.start", "status": 200})
    await send({"type": "http.response.body", "body": body})


def test_a_session_with_its_whole_share_under_way_is_refused_and_another_is_not(run_async):
    app = gradio_app({"greedy": limits.MAX_SESSION_EVENTS, "page": limits.MAX_SESSION_EVENTS - 1})

    async def check():
        middleware = BoundedEvents(echo, Refusals())
        assert (await join(middleware, "greedy", app))[0] == 429
        status, body = await join(middleware, "page", app, data='"session_hash": "greedy"')
        assert status == 200
        assert json.loads(body) == {"data": ['"session_hash": "greedy"'], "session_hash": "page"}

    run_async(check())


def test_a_session_that_was_refused_often_waits_and_what_waits_is_bounded(run_async, monkeypatch):
    monkeypatch.setattr(limits, "MAX_SESSION_EVENTS", 3)
    monkeypatch.setattr(event_admission, "MAX_HELD_REFUSALS", 0)
    now, app = [0.0], gradio_app({})
    refusals = Refusals(lambda: now[0])
    for _ in range(limits.FREE_REFUSALS):
        refusals.note("greedy")
    assert not refusals.wait_seconds("greedy")
    refusals.note("greedy")
    assert refusals.wait_seconds("greedy") == 1

    async def check():
        middleware = BoundedEvents(echo, refusals)
        held = [asyncio.create_task(join(middleware, "greedy", app)) for _ in range(3)]
        await asyncio.sleep(0)
        assert (await join(middleware, "greedy", app))[0] == 429
        assert (await join(middleware, "page", app))[0] == 200
        assert not any(task.done() for task in held)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        assert not middleware._held
        now[0] += 2  # two refusals are forgotten
        assert (await join(middleware, "greedy", app))[0] == 200

    run_async(check())


def test_a_session_refused_often_waits_for_its_refusals_and_their_number_is_bounded(run_async, monkeypatch):
    monkeypatch.setattr(event_admission, "MAX_HELD_REFUSALS", 2)
    monkeypatch.setattr(limits, "FREE_REFUSALS", 1)
    app, refusals = gradio_app({"greedy": limits.MAX_SESSION_EVENTS}), Refusals(lambda: 0.0)

    async def check():
        middleware = BoundedEvents(echo, refusals)
        assert (await join(middleware, "greedy", app))[0] == 429
        held = [asyncio.create_task(join(middleware, "greedy", app)) for _ in range(2)]
        await asyncio.sleep(0)
        assert (await join(middleware, "greedy", app))[0] == 429  # as many wait as may
        assert not any(task.done() for task in held)
        for task in held:
            task.cancel()
        await asyncio.gather(*held, return_exceptions=True)
        assert not middleware._held_refusals

    run_async(check())


def test_refusals_are_forgotten_and_their_number_is_bounded():
    now = [0.0]
    refusals = Refusals(lambda: now[0])
    for number in range(limits.MAX_BROWSER_SESSIONS + 5):
        refusals.note(str(number))
    assert len(refusals._counts) == limits.MAX_BROWSER_SESSIONS
    for _ in range(2 * limits.MAX_COUNTED_REFUSALS):
        refusals.note("greedy")
    assert refusals.wait_seconds("greedy") == limits.MAX_COUNTED_REFUSALS - limits.FREE_REFUSALS
    now[0] += 20
    assert refusals.wait_seconds("greedy") == limits.MAX_COUNTED_REFUSALS - 20 - limits.FREE_REFUSALS
    now[0] += limits.MAX_COUNTED_REFUSALS
    assert not refusals.wait_seconds("greedy")


@pytest.mark.parametrize("app", [None, SimpleNamespace(), SimpleNamespace(get_blocks=lambda: None)])
def test_where_gradio_is_not_as_known_nothing_is_bounded_and_one_line_is_logged(run_async, caplog, app):
    async def check():
        middleware = BoundedEvents(echo, Refusals())
        for _ in range(2):
            assert (await join(middleware, "page", app))[0] == 200

    run_async(check())
    assert len(caplog.records) == 1
