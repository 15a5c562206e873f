"""The worker in which a copy of a model learns from a text."""

import threading

import pytest

from charplay import limits
from charplay.cancellation import check_cancelled
from charplay.models import checkpoints
from charplay.workers import dynamic_evaluation
from charplay.workers.dynamic_evaluation import CONTINUATION_CHARACTERS, DynamicEvaluationWorker
from tests.conftest import make_checkpoint
from tests.recorded_responses import RecordedResponses

TEXT = "the cat sat on the mat.\n" * 10


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("models") / "speech.safetensors"
    checkpoints.save(path, make_checkpoint("speech"))
    return path


def requested(path, **changes):
    return {"checkpoint": str(path), "text": TEXT, "temperature": 0.8, "seed": 1} | changes


class Sent:
    """A worker, and what it sent."""

    def __init__(self, **settings):
        self.recorded = RecordedResponses()
        self.worker = DynamicEvaluationWorker(self.recorded.responses, **settings)

    def send(self, request_id, kind, arguments=None):
        self.worker.handle({"id": request_id, "kind": kind, "arguments": arguments or {}})


def test_a_text_is_read_twice_and_both_go_on_writing(path):
    sent = Sent()
    sent.send(1, "read", requested(path))
    sent.send(2, "read", requested(path))
    (first, updates), (second, _) = sent.recorded.last(1), sent.recorded.last(2)
    result = first["result"]
    for name in ("fixed", "dynamic"):
        assert sum(len(update[name]) for update in updates) + len(result[name]) == len(TEXT) - 1
        assert len(result["written"][name]) == CONTINUATION_CHARACTERS
    assert result["is_cut"] is False
    assert second["result"]["written"] == result["written"]  # the copy of the first was thrown away


def test_a_reading_ends_when_its_time_is_up_and_writes_from_there(path):
    sent = Sent(max_seconds=0)
    sent.send(1, "read", requested(path))
    result = sent.recorded.last(1)[0]["result"]
    assert result["is_cut"]
    assert 0 < len(result["dynamic"]) < len(TEXT) - 1
    assert set(result["written"]) == {"fixed", "dynamic"}


@pytest.mark.parametrize(
    "changes",
    [{"text": "short"}, {"text": "x" * (limits.MAX_DOCUMENT_CHARACTERS + 1)}, {"temperature": 9}, {"text": None}],
)
def test_what_cannot_be_read_is_refused_with_a_sentence(path, changes):
    sent = Sent()
    sent.send(1, "read", requested(path, **changes))
    response, _ = sent.recorded.last(1)
    assert response["failure"].endswith(".")
    assert response["failure"] != sent.worker.failure_message


def test_a_cancelled_reading_ends_and_the_next_one_comes(path, monkeypatch):
    sent, is_reading, is_cancelled = Sent(), threading.Event(), threading.Event()
    evaluation = dynamic_evaluation.DynamicEvaluation

    class Held(evaluation):
        def read(self, *arguments):
            if not is_reading.is_set():
                is_reading.set()
                assert is_cancelled.wait(60)
                check_cancelled()
            return super().read(*arguments)

    monkeypatch.setattr(dynamic_evaluation, "DynamicEvaluation", Held)
    sent.send(1, "read", requested(path))
    assert is_reading.wait(60)
    sent.send(2, "read", requested(path))
    sent.send(3, "read", requested(path))
    assert [sent.recorded.to(3)[0]["update"]["queue_position"]] == [2]
    sent.send(2, "cancel")
    sent.send(1, "cancel")
    is_cancelled.set()
    assert sent.recorded.last(3)[0]["failure"] is None
    assert not any(response["is_done"] for request_id in (1, 2) for response in sent.recorded.to(request_id))


def test_more_texts_than_may_wait_are_refused(path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_QUEUED_DYNAMIC_TEXTS", 0)
    sent = Sent()
    sent.send(1, "read", requested(path))
    assert "try again" in sent.recorded.last(1)[0]["failure"]
