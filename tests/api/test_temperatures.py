"""Three texts side by side: what they are, and that nobody's seat stays taken."""

import asyncio
import functools
import re
from contextlib import aclosing
from dataclasses import replace
from html import escape

import gradio as gr
import pytest

from charplay import limits
from charplay.inference.engine import GenerationError
from charplay.inference.generate import generate, make_request
from charplay.models import checkpoints
from charplay.ui import inference_client, page
from charplay.workers.client import WORKER_ENDED

DEGREES = (0.2, 0.8, 1.4)


@pytest.fixture(scope="module")
def checkpoint():
    return checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech-rnn.safetensors")


@pytest.fixture(scope="module")
def compare():
    """What the Compare button runs."""
    demo = page.build()
    [button] = (number for number, block in demo.blocks.items() if getattr(block, "elem_id", "") == "compare")
    [event] = (event for event in demo.fns.values() if (button, "click") in event.targets)
    return functools.partial(event.fn, gr.Request(session_hash="nobody"))


def wishes(length: int) -> list:
    return [make_request("My fellow ", degree, length, seed=5) for degree in DEGREES]


async def active() -> int:
    """How many texts the process writes, or has in its line."""
    told, loop = asyncio.get_running_loop().create_future(), asyncio.get_running_loop()
    inference_client.NETWORKS.ask({"count": True}, lambda answer: loop.call_soon_threadsafe(told.set_result, answer))
    return (await told)["active"]


async def until_empty() -> None:
    while inference_client.NETWORKS.waiting or await active():
        await asyncio.sleep(0.05)


def test_texts_that_are_followed_together_are_those_that_are_written_alone(checkpoint, run_async):
    async def last_and_count():
        count = 0
        async with aclosing(inference_client.stream_texts(checkpoint, wishes(400))) as growing:
            async for news in growing:
                assert len(news) == len(DEGREES)
                count += 1
        return [one.text for one in news], count, [one.place for one in news]

    texts, messages, places = run_async(last_and_count())
    assert texts == generate(checkpoint, wishes(400))
    assert len(set(texts)) == len(DEGREES)
    assert places == [0, 0, 0]
    assert messages < 400 / 10  # news of the three come as one, and not a character at a time


def test_who_stops_or_goes_away_gives_up_all_three_seats(checkpoint, run_async):
    async def begins_and_goes():
        async with aclosing(inference_client.stream_texts(checkpoint, wishes(limits.LENGTH.high))) as growing:
            async for news in growing:
                if all(one.text for one in news):
                    assert (inference_client.NETWORKS.waiting, await active()) == (3, 3)
                    break
        assert inference_client.NETWORKS.waiting == 0
        await until_empty()

    run_async(begins_and_goes(), 30)


def test_a_process_that_dies_ends_all_three_with_one_sentence(checkpoint, run_async):
    async def dies():
        async with aclosing(inference_client.stream_texts(checkpoint, wishes(limits.LENGTH.high))) as growing:
            async for _ in growing:
                inference_client.NETWORKS.stop()

    with pytest.raises(GenerationError, match=WORKER_ENDED):
        run_async(dies())
    run_async(until_empty(), 30)


def test_the_page_shows_the_three_texts_their_seed_and_how_many_words_are_different(compare, checkpoint, run_async):
    async def last():
        async with aclosing(compare("My fellow ", 10, 150, "5", "speech-rnn", *DEGREES)) as shown:
            return [values async for values in shown]

    *columns, stats, _ = run_async(last())[-1]
    for column, text, degree in zip(columns, generate(checkpoint, wishes(150)), DEGREES, strict=True):
        words = re.sub("[^a-z']", " ", text.lower()).split()
        assert f"Text at temperature {degree:g}" in column
        assert f"<b>{len(set(words))}</b> different words of {len(words)}<" in column
        assert f"<div>{escape(text)}</div>" in column
    assert '150 of 150 characters each · seed <b id="compared-seed">5</b>' in stats


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"degrees": (0.2, float("nan"), 1.4)}, "temperature must be a number from 0.0 to 2.0"),
        ({"degrees": (0.2, 0.8, 1e9)}, "temperature must be a number from 0.0 to 2.0"),
        ({"degrees": ("hot", 0.8, 1)}, "temperature must be a number from 0.0 to 2.0"),
        ({"degrees": (0.2, None, [1])}, "temperature must be a number from 0.0 to 2.0"),
        ({"length": 1_000_000}, "length must be a whole number from 1 to 10000"),
        ({"prime": ""}, "at least one character"),
        ({"prime": "x" * 10_000_000}, "at most 2,000 characters"),
        ({"seed": "lucky"}, "seed must be a whole number"),
        ({"chosen": "../names"}, "model must be one of"),
        ({"chosen": ["speech"]}, "model must be one of"),
    ],
)
def test_what_is_out_of_bounds_gets_a_sentence_and_no_seat(compare, run_async, changes, says):
    given = {"prime": "We ", "prime_length": 3, "length": 10, "seed": "", "chosen": "speech", "degrees": DEGREES}
    *values, degrees = (given | changes).values()

    async def first():
        async with aclosing(compare(*values, *degrees)) as shown:
            return await anext(shown)

    with pytest.raises(gr.Error) as refusal:
        run_async(first())
    assert says in refusal.value.message
    run_async(until_empty(), 30)


def test_a_temperature_alone_makes_the_difference(checkpoint):
    same = [replace(wish, temperature=0.8) for wish in wishes(60)]
    assert len(set(generate(checkpoint, same))) == 1
