"""The client of a worker process, against a program that misbehaves on request."""

import asyncio
import importlib.util
import os
import queue
import random
import signal
import threading
from contextlib import aclosing

import pytest

from charplay.workers import connection
from charplay.workers.client import CLIENT_DISCONNECTED, WorkerProcess
from charplay.workers.connection import WORKER_BUSY, WORKER_ENDED
from charplay.workers.protocol import WorkerRequest

PROGRAM = "tests.unit.workers.fake_worker"
TIMEOUT_SECONDS = 30  # for one response, on a busy machine
SILENT = WorkerRequest("none", {})  # gets no response


@pytest.fixture
def worker():
    worker = WorkerProcess(PROGRAM)
    yield worker
    worker.kill()


class Inbox(queue.Queue):
    """The responses to requests."""

    def next(self):
        return self.get(timeout=TIMEOUT_SECONDS)


def send(worker, kind: str, **arguments) -> Inbox:
    """Sends a request; returns where its responses arrive."""
    inbox = Inbox()
    worker.send(WorkerRequest(kind, arguments), inbox.put)
    return inbox


def echo(worker):
    """The result of a request that the program answers."""
    return send(worker, "echo", word="hello").next()["result"]


def process_id(worker) -> int:
    return worker._connection._process.pid


def test_a_request_is_answered(worker):
    assert echo(worker) == {"word": "hello"}
    assert worker.pending == 0


def test_the_priority_of_a_program_is_lowered_as_soon_as_its_process_is_there(monkeypatch):
    lowered = []
    monkeypatch.setattr(connection.system, "lower_priority", lambda *arguments: lowered.append(arguments))
    monkeypatch.setitem(connection.NICENESS, PROGRAM, 7)
    started = connection.Connection(PROGRAM)
    started.kill()
    assert lowered == [(7, started._process.pid)]


def test_every_program_with_a_priority_is_there():
    assert all(importlib.util.find_spec(program) for program in connection.NICENESS)


def test_a_process_that_dies_in_the_middle_of_a_line_fails_all_requests_and_the_next_one_starts_another(worker):
    waiting = [send(worker, "none") for _ in range(3)]
    dying = send(worker, "die in the middle of a line")
    for inbox in (*waiting, dying):
        assert inbox.next()["failure"] == WORKER_ENDED
    assert worker.pending == 0
    assert echo(worker) == {"word": "hello"}


@pytest.mark.parametrize("text", ["no JSON", "[]", "5", '{"id": 1}', '{"is_done": true}', "[" * 100_000])
def test_a_line_that_is_no_response_fails_all_requests_and_the_next_one_starts_another(worker, text):
    waiting = send(worker, "none")
    send(worker, "write", text=text)
    assert waiting.next()["failure"] == WORKER_ENDED
    assert echo(worker) == {"word": "hello"}


def test_a_process_that_is_killed_while_it_starts_fails_its_request(worker):
    waiting = send(worker, "echo")
    os.kill(process_id(worker), signal.SIGKILL)
    assert waiting.next()["is_done"]
    assert echo(worker) == {"word": "hello"}


def test_a_program_that_cannot_run_fails_every_request():
    worker = WorkerProcess("tests.unit.workers.no_such_program")
    for _ in range(2):
        assert send(worker, "echo").next()["failure"] == WORKER_ENDED


def test_a_process_that_cannot_be_started_fails_the_request(monkeypatch):
    def no_process(*arguments, **options):
        raise OSError("no memory for another process")

    monkeypatch.setattr(connection.subprocess, "Popen", no_process)
    assert send(WorkerProcess(PROGRAM), "echo").next()["failure"] == WORKER_ENDED


def test_of_requests_under_random_kills_every_one_gets_a_last_response(worker):
    rng = random.Random(1)
    for _ in range(8):
        inboxes = [send(worker, "echo", number=number) for number in range(50)]
        worker.start()
        threading.Event().wait(rng.random() * 0.1)  # at any moment of the process's life
        os.kill(process_id(worker), signal.SIGKILL)
        inboxes += [send(worker, "echo", number=number) for number in range(50)]
        for inbox in inboxes:
            response = inbox.next()
            assert response["is_done"]
            assert response["failure"] in (None, WORKER_ENDED)
    assert echo(worker) == {"word": "hello"}


