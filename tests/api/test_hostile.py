"""Any input to an endpoint gets a result or an error sentence, and changes no answer to a concurrent request."""

import asyncio
import json
import math
from contextlib import aclosing
from urllib.parse import urlsplit

import gradio as gr
import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as some

from charplay import limits
from charplay.bench.page_client import Page, RequestFailed, read_config
from charplay.data.datasets import COUNTRIES
from charplay.ui import page
from charplay.ui.resumable_streams import CLOSE_PATH
from charplay.workers.client import INFERENCE
from charplay.workers.protocol import WorkerRequest

ANSWER_SECONDS = 20  # longest wait for an answer, on a busy machine
MAX_CHARACTERS = 60  # of a text that is generated here; the bounds of longer ones are tested elsewhere

texts = some.one_of(
    some.text(max_size=80),  # of every plane, surrogates too
    some.text(some.characters(categories=["Cs", "Cc", "Cf", "Co", "Cn", "Mn"]), max_size=20),
    some.sampled_from(
        ["", " ", "\0", "Rossi", "O'Brien", "<img src=x onerror=alert(1)>", "../../etc/passwd", "x" * 65]
    ),
    some.integers(60, 3_000).map(lambda length: "é" * length),
)
numbers = some.one_of(
    some.floats(), some.integers(), some.sampled_from([0, 1, -1, 2**63, 10**400, 1e308, math.nan, math.inf, -0.0])
)
anything = some.recursive(
    some.one_of(some.none(), some.booleans(), numbers, texts),
    lambda inner: some.one_of(
        some.lists(inner, max_size=4), some.dictionaries(some.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
) | some.integers(1, 60).map(lambda depth: json.loads("[" * depth + "]" * depth))


def mostly(good):
    """Values of the right kind more often than not, so that some pass the checks."""
    return some.one_of(good, good, anything)


names = mostly(some.lists(mostly(texts), max_size=12))
calls = some.one_of(
    some.tuples(
        some.sampled_from(["classify", "prefix_probabilities"]),
        some.tuples(mostly(texts), mostly(some.sampled_from(limits.PRIORS))),
    ),
    some.tuples(some.just("surprise"), some.tuples(mostly(texts))),
    some.tuples(
        some.just("invent"),
        some.tuples(
            mostly(some.sampled_from(COUNTRIES)),
            mostly(some.integers(1, 20)),
            mostly(some.floats(0, 2)),
            mostly(some.none() | some.integers(0, 2**32 - 1)),
        ),
    ),
    some.tuples(some.just("compare_batches"), some.tuples(names, mostly(some.booleans()))),
    some.tuples(
        some.just("generate"),
        some.tuples(
            mostly(texts),
            mostly(some.floats(0, 2)),
            mostly(some.integers(1, MAX_CHARACTERS)),
            mostly(some.none() | some.integers(1, 100)),
            mostly(some.integers(0, 128)),
            mostly(some.none() | some.integers(0, 2**32 - 1)),
            mostly(some.none() | texts),
            mostly(some.none() | some.lists(some.integers(0, 600) | some.floats(-9, 9), max_size=4)),
        ),
    ),
)


def is_bounded(arguments) -> bool:
    """Whether a generation with these arguments is short; one of 10,000 characters is valid, and slow."""
    length = arguments[2]
    return type(length) not in (int, float) or not MAX_CHARACTERS < length <= limits.LENGTH.high


@pytest.fixture(scope="module")
def functions():
    """The endpoints' own functions."""
    demo = page.build()
    return {block.api_name: block.fn for block in demo.fns.values() if isinstance(block.api_name, str)}


async def call(function, arguments):
    """The last value of an endpoint's function, or the error that it raises."""
    try:
        result = function(*arguments)
        if hasattr(result, "__aiter__"):
            async with aclosing(result) as items:
                async for item in items:
                    result = item
        elif asyncio.iscoroutine(result):
            result = await result
    except gr.Error as error:
        return error
    return result


@pytest.fixture(scope="module")
def expected(functions, run_async):
    """The answer to one request without another beside it."""
    return run_async(call(functions["classify"], ("Rossi", "data")), ANSWER_SECONDS)


def is_sentence(text: str) -> bool:
    return 10 < len(text) < 400 and text.endswith(".") and "Traceback" not in text


@given(calls)
def test_the_functions_give_a_result_or_a_sentence(functions, expected, run_async, drawn):
    endpoint, arguments = drawn
    if endpoint == "generate" and not is_bounded(arguments):
        return

    async def beside_another():
        return await asyncio.gather(
            call(functions[endpoint], arguments), call(functions["classify"], ("Rossi", "data"))
        )

    answer, concurrent = run_async(beside_another(), ANSWER_SECONDS)
    assert concurrent["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-6)
    if isinstance(answer, gr.Error):
        assert is_sentence(str(answer.message))
    elif endpoint == "classify":
        assert sum(answer["probabilities"].values()) == pytest.approx(1, abs=1e-4)
    elif endpoint == "prefix_probabilities":
        assert [sum(column) for column in zip(*answer["probabilities"], strict=True)] == pytest.approx(
            [1.0] * len(answer["normalized"]), abs=1e-4
        )
    elif endpoint == "generate":
        assert answer.isascii()
        assert arguments[6] or len(answer) > arguments[2]
    elif endpoint == "surprise":
        assert answer["characters"] == len(answer["bits"]) == len(answer["text"])
        assert all(math.isfinite(bits) and bits >= 0 for bits in answer["bits"][1:])
    elif endpoint == "invent":
        assert len(answer["names"]) == arguments[1]
        assert all(name.strip() for name in answer["names"])
    else:
        assert len(answer["order"]) == len(arguments[0])


@given(calls)
def test_the_servers_queue_gives_a_result_or_a_sentence(app_url, run_async, capfd, drawn):
    endpoint, arguments = drawn
    if endpoint == "generate" and not is_bounded(arguments):
        return
    port = urlsplit(app_url).port

    async def last_message():
        client = Page(port, await read_config(port))
        try:
            async for message, _ in client.messages(endpoint, list(arguments)):
                last = message
        except RequestFailed as error:  # what is not JSON does not reach the queue
            return error
        finally:
            client.close()
        return last

    message = run_async(last_message(), ANSWER_SECONDS)
    if isinstance(message, RequestFailed):
        assert message.status in (400, 422)
    elif not message["success"]:
        assert is_sentence(message["output"]["error"])
    assert "Traceback" not in capfd.readouterr().err


def test_a_client_that_disconnects_in_mid_stream_frees_its_slot(app_url, run_async):
    """A hundred pages are closed after their first characters, and the engine is empty again soon after."""
    port = urlsplit(app_url).port
    closed = f"{app_url.rstrip('/')}/gradio_api{CLOSE_PATH}?session_hash="

    async def disconnect(seed: int) -> None:
        client = Page(port, await read_config(port))
        async for message, _ in client.messages("generate", ["We ", 0.8, limits.LENGTH.high, None, 0, seed]):
            if message["msg"] == "process_generating":
                break
        client.close()
        await asyncio.to_thread(httpx.post, closed + client.session)  # as a browser does; else its stream is held

    async def disconnect_all() -> None:
        for start in range(0, 100, 20):
            await asyncio.gather(*(disconnect(seed) for seed in range(start, start + 20)))

    async def active() -> int:
        return (await INFERENCE.request(WorkerRequest("count", {})))["result"]

    async def until_empty() -> None:
        while await active() or INFERENCE.pending:
            await asyncio.sleep(0.1)

    run_async(disconnect_all(), 120)
    run_async(until_empty(), 30)
