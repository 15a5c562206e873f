"""A training goes on while its page is disconnected, can be joined again, and keeps its best."""

import asyncio
from dataclasses import replace

import plotly.graph_objects as go
import pytest

from charplay.models import checkpoints
from charplay.ui import training_client
from charplay.ui.session_store import STORE
from charplay.ui.train.page_training import PageTraining, PageTrainings
from charplay.ui.training_client import TrainingRequest
from tests.conftest import make_checkpoint

SESSION = "page of a training"
REQUEST = TrainingRequest("speech", "pasted", {"text": "to be"}, "small", {})
STARTED = {"kind": "started", "steps": 10, "epochs": 5, "held_out": 100, "baseline": 4.0, "parameters": 1}
DEADLINE_SECONDS = 20


def response(update=None, result=None):
    return {"id": 1, "is_done": result is not None, "update": update, "result": result, "failure": None}


class FakeTraining:
    """A training whose worker does what the test says; stopped it ends with a model."""

    def __init__(self, request, out, expected_seconds):
        self.out, self.responses, self.is_closed = out, asyncio.Queue(), False
        self.responses.put_nowait(response(STARTED))
        FakeTraining.latest = self

    def stop(self):
        recipe = {"batch_size": 1, "learning_rate": 0.1, "seed": 0}
        checkpoints.save(self.out, replace(make_checkpoint("speech"), recipe=recipe))
        kept = {"prime": "to", "sample": " be"}
        measured = {"validation": {"bits_per_character": 2.0}}
        result = {"ended": "stopped", "seconds": 1.0, "kept": kept, "results": measured, "opening": "to be"}
        self.responses.put_nowait(response(result=result))

    async def follow(self):
        try:
            while True:
                each = await self.responses.get()
                yield each
                if each["is_done"]:
                    return
        finally:
            self.is_closed = True


@pytest.fixture(autouse=True)
def fake(monkeypatch):
    monkeypatch.setattr(training_client, "Training", FakeTraining)
    yield
    STORE.forget(SESSION)


async def until(condition):
    end = asyncio.get_running_loop().time() + DEADLINE_SECONDS
    while not condition():
        assert asyncio.get_running_loop().time() < end
        await asyncio.sleep(0.01)


def test_a_training_without_a_reader_ends_after_its_time_and_its_best_is_kept(run_async):
    async def check():
        training = PageTraining(SESSION, REQUEST, None, seconds=0.05)
        reader = training.follow()
        await anext(reader)
        await reader.aclose()  # as Gradio closes what its page has left
        await until(lambda: training.is_over)
        assert FakeTraining.latest.is_closed

    run_async(check())
    assert list(STORE.models(SESSION, "speech")) == ["yours 1"]
    assert STORE.count_unsaved(SESSION) == 1
    assert [run.ended for run in STORE.runs(SESSION)] == ["stopped"]


def test_a_reader_that_returns_sees_everything_and_keeps_the_training_alive(run_async):
    async def check():
        training = PageTraining(SESSION, REQUEST, None, seconds=0.2)
        reader = training.follow()
        await anext(reader)
        await until(lambda: training.progress._started)
        training.progress.render()
        await reader.aclose()
        again = training.follow()
        await anext(again)
        assert isinstance(training.progress.render()[1], go.Figure)  # skips nothing
        assert training._timer.cancelled()
        training.stop()
        async for _ in again:
            pass
        assert training.name == "yours 1"

    run_async(check())


def test_of_two_readers_the_later_one_goes_on(run_async):
    async def check():
        training = PageTraining(SESSION, REQUEST, None)
        first, second = training.follow(), training.follow()
        await anext(first)
        await anext(second)
        with pytest.raises(StopAsyncIteration):
            await anext(first)
        await anext(second)
        training.cancel()
        await second.aclose()

    run_async(check())


def test_a_closed_page_ends_its_training_and_keeps_nothing(run_async):
    async def check():
        trainings = PageTrainings()
        training = trainings.start(SESSION, REQUEST, None)
        await until(lambda: training.progress._started)
        with pytest.raises(ValueError, match="trains already"):
            trainings.start(SESSION, REQUEST, None)
        trainings.forget(SESSION)
        await until(lambda: training.is_over)
        assert FakeTraining.latest.is_closed
        assert trainings.find(SESSION) is None

    run_async(check())
    assert not STORE.models(SESSION)


def test_the_end_of_a_training_waits_for_its_page(run_async):
    async def check():
        trainings = PageTrainings()
        training = trainings.start(SESSION, REQUEST, None)
        await until(lambda: training.progress._started)
        training.stop()
        await until(lambda: training.is_over)
        assert trainings.find(SESSION) is training
        assert [each async for each in training.follow()] == []
        trainings.start(SESSION, REQUEST, None)  # another may begin all the same
        trainings.forget(SESSION)

    run_async(check())


def test_a_fault_of_a_training_is_a_sentence_for_its_page(run_async, monkeypatch):
    def broken(*_):
        raise OSError("no room")

    monkeypatch.setattr(training_client, "Training", broken)

    async def check():
        training = PageTraining(SESSION, REQUEST, None)
        with pytest.raises(ValueError, match="training failed"):
            async for _ in training.follow():
                pass

    run_async(check())


def test_a_new_training_knows_how_many_of_other_pages_are_ahead_of_it(run_async):
    async def check():
        trainings = PageTrainings()
        assert trainings.ahead_of("another page") == (0, 0.0)
        trainings.start(SESSION, REQUEST, 40.0)
        assert trainings.ahead_of("another page") == (1, 40.0)
        assert trainings.ahead_of(SESSION) == (0, 0.0)
        trainings.forget(SESSION)

    run_async(check())