def test_a_callback_that_fails_loses_its_own_request_alone(worker, caplog):
    def broken(response):
        raise KeyError("the page's own code")

    request_id = worker.send(WorkerRequest("update", {}), broken)
    waiting = send(worker, "update", percent=5)
    assert waiting.next()["update"] == {"percent": 5}
    assert "the page's own code" in caplog.text
    assert send(worker, "list cancelled").next()["result"] == [request_id]
    assert echo(worker) == {"word": "hello"}


def test_a_full_pipe_blocks_no_sender_and_beyond_the_limit_requests_are_refused(worker, monkeypatch):
    monkeypatch.setattr(connection, "MAX_UNSENT_BYTES", 3_000_000)
    assert send(worker, "stop reading").next()["failure"] is None
    inboxes, has_sent = [], threading.Event()

    def send_all():
        inboxes.extend(send(worker, "echo", text="x" * 300_000) for _ in range(20))
        has_sent.set()

    threading.Thread(target=send_all, daemon=True).start()
    assert has_sent.wait(TIMEOUT_SECONDS)
    assert inboxes[-1].next()["failure"] == WORKER_BUSY
    assert worker.pending >= 10
    os.kill(process_id(worker), signal.SIGKILL)
    for inbox in inboxes[:-1]:
        assert inbox.next()["failure"] in (WORKER_BUSY, WORKER_ENDED)
    assert echo(worker) == {"word": "hello"}


def test_requests_that_are_cancelled_before_they_could_be_written_take_no_room(worker, monkeypatch):
    monkeypatch.setattr(connection, "MAX_UNSENT_BYTES", 3_000_000)
    assert send(worker, "stop reading").next()["failure"] is None
    for _ in range(20):
        worker.cancel(worker.send(WorkerRequest("echo", {"text": "x" * 300_000}), lambda response: None))
    waiting = send(worker, "echo")
    assert worker.pending == 1
    worker.kill()
    assert waiting.next()["failure"] == WORKER_ENDED


def test_a_coroutine_that_is_cancelled_cancels_its_request(worker, run_async):
    async def visit():
        waiting = asyncio.ensure_future(worker.request(SILENT))
        while not worker.pending:
            await asyncio.sleep(0.01)
        await worker.request(WorkerRequest("echo", {}))  # the request before it has been written
        waiting.cancel()
        await asyncio.wait([waiting])
        return await worker.request(WorkerRequest("list cancelled", {}))

    assert len(run_async(visit())["result"]) == 1


def test_a_request_whose_page_has_disconnected_is_cancelled(worker, run_async):
    async def visit():
        is_written = asyncio.Event()
        waiting = asyncio.ensure_future(worker.request(SILENT, is_disconnected=is_written.is_set))
        while not worker.pending:
            await asyncio.sleep(0.01)
        await worker.request(WorkerRequest("echo", {}))
        is_written.set()
        abandoned = await waiting
        return abandoned["failure"], await worker.request(WorkerRequest("list cancelled", {}))

    failure, cancelled = run_async(visit())
    assert failure == CLIENT_DISCONNECTED
    assert len(cancelled["result"]) == 1


def test_a_stream_that_is_closed_cancels_all_its_requests(worker, run_async):
    async def visit():
        async with aclosing(worker.stream(*[WorkerRequest("update", {"percent": 5})] * 3)) as stream:
            async for responses in stream:
                if responses:
                    break
        return await worker.request(WorkerRequest("list cancelled", {}))

    assert len(run_async(visit())["result"]) == 3
    assert worker.pending == 0


def test_a_stream_of_several_requests_says_which_one_each_response_is_of(worker, run_async):
    async def visit():
        requests = [WorkerRequest("echo", {"number": number}) for number in range(3)]
        return [response async for responses in worker.stream(*requests) for response in responses]

    received = run_async(visit())
    assert sorted((response["index"], response["result"]["number"]) for response in received) == [
        (0, 0),
        (1, 1),
        (2, 2),
    ]
