"""The process that decoders learn in, as the page sees it."""

import asyncio
import time
from contextlib import aclosing
from dataclasses import asdict

import pytest

from charplay import limits
from charplay.training.teacher_forcing import DecoderPair, make_settings
from charplay.ui.teacher_forcing.run import TEACHER_FORCING, example_request
from charplay.workers.teacher_forcing import RUN_ENDED, TEACHER_FORCING_FAILED

SETTINGS = make_settings("hi!", "rnn", 4, 0.01, 1, 0.0)


async def answers_to(request, until=lambda answer: False):
    """The answers to a request, to the last one or the first that `until` takes; then its reader goes."""
    heard = []
    async with aclosing(TEACHER_FORCING.answers(request)) as told:
        async for answers in told:
            heard += answers
            if any(map(until, answers)):
                break
    return heard


def start(instead=""):
    return {"start": asdict(SETTINGS), "instead": instead}


async def count() -> int:
    return (await answers_to({"count": True}))[-1]["lessons"]


async def empty() -> None:
    """Waits until no lesson is left."""
    while await count():
        await asyncio.sleep(0.05)


def test_it_teaches_what_is_taught_here(run_async):
    shown = run_async(answers_to({"show": asdict(SETTINGS), "epochs": 5}), 180)[-1]["news"]  # it starts
    lesson = DecoderPair(SETTINGS)
    for _ in range(5):
        lesson.advance()
    assert shown == lesson.update_since()


def test_a_lesson_is_followed_paused_stepped_and_stopped(run_async):
    async def visit():
        following = asyncio.ensure_future(answers_to(start()))
        while not await count():
            await asyncio.sleep(0.05)
        async with aclosing(TEACHER_FORCING.answers(start())) as told:
            first = await anext(told)
            name = first[0]["lesson"]
            paused = (await answers_to({"pause": name}))[-1]["news"]
            stepped = (await answers_to({"step": name}))[-1]["news"]
            rest = [answer async for answers in told for answer in answers]
        last = rest[-1]["news"]  # who followed it shows it where it rests: its picture may be drawn after the other
        assert rest[-1]["is_done"]
        assert last["since"] + len(last["history"]) == len(paused["history"])
        assert last["decoders"] == paused["decoders"]
        assert len(stepped["history"]) == len(paused["history"]) + 1
        await answers_to({"stop": name})
        assert (await answers_to({"go_on": name}))[-1]["failure"] == RUN_ENDED
        following.cancel()  # the other page is closed
        await asyncio.wait([following])
        await empty()

    run_async(visit())


def test_a_page_that_is_closed_ends_its_lesson_within_two_seconds(run_async):
    async def visit():
        await answers_to(start(), until=lambda answer: answer["news"])
        closed = time.monotonic()
        await empty()
        return time.monotonic() - closed

    assert run_async(visit()) < 2


def test_a_class_learns_side_by_side(run_async):
    async def classroom():
        def is_far(answer):
            return answer["news"]["since"] + len(answer["news"]["history"]) >= 8

        heard = await asyncio.gather(*(answers_to(start(), until=is_far) for _ in range(12)))
        assert len({answers[0]["lesson"] for answers in heard}) == 12
        await empty()

    run_async(classroom())


def test_a_process_that_dies_is_told_and_the_next_lesson_starts_another(run_async):
    async def visit():
        name = ""
        async with aclosing(TEACHER_FORCING.answers(start())) as told:
            async for answers in told:
                name = answers[-1].get("lesson", name) if answers else name
                if answers and answers[-1]["failure"] is not None:
                    break
                TEACHER_FORCING.stop()
        assert answers[-1]["is_done"]
        assert (await answers_to({"go_on": name}))[-1]["failure"] == RUN_ENDED  # what was kept died with it
        assert (await answers_to(start(), until=lambda answer: answer["news"]))[-1]["failure"] is None
        await empty()

    run_async(visit())
    assert TEACHER_FORCING.waiting == 0


@pytest.mark.parametrize("settings", [{}, {"target": "hi"}, [], None])
def test_what_is_no_setting_at_all_is_a_failure_and_no_end(run_async, settings):
    assert run_async(answers_to({"start": settings, "instead": ""}))[-1]["failure"] == TEACHER_FORCING_FAILED
    assert run_async(count()) == 0


def test_the_worked_example_is_the_one_of_the_tabs_controls():
    request = example_request()
    assert request["show"]["target"] == "hihello"
    assert 1 <= request["epochs"] <= limits.MAX_DECODER_EPOCHS
