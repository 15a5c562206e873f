"""Many streams share an engine, and each gets the text that it would get in a batch of one."""

import itertools
import threading
import time
from types import SimpleNamespace

import pytest
import torch

from charplay import limits
from charplay.inference import engine, generate
from charplay.inference.engine import GENERATION_FAILED_MESSAGE, Engine, Stream
from charplay.inference.generate import GenerationBatch
from charplay.inference.generation import Generation, make_request
from charplay.inference.products import available_products
from charplay.inference.quantized import QuantizedStep
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_language_model

WAIT_SECONDS = 30  # for a condition, on a busy machine


def make_requests(count: int) -> list:
    """Requests that differ in every field."""
    return [
        make_request("yes we can " * (1 + seed % 5), (0, 0.5, 0.8, 2)[seed % 4], 5 + seed % 40, None, seed % 7, seed)
        for seed in range(count)
    ]


class Updates:
    """Waits for a condition, which it checks at every update of a stream."""

    def __init__(self):
        self._updated = threading.Condition()

    def notify(self):
        with self._updated:
            self._updated.notify_all()

    def wait_until(self, condition):
        with self._updated:
            assert self._updated.wait_for(condition, WAIT_SECONDS)


def run_streams(engine, checkpoint, requests) -> list:
    """The streams of the requests, all done."""
    updates = Updates()
    streams = [engine.submit(checkpoint, request, updates.notify) for request in requests]
    updates.wait_until(lambda: all(stream.is_done for stream in streams))
    return streams


def wait_until_idle(engine):
    deadline = time.monotonic() + WAIT_SECONDS
    while engine.active and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.active == 0


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("product", available_products())
def test_a_text_is_the_same_in_a_batch_of_one_and_of_200(cell, product):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    quantized, requests = QuantizedStep(checkpoint.model, product), make_requests(200)
    together = [Generation(request) for request in requests]
    batch = GenerationBatch(checkpoint, quantized)
    for start in range(0, 200, 25):  # added while others are running
        batch.add(together[start : start + 25])
        batch.step()
    while batch.generations:
        batch.step()
    for row in (0, 1, 2, 3, 26, 101, 199):
        single, batch = Generation(requests[row]), GenerationBatch(checkpoint, quantized)
        batch.add([single])
        while batch.generations:
            batch.step()
        assert single.continuation == together[row].continuation
        assert len(single.continuation) == requests[row].length


def test_a_stop_mark_ends_its_own_stream_only(language_model):
    requests = [make_request("yes", 2.0, 200, seed=seed, until=until) for seed in (4, 5) for until in ("e", "", "ab")]
    streams = run_streams(Engine(), language_model, requests)
    assert [stream.text for stream in streams] == generate.generate(language_model, requests)
    assert len(streams[0].text) < len(streams[1].text) == 200


def test_the_engine_generates_what_generate_does(language_model):
    requests = make_requests(40)
    streams = run_streams(Engine(), language_model, requests)
    assert [stream.text for stream in streams] == [
        generate.generate(language_model, [request])[0] for request in requests
    ]


def test_several_models_generate_side_by_side(language_model):
    other, engine, updates = make_checkpoint("speech", make_language_model("lstm", seed=1)), Engine(), Updates()
    request = make_request("yes", length=200, seed=3)
    streams = [engine.submit(checkpoint, request, updates.notify) for checkpoint in (language_model, other)]
    updates.wait_until(lambda: all(stream.is_done for stream in streams))
    assert [stream.text for stream in streams] == [
        generate.generate(checkpoint, [request])[0] for checkpoint in (language_model, other)
    ]


def test_every_update_extends_the_text_of_the_update_before(language_model):
    engine, seen = Engine(), []
    done = threading.Event()

    def notify():
        seen.append(stream.text)
        if stream.is_done:
            done.set()

    stream = engine.submit(language_model, make_request("yes", length=limits.LENGTH.high, seed=1), notify)
    assert done.wait(WAIT_SECONDS)
    assert len(seen) > 1
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(seen))
    assert len(seen[-1]) == limits.LENGTH.high


def test_the_first_update_has_text_and_does_not_wait_for_the_next_ones_turn(language_model, monkeypatch):
    """Where a prime takes longer than the first update waits for."""
    monkeypatch.setattr(engine, "FIRST_UPDATE_SECONDS", 0.0)
    monkeypatch.setattr(engine, "MIN_UPDATE_SECONDS", 1e6)
    monkeypatch.setattr(engine, "MAX_UPDATE_SECONDS", 1e6)
    updates, seen, is_submitted = Updates(), [], threading.Event()

    def on_update():
        is_submitted.wait()
        seen.append((stream.text, stream.is_done))
        updates.notify()

    request = make_request("we " * 200, length=1_000, seed=1)
    stream = Engine().submit(language_model, request, on_update)
    is_submitted.set()
    updates.wait_until(lambda: stream.is_done)
    [(first, is_done), *_] = seen
    assert not is_done
    assert first


def test_closing_a_stream_frees_its_slot_for_the_first_in_the_queue(language_model):
    engine, updates = Engine(slots=2), Updates()
    long = make_request("yes", length=10_000, seed=1)
    running = [engine.submit(language_model, long, updates.notify) for _ in range(2)]
    queued = [engine.submit(language_model, make_request("no", length=5), updates.notify) for _ in range(2)]
    assert [stream.queue_position for stream in (*running, *queued)] == [0, 0, 1, 2]
    assert engine.active == 4
    running[0].close()
    updates.wait_until(lambda: all(stream.is_done for stream in queued))
    assert [stream.queue_position for stream in queued] == [0, 0]
    queued[0].close()  # already done: changes nothing
    running[1].close()
    wait_until_idle(engine)
    assert not running[0].is_done


