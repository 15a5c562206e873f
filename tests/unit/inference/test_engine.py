"""The engine: many texts at once, each as if it were alone."""

import itertools
import threading
import time

import pytest
import torch

from charplay.inference import generate
from charplay.inference.engine import GENERATION_FAILED_MESSAGE, Engine, Stream
from charplay.inference.generate import Generation, GenerationBatch, make_request
from charplay.inference.quantized import QuantizedStep, available_products
from charplay.models.networks import CELLS
from tests.conftest import make_checkpoint, make_language_model

PATIENCE = 30  # seconds, for a machine that is busy


def wishes(count: int) -> list:
    """Different in all that a request can differ in."""
    return [
        make_request("yes we can " * (1 + seed % 5), (0, 0.5, 0.8, 2)[seed % 4], 5 + seed % 40, None, seed % 7, seed)
        for seed in range(count)
    ]


class Reader:
    """Someone who waits for texts."""

    def __init__(self):
        self.told = threading.Condition()

    def notify(self):
        with self.told:
            self.told.notify_all()

    def wait_until(self, is_so):
        with self.told:
            assert self.told.wait_for(is_so, PATIENCE)


def written(engine, checkpoint, requests) -> list:
    reader = Reader()
    streams = [engine.submit(checkpoint, request, reader.notify) for request in requests]
    reader.wait_until(lambda: all(stream.is_done for stream in streams))
    return streams


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("product", available_products())
def test_a_text_is_the_same_alone_and_among_199_others(cell, product):
    checkpoint = make_checkpoint("speech", make_language_model(cell))
    stepper, requests = QuantizedStep(checkpoint.model, product), wishes(200)
    together = [Generation(request) for request in requests]
    batch = GenerationBatch(checkpoint, stepper)
    for start in range(0, 200, 25):  # they come while others are being written
        batch.join(together[start : start + 25])
        batch.step()
    while batch.texts:
        batch.step()
    for row in (0, 1, 2, 3, 26, 101, 199):
        alone, batch = Generation(requests[row]), GenerationBatch(checkpoint, stepper)
        batch.join([alone])
        while batch.texts:
            batch.step()
        assert alone.continuation == together[row].continuation
        assert len(alone.continuation) == requests[row].length


def test_the_engine_writes_what_the_command_line_writes(language_model):
    requests = wishes(40)
    streams = written(Engine(), language_model, requests)
    assert [stream.text for stream in streams] == [generate.generate(language_model, [wish])[0] for wish in requests]


def test_several_models_are_written_side_by_side(language_model):
    other, engine, reader = make_checkpoint("speech", make_language_model("lstm", seed=1)), Engine(), Reader()
    wish = make_request("yes", length=200, seed=3)
    streams = [engine.submit(checkpoint, wish, reader.notify) for checkpoint in (language_model, other)]
    reader.wait_until(lambda: all(stream.is_done for stream in streams))
    assert [stream.text for stream in streams] == [
        generate.generate(checkpoint, [wish])[0] for checkpoint in (language_model, other)
    ]


def test_a_text_comes_in_parts_and_each_begins_as_the_one_before(language_model):
    engine, seen = Engine(), []
    done = threading.Event()

    def notify():
        seen.append(stream.text)
        if stream.is_done:
            done.set()

    stream = engine.submit(language_model, make_request("yes", length=5000, seed=1), notify)
    assert done.wait(PATIENCE)
    assert len(seen) > 2
    assert all(later.startswith(earlier) for earlier, later in itertools.pairwise(seen))
    assert len(seen[-1]) == 5000


def test_whoever_closes_gives_up_the_seat_and_the_next_in_line_takes_it(language_model):
    engine, reader = Engine(slots=2), Reader()
    long = make_request("yes", length=10_000, seed=1)
    seated = [engine.submit(language_model, long, reader.notify) for _ in range(2)]
    waiting = [engine.submit(language_model, make_request("no", length=5), reader.notify) for _ in range(2)]
    assert [stream.queue_position for stream in (*seated, *waiting)] == [0, 0, 1, 2]
    assert engine.active == 4
    seated[0].close()
    reader.wait_until(lambda: all(stream.is_done for stream in waiting))
    assert [stream.queue_position for stream in waiting] == [0, 0]
    waiting[0].close()  # too late to matter
    seated[1].close()
    deadline = time.monotonic() + PATIENCE
    while engine.active and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.active == 0
    assert not seated[0].is_done


