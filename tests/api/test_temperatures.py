"""Three temperatures side by side: the texts, and that no slot stays taken."""

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
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.models import checkpoints
from charplay.ui import controls, inference_client, page
from charplay.ui.speech.generated_text import GeneratedText
from charplay.workers.client import INFERENCE
from charplay.workers.connection import WORKER_ENDED
from charplay.workers.protocol import WorkerRequest

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
    return functools.partial(event.fn, gr.Request(session_hash="no session"))


def requests(length: int) -> list:
    return [make_request("My fellow ", degree, length, seed=5) for degree in DEGREES]


async def active() -> int:
    """How many texts the process generates or has queued."""
    return (await INFERENCE.request(WorkerRequest("count", {})))["result"]


async def until_empty() -> None:
    while INFERENCE.pending or await active():
        await asyncio.sleep(0.05)


def test_texts_streamed_together_are_those_generated_one_by_one(checkpoint, run_async):
    async def last_and_count():
        count = 0
        async with aclosing(inference_client.stream_texts(checkpoint, requests(400))) as stream:
            async for updates in stream:
                assert len(updates) == len(DEGREES)
                count += 1
        return [update.text for update in updates], count, [update.queue_position for update in updates]

    texts, messages, positions = run_async(last_and_count())
    assert texts == generate(checkpoint, requests(400))
    assert len(set(texts)) == len(DEGREES)
    assert positions == [0, 0, 0]
    assert messages < 400 / 10  # updates of the three are gathered, and not a character each


def test_closing_the_stream_frees_all_three_slots(checkpoint, run_async):
    async def starts_and_closes():
        async with aclosing(inference_client.stream_texts(checkpoint, requests(limits.LENGTH.high))) as stream:
            async for updates in stream:
                if all(update.text for update in updates):
                    assert (INFERENCE.pending, await active()) == (3, 3)
                    break
        assert INFERENCE.pending == 0
        await until_empty()

    run_async(starts_and_closes(), 30)


def test_a_worker_that_dies_ends_all_three_with_one_error(checkpoint, run_async):
    async def dies():
        async with aclosing(inference_client.stream_texts(checkpoint, requests(limits.LENGTH.high))) as stream:
            async for _ in stream:
                INFERENCE.kill()

    with pytest.raises(GenerationError, match=WORKER_ENDED):
        run_async(dies())
    run_async(until_empty(), 30)


def test_the_page_shows_the_three_texts_their_seed_and_how_many_words_are_different(compare, checkpoint, run_async):
    async def last():
        async with aclosing(
            compare("5", "speech-rnn", "", "My fellow ", 10, 150, 0, controls.AT_THE_LENGTH, *DEGREES)
        ) as shown:
            return [values async for values in shown]

    *columns, stats, _ = run_async(last())[-1]
    for column, text, degree in zip(columns, generate(checkpoint, requests(150)), DEGREES, strict=True):
        words = re.sub("[^a-z']", " ", text.lower()).split()
        assert f"Text at temperature {degree:g}" in column
        assert f"<b>{len(set(words))}</b> different words of {len(words)}<" in column
        assert f">{escape(text)}</div>" in column
    assert '150 of 150 characters each · seed <b id="compared-seed">5</b>' in stats


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"degrees": (0.2, float("nan"), 1.4)}, "temperature must be a number from 0.0 to 2.0"),
        ({"degrees": (0.2, 0.8, 1e9)}, "temperature must be a number from 0.0 to 2.0"),
        ({"degrees": ("hot", 0.8, 1)}, "temperature must be a number from 0.0 to 2.0"),
        ({"degrees": (0.2, None, [1])}, "temperature must be a number from 0.0 to 2.0"),
        ({"length": 1_000_000}, "length must be a whole number from 1 to 10,000"),
        ({"prime": ""}, "at least one character"),
        ({"prime": "x" * 10_000_000}, "at most 2,000 characters"),
        ({"seed": "lucky"}, "seed must be a whole number"),
        ({"seed": "-1"}, "seed must be a whole number"),
        ({"top_k": -1}, "top-k must be a whole number from 0"),
        ({"top_k": "many"}, "top-k must be a whole number from 0"),
        ({"stop_at": "x" * 65}, "stop mark may have at most"),
        ({"stop_at": ["x"]}, "stop mark must be a text"),
        ({"chosen": "../names"}, "model must be one of"),
        ({"chosen": ["speech"]}, "model must be one of"),
    ],
)
def test_values_out_of_bounds_are_user_errors_and_take_no_slot(compare, run_async, changes, message):
    given = {
        "seed": "",
        "chosen": "speech",
        "field": GeneratedText("speech", "We ", 3, 0.8, 5, "are").as_field(),  # the text of the page
        "prime": "We ",
        "prime_length": 3,
        "length": 10,
        "top_k": 0,
        "stop_at": controls.AT_THE_LENGTH,
        "degrees": DEGREES,
    }
    *values, degrees = (given | changes).values()

    async def first():
        async with aclosing(compare(*values, *degrees)) as shown:
            return await anext(shown)

    *texts, status, _ = run_async(first())
    assert message in status
    assert 'class="problem"' in status
    assert not any("<b>1" in text for text in texts)
    run_async(until_empty(), 30)


def test_the_temperature_is_the_only_difference(checkpoint):
    same = [replace(request, temperature=0.8) for request in requests(60)]
    assert len(set(generate(checkpoint, same))) == 1