def test_a_failure_ends_its_own_text_only(language_model, monkeypatch, caplog):
    expected = [generate.generate(language_model, [request])[0] for request in make_requests(9)]
    original = generate.sample

    def failing(logits, mask, inverse_temperatures, uniforms, top_k):
        if (uniforms == poisoned).any():
            raise RuntimeError("a cell broke")
        return original(logits, mask, inverse_temperatures, uniforms, top_k)

    victim = Generation(make_requests(9)[5])
    for _ in range(3):
        poisoned = victim.uniform
        victim.append(97, False)
    monkeypatch.setattr(generate, "sample", failing)
    streams = run_streams(Engine(), language_model, make_requests(9))
    assert str(streams[5].failure) == GENERATION_FAILED_MESSAGE
    assert expected[5].startswith(streams[5].text)
    assert "a cell broke" in caplog.text
    for row in set(range(9)) - {5}:
        assert streams[row].failure is None
        assert streams[row].text == expected[row]


def test_nan_logits_end_the_text(language_model):
    with torch.no_grad():
        language_model.model.linear.bias[:] = torch.nan
    engine = Engine()
    [stream] = run_streams(engine, language_model, [make_request("yes")])
    assert str(stream.failure) == GENERATION_FAILED_MESSAGE
    with torch.no_grad():
        language_model.model.linear.bias.zero_()


def test_a_model_that_cannot_be_prepared_fails_its_own_stream_only(language_model):
    broken, engine = make_checkpoint("speech"), Engine()
    del broken.model.linear
    [stream] = run_streams(engine, broken, [make_request("yes")])
    assert str(stream.failure) == GENERATION_FAILED_MESSAGE
    [stream] = run_streams(engine, language_model, [make_request("yes", length=7)])
    assert len(stream.text) == 7


def test_a_failing_callback_closes_its_own_stream_only(language_model, caplog):
    def broken():
        raise KeyError("no such client")

    engine = Engine()
    engine.submit(language_model, make_request("yes", length=10_000), broken)
    [stream] = run_streams(engine, language_model, [make_request("yes", length=50)])
    assert len(stream.text) == 50
    wait_until_idle(engine)
    assert "no such client" in caplog.text


@pytest.mark.parametrize(("owner", "name"), [(GenerationBatch, "step"), (QuantizedStep, "advance")])
def test_a_fault_of_the_engine_leaves_no_failed_rows_in_a_batch(language_model, monkeypatch, caplog, owner, name):
    """Nor does a text go on from a state that may be that of another character."""
    advance, is_broken = getattr(owner, name), threading.Event()

    def break_once(*arguments):
        result = advance(*arguments)
        if is_broken.is_set():
            is_broken.clear()
            raise RuntimeError("no single text's fault")
        return result

    monkeypatch.setattr(owner, name, break_once)
    engine, updates = Engine(), Updates()
    long = make_request("yes", length=10_000, seed=1)
    failed = [engine.submit(language_model, long, updates.notify) for _ in range(3)]
    updates.wait_until(lambda: all(stream.text for stream in failed))
    is_broken.set()
    updates.wait_until(lambda: all(stream.is_done for stream in failed))
    assert {str(stream.failure) for stream in failed} == {GENERATION_FAILED_MESSAGE}
    assert "no single text's fault" in caplog.text
    stream = engine.submit(language_model, long, updates.notify)
    updates.wait_until(lambda: stream.text)
    assert [len(batch.generations) for batch in engine._batches] == [1]
    updates.wait_until(lambda: stream.is_done)
    assert stream.text == generate.generate(language_model, [long])[0]


def test_an_update_that_cannot_be_published_ends_its_own_text_only(language_model, monkeypatch):
    publish = Stream._publish

    def break_for_one(stream, now, interval):
        if stream.request.seed == 2:
            raise RuntimeError("this text cannot be published")
        publish(stream, now, interval)

    monkeypatch.setattr(Stream, "_publish", break_for_one)
    requests = [make_request("yes", length=300, seed=seed) for seed in (1, 2, 3)]
    streams = run_streams(Engine(), language_model, requests)
    assert [stream.failure is None for stream in streams] == [True, False, True]
    for stream in (streams[0], streams[2]):
        assert stream.text == generate.generate(language_model, [stream.request])[0]


def test_a_long_prime_does_not_stall_running_texts(language_model):
    """At each step a running text gets a character while a chunk of the 2,000 is read."""
    batch, short = GenerationBatch(language_model), Generation(make_request("a", length=100))
    batch.add([short])
    batch.step()
    batch.add([Generation(make_request("x" * 2000, length=1))])
    for _ in range(50):
        batch.step()
    assert len(short.continuation) == 51
    assert len(batch.generations) == 2


def test_an_idle_engine_uses_no_processor_time(language_model):
    engine = Engine()
    run_streams(engine, language_model, [make_request("yes", length=3)])
    time.sleep(0.2)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.1


def test_long_texts_are_updated_less_often_while_many_are_running():
    texts = [SimpleNamespace(_generation=SimpleNamespace(continuation="a" * length)) for length in (300, 2_000, 9_000)]
    crowded = Engine()
    assert [crowded._interval_of(each, 0.2) for each in texts] == [0.2] * 3
    crowded._running = [None] * (engine.MAX_UNPACED_STREAMS + 1)
    short, long, longest = (crowded._interval_of(each, 0.2) for each in texts)
    assert short == 0.2 < long < longest == engine.MAX_UPDATE_SECONDS
