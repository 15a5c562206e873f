"""Streams that outlive a dropped connection, driven by the messages of ASGI."""

import asyncio

import pytest

from charplay import limits
from charplay.ui.resumable_streams import CLOSE_PATH, STREAM_PATH, ResumableStreams

MESSAGES = [f"data: {number}\n\n".encode() for number in range(6)]
DEADLINE_SECONDS = 20


class App:
    """Sends a message whenever the test says so, until its page is disconnected."""

    def __init__(self):
        self.next, self.gone, self.calls = asyncio.Semaphore(0), asyncio.Event(), 0

    async def __call__(self, scope, receive, send):
        self.calls += 1
        await receive()
        noticing = asyncio.create_task(self._notice(receive))
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number, message in enumerate(MESSAGES, 1):
            await self.next.acquire()
            await send({"type": "http.response.body", "body": message, "more_body": number < len(MESSAGES)})
        noticing.cancel()

    async def _notice(self, receive):
        assert (await receive())["type"] == "http.disconnect"
        self.gone.set()


class Connection:
    """A browser's connection: what it has received, and whether it is cut."""

    def __init__(self, middleware, path=STREAM_PATH, query="session_hash=page&stream=one"):
        self.status, self.body, self.changed, self._cut = None, b"", asyncio.Event(), asyncio.Event()
        self._has_request = True
        scope = {"type": "http", "path": "/gradio_api" + path, "query_string": query.encode()}
        self.task = asyncio.create_task(middleware(scope, self._receive, self._send))

    async def _receive(self):
        if self._has_request:
            self._has_request = False
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._cut.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message):
        if self._cut.is_set():
            return
        self.status = message.get("status", self.status)
        self.body += message.get("body", b"")
        self.changed.set()

    async def until(self, length):
        while len(self.body) < length:
            self.changed.clear()
            await asyncio.wait_for(self.changed.wait(), DEADLINE_SECONDS)

    async def cut(self):
        self._cut.set()
        await asyncio.wait_for(self.task, DEADLINE_SECONDS)


@pytest.fixture
def running(run_async):
    """Runs a test's coroutine with an app and the middleware before it."""

    def run(test, seconds=DEADLINE_SECONDS):
        async def prepared():
            app = App()
            await test(app, ResumableStreams(app, seconds=seconds))

        run_async(prepared())

    return run


def release(app, messages):
    for _ in range(messages):
        app.next.release()


@pytest.mark.parametrize("received", [0, 3, len(MESSAGES[0]), 2 * len(MESSAGES[0])])
def test_a_stream_goes_on_from_the_byte_where_its_connection_broke(running, received):
    async def check(app, middleware):
        first = Connection(middleware)
        release(app, 2)
        await first.until(2 * len(MESSAGES[0]))
        await first.cut()
        release(app, 4)  # while nobody reads
        rest = Connection(middleware, query=f"session_hash=page&stream=one&received={received}")
        await asyncio.wait_for(rest.task, DEADLINE_SECONDS)
        assert (rest.status, rest.body) == (200, b"".join(MESSAGES)[received:])
        assert not app.gone.is_set()
        assert app.calls == 1

    running(check)


def test_the_end_of_a_stream_that_was_lost_on_its_way_is_sent_again_until_the_next_one_begins(running):
    async def check(app, middleware):
        release(app, 2 * len(MESSAGES))
        first = Connection(middleware)
        await asyncio.wait_for(first.task, DEADLINE_SECONDS)
        for received in (5, len(first.body)):
            rest = Connection(middleware, query=f"session_hash=page&stream=one&received={received}")
            await asyncio.wait_for(rest.task, DEADLINE_SECONDS)
            assert (rest.status, rest.body) == (200, first.body[received:])
        following = Connection(middleware, query="session_hash=page&stream=two")
        await asyncio.wait_for(following.task, DEADLINE_SECONDS)
        late = Connection(middleware, query="session_hash=page&stream=one&received=5")
        await asyncio.wait_for(late.task, DEADLINE_SECONDS)
        assert (following.body, late.status) == (first.body, 410)
        assert len(middleware._streams) == 1

    running(check)