def test_a_failure_ends_its_own_text_and_leaves_the_others(language_model, monkeypatch, caplog):
    expected = [generate.generate(language_model, [wish])[0] for wish in wishes(9)]
    draw = generate.sample

    def failing(scaled, chances, top_k=None):
        if (chances == poisoned).any():
            raise RuntimeError("a cell broke")
        return draw(scaled, chances, top_k)

    victim = Generation(wishes(9)[5])
    for _ in range(3):
        poisoned = victim.chance
        victim.write(97)
    monkeypatch.setattr(generate, "sample", failing)
    streams = written(Engine(), language_model, wishes(9))
    assert str(streams[5].failure) == GENERATION_FAILED_MESSAGE
    assert expected[5].startswith(streams[5].text)
    assert "a cell broke" in caplog.text
    for row in set(range(9)) - {5}:
        assert streams[row].failure is None
        assert streams[row].text == expected[row]


def test_logits_that_are_no_numbers_end_the_text(language_model):
    with torch.no_grad():
        language_model.model.linear.bias[:] = torch.nan
    engine = Engine()
    [stream] = written(engine, language_model, [make_request("yes")])
    assert str(stream.failure) == GENERATION_FAILED_MESSAGE
    with torch.no_grad():
        language_model.model.linear.bias.zero_()


def test_a_model_that_cannot_be_laid_out_fails_its_reader_and_no_one_else(language_model):
    broken, engine = make_checkpoint("speech"), Engine()
    del broken.model.linear
    [stream] = written(engine, broken, [make_request("yes")])
    assert str(stream.failure) == GENERATION_FAILED_MESSAGE
    [stream] = written(engine, language_model, [make_request("yes", length=7)])
    assert len(stream.text) == 7


def test_a_reader_that_breaks_loses_its_own_text_alone(language_model, caplog):
    def broken():
        raise KeyError("nobody here")

    engine = Engine()
    engine.submit(language_model, make_request("yes", length=10_000), broken)
    [stream] = written(engine, language_model, [make_request("yes", length=50)])
    assert len(stream.text) == 50
    deadline = time.monotonic() + PATIENCE
    while engine.active and time.monotonic() < deadline:
        time.sleep(0.01)
    assert engine.active == 0
    assert "nobody here" in caplog.text


def test_a_fault_of_the_engine_leaves_no_dead_text_in_a_batch(language_model, monkeypatch, caplog):
    step, is_broken = GenerationBatch.step, threading.Event()

    def break_once(batch):
        if is_broken.is_set():
            is_broken.clear()
            raise RuntimeError("no single text's fault")
        return step(batch)

    monkeypatch.setattr(GenerationBatch, "step", break_once)
    engine, reader = Engine(), Reader()
    long = make_request("yes", length=10_000, seed=1)
    failed = [engine.submit(language_model, long, reader.notify) for _ in range(3)]
    reader.wait_until(lambda: all(stream.text for stream in failed))
    is_broken.set()
    reader.wait_until(lambda: all(stream.is_done for stream in failed))
    assert {str(stream.failure) for stream in failed} == {GENERATION_FAILED_MESSAGE}
    assert "no single text's fault" in caplog.text
    stream = engine.submit(language_model, long, reader.notify)
    reader.wait_until(lambda: stream.text)
    assert [len(batch.texts) for batch in engine._running] == [1]
    reader.wait_until(lambda: stream.is_done)
    assert stream.text == generate.generate(language_model, [long])[0]


def test_an_update_that_cannot_be_published_ends_its_own_text_alone(language_model, monkeypatch):
    publish = Stream._publish

    def break_for_one(stream, now, pause):
        if stream.request.seed == 2:
            raise RuntimeError("this text cannot be published")
        publish(stream, now, pause)

    monkeypatch.setattr(Stream, "_publish", break_for_one)
    requests = [make_request("yes", length=300, seed=seed) for seed in (1, 2, 3)]
    streams = written(Engine(), language_model, requests)
    assert [stream.failure is None for stream in streams] == [True, False, True]
    for stream in (streams[0], streams[2]):
        assert stream.text == generate.generate(language_model, [stream.request])[0]


def test_a_long_prime_stalls_nobody(language_model):
    """While 2,000 characters are read, the others go on: a few of the prime for each character written."""
    batch, short = GenerationBatch(language_model), Generation(make_request("a", length=100))
    batch.join([short])
    batch.step()
    batch.join([Generation(make_request("x" * 2000, length=1))])
    for _ in range(50):
        batch.step()
    assert len(short.continuation) == 51
    assert len(batch.texts) == 2


def test_an_idle_engine_uses_no_processor(language_model):
    engine = Engine()
    written(engine, language_model, [make_request("yes", length=3)])
    time.sleep(0.2)
    before = time.process_time()
    time.sleep(0.5)
    assert time.process_time() - before < 0.1
