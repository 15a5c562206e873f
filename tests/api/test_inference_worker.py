"""The process that the networks run in, as the page sees it."""

import asyncio
import random
from contextlib import aclosing

import numpy as np
import pytest

from charplay import limits
from charplay.data.batches import compare
from charplay.inference.classify import classify
from charplay.inference.engine import GenerationError
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.interpret import packing
from charplay.interpret.activations import activations_of
from charplay.interpret.attribution import attribute
from charplay.interpret.unmasked import compare_unmasked, has_flipped
from charplay.models import checkpoints
from charplay.ui import inference_client
from charplay.workers.client import INFERENCE
from charplay.workers.connection import WORKER_ENDED


@pytest.fixture(scope="module")
def registry():
    return checkpoints.load_all(checkpoints.SHIPPED_DIRECTORY)


async def text_of(checkpoint, request) -> str:
    async with aclosing(inference_client.stream_text(checkpoint, request)) as stream:
        async for update in stream:
            text = update.text
    return text


def test_it_computes_what_is_computed_here(registry, run_async):
    answer = run_async(inference_client.classify(registry.default("names"), "Rossi", "uniform"))
    [expected] = classify(registry.default("names"), ["Rossi"], "uniform")
    assert answer["country"] == expected["country"] == "Italian"
    assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-5)
    request = make_request("My fellow ", length=120, seed=5)
    for checkpoint in registry.models["speech"].values():
        assert run_async(text_of(checkpoint, request)) == generate(checkpoint, [request])[0]


@pytest.mark.parametrize("name", ["Nguyen", "x", "O'Brien-Yamamoto"])
def test_what_looks_inside_is_computed_there_as_here(registry, run_async, name):
    for checkpoint in registry.models["names"].values():
        answer = run_async(inference_client.query(checkpoint, "attribution", name=name, prior="uniform", country=None))
        expected = attribute(checkpoint, name, "uniform")
        assert answer["country"] == expected["country"]
        for key in ("probability", "without", "changes", "gradients"):
            assert answer[key] == pytest.approx(expected[key], abs=1e-4)
        answer = run_async(inference_client.query(checkpoint, "activations", name=name, prior="data"))
        expected = activations_of(checkpoint, name)
        assert answer["codes"] == expected["codes"]
        assert answer["probabilities"] == pytest.approx(expected["probabilities"], abs=1e-6)
        assert [len(layer) for layer in answer["hidden"]] == [2, 2]


def test_the_beginnings_of_a_name_each_get_what_they_get_alone(registry, run_async):
    name = "van der Berg"
    answers = run_async(inference_client.classify_prefixes(registry.default("names"), name, "data"))
    beginnings = [name[:end] for end in range(1, len(name) + 1)]
    expected = classify(registry.default("names"), beginnings, are_read=True)
    assert [answer["normalized"] for answer in answers] == [each["normalized"] for each in expected]
    for answer, expected_one in zip(answers, expected, strict=True):
        assert answer["probabilities"] == pytest.approx(expected_one["probabilities"], abs=1e-5)


def test_a_batch_is_asked_in_parts_and_says_what_is_computed_here(registry, run_async):
    checkpoint, names = registry.default("names"), ["adylov", "solan", "hard", "san"] * 10
    comparison = compare(names, sort=False)
    report = packing.report(comparison, run_async(inference_client.differences(checkpoint, comparison)))
    here = packing.compare_batches(checkpoint, names, sort=False)
    differences = {"naive_difference", "masked_difference"}
    assert {key: report[key] for key in report.keys() - differences} == {
        key: here[key] for key in here.keys() - differences
    }
    assert report["naive_difference"] == pytest.approx(here["naive_difference"], abs=1e-5)
    found = run_async(inference_client.query_rows(checkpoint, "compare_unmasked", names, time=6))
    assert [each["name"] for each in found] == names
    expected = compare_unmasked(checkpoint, names[:4], time=6)
    assert [has_flipped(each) for each in found] == [has_flipped(each) for each in expected] * 10
    assert any(map(has_flipped, found))
    values = run_async(inference_client.query(checkpoint, "cell_values", names=names[:4], unit=7, hidden=True))
    assert np.allclose(
        values["packed"], packing.cell_values(checkpoint, names[:4], 7, hidden=True)["packed"], atol=1e-5
    )