def test_a_stream_that_is_over_is_forgotten_after_its_time(running):
    async def check(app, middleware):
        release(app, len(MESSAGES))
        await asyncio.wait_for(Connection(middleware).task, DEADLINE_SECONDS)
        while middleware._streams or middleware._over:
            await asyncio.sleep(0.01)

    running(check, seconds=0.05)


def test_a_new_connection_takes_over_from_one_that_is_dead_without_a_sign(running):
    async def check(app, middleware):
        dead = Connection(middleware)
        release(app, 1)
        await dead.until(len(MESSAGES[0]))
        new = Connection(middleware, query="session_hash=page&stream=one&received=0")
        await asyncio.wait_for(dead.task, DEADLINE_SECONDS)
        release(app, 5)
        await asyncio.wait_for(new.task, DEADLINE_SECONDS)
        assert (dead.body, new.body) == (MESSAGES[0], b"".join(MESSAGES))

    running(check)


def test_a_stream_that_nobody_goes_on_with_is_given_up_after_its_time(running):
    async def check(app, middleware):
        first = Connection(middleware)
        await first.cut()
        await asyncio.wait_for(app.gone.wait(), DEADLINE_SECONDS)
        late = Connection(middleware, query="session_hash=page&stream=one&received=0")
        await asyncio.wait_for(late.task, DEADLINE_SECONDS)
        assert late.status == 410

    running(check, seconds=0.05)


def test_a_closed_page_ends_its_streams_at_once_and_no_other(running):
    async def check(app, middleware):
        closed = []
        middleware._on_page_closed = lambda app, session: closed.append(session)
        first = Connection(middleware)
        other = Connection(middleware, query="session_hash=other&stream=one")
        release(app, 1)
        await first.cut()
        beacon = Connection(middleware, CLOSE_PATH, "session_hash=page")
        await asyncio.wait_for(beacon.task, DEADLINE_SECONDS)
        await asyncio.wait_for(app.gone.wait(), DEADLINE_SECONDS)
        assert (beacon.status, closed) == (204, ["page"])
        assert [session for session, _ in middleware._streams] == ["other"]
        await other.cut()

    running(check)


def test_what_waits_for_a_page_and_what_was_sent_to_it_are_bounded(running, monkeypatch):
    monkeypatch.setattr(limits, "MAX_UNSENT_STREAM_BYTES", 2 * len(MESSAGES[0]))
    monkeypatch.setattr(limits, "MAX_RESENT_STREAM_BYTES", len(MESSAGES[0]))

    async def check(app, middleware):
        first = Connection(middleware)
        release(app, 1)
        await first.until(len(MESSAGES[0]))
        await first.cut()
        release(app, 5)
        for _ in range(100):
            await asyncio.sleep(0)
        [stream] = middleware._streams.values()
        assert stream._end == 4 * len(MESSAGES[0])  # the first that was too much is in, the next one waits
        rest = Connection(middleware, query=f"session_hash=page&stream=one&received={len(MESSAGES[0])}")
        await asyncio.wait_for(rest.task, DEADLINE_SECONDS)
        assert rest.body == b"".join(MESSAGES[1:])
        assert len(stream._chunks) <= 2

    running(check)


def test_requests_of_other_clients_pass_through(running):
    async def check(app, middleware):
        plain = Connection(middleware, query="session_hash=page")
        release(app, 6)
        await asyncio.wait_for(plain.task, DEADLINE_SECONDS)
        assert plain.body == b"".join(MESSAGES)
        assert not middleware._streams

    running(check)


@pytest.mark.parametrize("received", ["-1", "x", "9" * 30])
def test_anything_may_stand_in_the_query_of_a_stream_that_is_not_there(running, received):
    async def check(app, middleware):
        odd = Connection(middleware, query=f"session_hash=page&stream=none&received={received}")
        await asyncio.wait_for(odd.task, DEADLINE_SECONDS)
        assert odd.status == 410
        assert not middleware._streams

    running(check)
