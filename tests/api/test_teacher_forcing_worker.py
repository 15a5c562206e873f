"""The process that decoder pairs train in, as the page sees it."""

import asyncio
from contextlib import aclosing
from dataclasses import asdict

import pytest

from charplay import limits
from charplay.training.teacher_forcing import DecoderPair, make_settings
from charplay.ui.teacher_forcing.run import TEACHER_FORCING, example_request
from charplay.workers.protocol import WorkerRequest
from charplay.workers.teacher_forcing import RUN_ENDED, TeacherForcingWorker

SETTINGS = make_settings("hi!", "rnn", 4, 0.01, 1, 0.0)


async def responses_to(request, until=lambda response: False):
    """The responses to a request, to the last one or the first that `until` takes; then it is cancelled."""
    received = []
    async with aclosing(TEACHER_FORCING.stream(request)) as stream:
        async for responses in stream:
            received += responses
            if any(map(until, responses)):
                break
    return received


def state_of(response):
    """What a response tells of the pair."""
    return (response["update"] or response["result"])["state"]


def start(page="", settings=None, **arguments):
    settings = asdict(SETTINGS) if settings is None else settings
    return WorkerRequest("start", {"settings": settings, "page": page, **arguments})


async def last_state(kind, **arguments):
    return (await TEACHER_FORCING.request(WorkerRequest(kind, arguments)))["result"]["state"]


async def failure(kind, **arguments):
    return (await TEACHER_FORCING.request(WorkerRequest(kind, arguments)))["failure"]


async def count() -> int:
    return (await TEACHER_FORCING.request(WorkerRequest("count", {})))["result"]


async def empty() -> None:
    """Waits until no run is left."""
    while await count():
        await asyncio.sleep(0.05)


def test_the_process_trains_what_is_trained_here(run_async):
    shown = run_async(last_state("preview", settings=asdict(SETTINGS), epochs=5), 180)  # it starts
    pair = DecoderPair(SETTINGS)
    for _ in range(5):
        pair.advance()
    assert shown == pair.update_since()


def test_a_run_is_followed_paused_stepped_and_stopped(run_async):
    async def visit():
        following = asyncio.ensure_future(responses_to(start("other")))
        while not await count():
            await asyncio.sleep(0.05)
        async with aclosing(TEACHER_FORCING.stream(start("own"))) as stream:
            first = await anext(stream)
            name = first[0]["update"]["run"]
            paused = await last_state("pause", run=name)
            stepped = await last_state("step", run=name)
            rest = [response async for responses in stream for response in responses]
        # The first request gets the state at the pause too: the page may render it after the other.
        last = state_of(rest[-1])
        assert rest[-1]["is_done"]
        assert last["since"] + len(last["history"]) == len(paused["history"])
        assert last["decoders"] == paused["decoders"]
        assert len(stepped["history"]) == len(paused["history"]) + 1
        assert await failure("stop", run=name) is None
        assert await failure("resume", run=name) == RUN_ENDED
        following.cancel()  # the other page is closed
        await asyncio.wait([following])
        await empty()

    run_async(visit())


def test_a_page_that_is_closed_ends_its_run(run_async):
    async def visit():
        await responses_to(start(speed=1), until=state_of)  # its epochs would take a quarter of an hour
        await empty()

    run_async(visit(), 30)


def test_a_class_trains_side_by_side(run_async):
    async def classroom():
        def is_far(response):
            return state_of(response)["since"] + len(state_of(response)["history"]) >= 8

        received = await asyncio.gather(*(responses_to(start(), until=is_far) for _ in range(12)))
        assert len({responses[0]["update"]["run"] for responses in received}) == 12
        await empty()

    run_async(classroom())


def test_a_process_that_dies_fails_its_runs_and_the_next_start_starts_another(run_async):
    async def visit():
        name = ""
        async with aclosing(TEACHER_FORCING.stream(start())) as stream:
            async for responses in stream:
                if responses and responses[-1]["failure"] is not None:
                    break
                if responses:
                    name = responses[-1]["update"]["run"]
                    TEACHER_FORCING.kill()
        assert responses[-1]["is_done"]
        assert await failure("resume", run=name) == RUN_ENDED  # its runs died with it
        assert (await responses_to(start(), until=state_of))[-1]["failure"] is None
        await empty()

    run_async(visit())
    assert TEACHER_FORCING.pending == 0


@pytest.mark.parametrize("settings", [{}, {"target": "hi"}, [], 5])
def test_settings_that_are_none_fail_and_leave_the_process_running(run_async, settings):
    assert run_async(failure("start", settings=settings, page="")) == TeacherForcingWorker.failure_message
    assert run_async(count()) == 0


def test_the_worked_example_has_the_settings_of_the_tabs_controls():
    request = example_request()
    assert request.kind == "preview"
    assert request.arguments["settings"]["target"] == "hihello"
    assert 1 <= request.arguments["epochs"] <= limits.MAX_DECODER_EPOCHS