def test_many_names_at_once_each_get_their_own_answer(registry, run_async):
    names = [f"{first}{rest}" for first in "ABCDEFGHIJ" for rest in ("ndersson", "ossi", "amamoto", "owalczyk")]

    async def ask_all():
        return await asyncio.gather(
            *(inference_client.classify(registry.default("names"), name, "data") for name in names)
        )

    answers = run_async(ask_all())
    assert [answer["name"] for answer in answers] == names
    expected = classify(registry.default("names"), names)
    for answer, expected_one in zip(answers, expected, strict=True):
        assert answer["probabilities"] == pytest.approx(expected_one["probabilities"], abs=1e-5)


def test_a_process_that_dies_fails_its_requests_and_the_next_one_starts_another(registry, run_async):
    endless = make_request("We ", length=10_000, seed=1)

    async def dies_during_a_stream():
        async with aclosing(inference_client.stream_text(registry.default("speech"), endless)) as stream:
            async for _ in stream:
                INFERENCE.kill()

    with pytest.raises(GenerationError, match=WORKER_ENDED):
        run_async(dies_during_a_stream())
    assert run_async(inference_client.classify(registry.default("names"), "Rossi", "data"))["country"] == "Italian"
    assert INFERENCE.pending == 0


def test_under_random_kills_every_request_gets_an_answer_or_a_sentence(registry, run_async):
    rng, names = random.Random(3), registry.default("names")
    text = make_request("We ", length=200, seed=1)

    async def outcome(coroutine):
        try:
            return await coroutine
        except GenerationError as error:
            return str(error)

    async def kill_at_random():
        INFERENCE.start()
        process = INFERENCE._connection._process
        requests = [inference_client.classify(names, f"Rossi{'i' * index}", "data") for index in range(5)]
        requests += [text_of(registry.default("speech"), text) for _ in range(5)]
        running = [asyncio.ensure_future(outcome(request)) for request in requests]
        await asyncio.sleep(rng.random() * 4)  # from its start to the middle of its answers
        process.kill()
        outcomes = await asyncio.gather(*running)
        await asyncio.to_thread(process.wait)  # a request that reaches a process while it dies gets the sentence too
        return outcomes

    expected = generate(registry.default("speech"), [text])[0]
    for _ in range(2):
        outcomes = run_async(kill_at_random(), 60)
        assert all(each == WORKER_ENDED or each["country"] for each in outcomes[:5])
        assert set(outcomes[5:]) <= {WORKER_ENDED, expected}
    assert run_async(inference_client.classify(names, "Rossi", "data"))["country"] == "Italian"


def test_a_checkpoint_that_has_gone_is_named_in_a_sentence(registry, run_async, tmp_path):
    gone = checkpoints.Checkpoint(**vars(registry.default("speech")) | {"path": tmp_path / "gone.safetensors"})
    with pytest.raises(GenerationError, match=r"no checkpoint at .*gone\.safetensors"):
        run_async(text_of(gone, make_request("We ", length=3)))


def test_a_request_beyond_the_slots_is_queued_and_knows_its_position(registry, run_async):
    long, short = make_request("We ", length=limits.LENGTH.high, seed=1), make_request("We ", length=5, seed=1)

    async def first_update(stream):
        async for update in stream:
            return update

    async def classroom():
        running = [inference_client.stream_text(registry.default("speech"), long) for _ in range(limits.MAX_STREAMS)]
        await asyncio.gather(*(first_update(stream) for stream in running))
        positions = []
        async with aclosing(inference_client.stream_text(registry.default("speech"), short)) as queued:
            async for update in queued:
                positions.append(update.queue_position)
                if len(positions) == 1:
                    await running.pop().aclose()
        for stream in running:
            await stream.aclose()
        return positions, update.text

    positions, text = run_async(classroom(), 120)
    assert positions[0] == 1
    assert positions[-1] == 0
    assert text == generate(registry.default("speech"), [short])[0]
