"""A request that is sent again after a dropped connection is carried out once."""

import asyncio

import pytest

from charplay.ui import repeated_requests
from charplay.ui.event_admission import JOIN_PATH
from charplay.ui.repeated_requests import ID_HEADER, RepeatedRequests


class Queue:
    """An app that counts what it queues, when it may."""

    def __init__(self):
        self.queued, self.may_answer, self.fails = 0, asyncio.Event(), False
        self.may_answer.set()

    async def __call__(self, scope, receive, send):
        await self.may_answer.wait()
        if self.fails:
            raise OSError("full")
        self.queued += 1
        await send({"type": "http.response.start", "status": 200})
        await send({"type": "http.response.body", "body": str(self.queued).encode()})


async def post(middleware, request_id=None, path=JOIN_PATH) -> bytes:
    """The body of the answer to a request."""
    sent = []

    async def send(message):
        sent.append(message)

    headers = [] if request_id is None else [(ID_HEADER, request_id)]
    await middleware({"type": "http", "path": path, "headers": headers}, None, send)
    return sent[-1]["body"]


@pytest.mark.parametrize(
    ("ids", "path", "queued"),
    [
        ((b"1", b"1", b"2"), JOIN_PATH, 2),
        ((None, None, None), JOIN_PATH, 3),  # of other clients
        ((b"1", b"1"), "/other", 2),
    ],
)
def test_what_has_the_same_id_is_queued_once(run_async, ids, path, queued):
    async def check():
        queue = Queue()
        middleware = RepeatedRequests(queue)
        answers = [await post(middleware, each, path) for each in ids]
        assert (queue.queued, len(set(answers))) == (queued, queued)

    run_async(check())


def test_one_that_comes_again_before_its_answer_waits_for_it(run_async):
    async def check():
        queue = Queue()
        queue.may_answer.clear()
        middleware = RepeatedRequests(queue)
        both = [asyncio.create_task(post(middleware, b"1")) for _ in range(2)]
        await asyncio.sleep(0)
        queue.may_answer.set()
        assert await asyncio.gather(*both) == [b"1", b"1"]

    run_async(check())


def test_one_that_failed_can_be_sent_again_and_answers_are_bounded(run_async, monkeypatch):
    monkeypatch.setattr(repeated_requests, "MAX_REMEMBERED", 3)

    async def check():
        queue = Queue()
        middleware = RepeatedRequests(queue)
        queue.fails = True
        with pytest.raises(OSError, match="full"):
            await post(middleware, b"1")
        queue.fails = False
        assert await post(middleware, b"1") == b"1"
        for number in range(9):
            await post(middleware, str(number).encode())
        assert len(middleware._answers) == 3

    run_async(check())
