"""The inference worker, driven by requests without a process."""

import threading

import pytest

from charplay import limits
from charplay.cancellation import check_cancelled
from charplay.inference.classify import classify
from charplay.interpret.activations import activations_of_all
from charplay.models.checkpoints import save
from charplay.workers import inference
from charplay.workers.inference import InferenceWorker
from tests.recorded_responses import RecordedResponses


@pytest.fixture
def recorded():
    return RecordedResponses()


@pytest.fixture
def worker(recorded):
    return InferenceWorker(recorded.responses)


@pytest.fixture
def path(classifier, tmp_path) -> str:
    path = tmp_path / "names.safetensors"
    save(path, classifier)
    return str(path)


def classification(request_id: int, path: str, *names: str) -> dict:
    arguments = {"checkpoint": path, "names": list(names), "prior": "data"}
    return {"id": request_id, "kind": "classify", "arguments": arguments}


def question(request_id: int, path: str, name: str) -> dict:
    arguments = {"question": "activations", "checkpoint": path, "arguments": {"name": name, "prior": "data"}}
    return {"id": request_id, "kind": "question", "arguments": arguments}


@pytest.fixture
def passes(monkeypatch):
    """The names of each forward pass of a classifier."""
    passes = []

    def record(checkpoint, names, prior, **how):
        passes.append(list(names))
        return classify(checkpoint, names, prior, **how)

    monkeypatch.setattr(inference, "classify", record)
    return passes


def test_the_prefixes_of_a_name_share_one_forward_pass(worker, recorded, path, passes):
    prefixes = ["N", "Ng", "Ngu"]
    worker.handle(classification(1, path, *prefixes))
    assert len(recorded.next(1)["result"]) == len(prefixes)
    assert passes == [prefixes]


def test_a_name_that_is_requested_twice_is_read_once(worker, recorded, path, passes):
    worker.handle(classification(1, path, "Ng", "Ngu", "Ng"))
    results = recorded.next(1)["result"]
    assert [each["name"] for each in results] == ["Ng", "Ngu", "Ng"]
    assert passes == [["Ng", "Ngu"]]


def test_a_key_press_computes_the_new_prefix_alone(worker, recorded, path, passes):
    worker.handle(classification(1, path, "K", "Ko"))
    first = recorded.next(1)["result"]
    worker.handle(classification(2, path, "K", "Ko", "Kow"))
    second = recorded.next(2)["result"]
    assert passes == [["K", "Ko"], ["Kow"]]
    assert second[:2] == first


class EndlessQuestion:
    """A question that is answered for ever, a chunk of work after the other, until it is cancelled."""

    def __init__(self):
        self.has_begun, self.has_ended = threading.Event(), threading.Event()

    def __call__(self, checkpoint, *_):
        self.has_begun.set()
        try:
            while True:
                check_cancelled()
        finally:
            self.has_ended.set()


@pytest.mark.parametrize("length", [1, inference.MAX_QUICK_CHARACTERS + 1])
def test_a_question_that_is_being_answered_ends_when_nobody_waits_for_it(worker, recorded, path, monkeypatch, length):
    endless = EndlessQuestion()
    monkeypatch.setitem(inference.QUESTIONS, "trackers", lambda checkpoint, text: endless(checkpoint))
    arguments = {"question": "trackers", "checkpoint": path, "arguments": {"text": "a" * length}}
    worker.handle({"id": 1, "kind": "question", "arguments": arguments})
    assert endless.has_begun.wait(60)
    worker.handle({"id": 1, "kind": "cancel", "arguments": {}})
    assert endless.has_ended.wait(60)
    worker.handle(question(2, path, "Rossi"))
    assert recorded.next(2)["failure"] is None
    assert not recorded.to(1)
    assert not worker._cancelled
    assert not worker._answering


def test_of_a_batch_of_questions_those_that_are_waited_for_are_answered(worker, recorded, path, monkeypatch):
    are_queued, has_begun = threading.Event(), threading.Event()

    def answer_batch(checkpoint, requests):
        has_begun.set()
        are_queued.wait(60)
        check_cancelled()
        return activations_of_all(checkpoint, requests)

    monkeypatch.setitem(inference.BATCHED_QUESTIONS, "activations", answer_batch)
    monkeypatch.setitem(inference.QUESTIONS, "trackers", lambda checkpoint, text: are_queued.wait(60) and [])
    first = {"question": "trackers", "checkpoint": path, "arguments": {"text": "a"}}
    worker.handle({"id": 1, "kind": "question", "arguments": first})
    for request_id in (2, 3):
        worker.handle(question(request_id, path, "Rossi"))
    are_queued.set()
    assert has_begun.wait(60)
    worker.handle({"id": 2, "kind": "cancel", "arguments": {}})
    assert recorded.next(3)["failure"] is None


def test_a_batch_that_fails_fails_only_the_request_at_fault(worker, recorded, path, monkeypatch):
    is_gathered = threading.Event()

    def fail_for_one(checkpoint, names, prior, **how):
        is_gathered.wait()  # the first request, while the others queue
        if "bad" in names:
            raise RuntimeError("a cell broke")
        return classify(checkpoint, names, prior, **how)

    monkeypatch.setattr(inference, "classify", fail_for_one)
    worker.handle(classification(1, path, "first"))
    for request_id, name in enumerate(("good", "bad", "fine"), 2):
        worker.handle(classification(request_id, path, name))
    is_gathered.set()
    assert [recorded.next(request_id)["failure"] for request_id in (1, 2, 3, 4)] == [
        None,
        None,
        InferenceWorker.failure_message,
        None,
    ]


@pytest.mark.parametrize("request_", [{"kind": "unknown", "arguments": {}}, {"kind": "classify", "arguments": {}}])
def test_a_request_that_is_none_fails_alone(worker, recorded, path, request_):
    worker.handle({"id": 1} | request_)
    assert recorded.next(1)["failure"] == InferenceWorker.failure_message
    worker.handle(classification(2, path, "Rossi"))
    assert recorded.next(2)["failure"] is None


@pytest.mark.parametrize(
    "changes", [{"names": None}, {"names": 5}, {"prior": ["data"]}, {"prior": {}}, {"checkpoint": 7}]
)
def test_arguments_of_other_types_end_no_batch(worker, recorded, path, changes):
    request = classification(1, path, "Rossi")
    request["arguments"] |= changes
    worker.handle(request)
    assert recorded.next(1)["failure"]
    worker.handle(classification(2, path, "Rossi"))
    assert recorded.next(2)["failure"] is None


def test_a_fault_of_the_batching_loop_ends_one_batch(worker, recorded, path, monkeypatch, caplog):
    attempt, is_broken = worker._classify, threading.Event()
    is_broken.set()

    def break_once(requests):
        if is_broken.is_set():
            is_broken.clear()
            raise RuntimeError("the loop broke")
        attempt(requests)

    monkeypatch.setattr(worker, "_classify", break_once)
    worker.handle(classification(1, path, "Rossi"))
    assert recorded.next(1)["failure"] == InferenceWorker.failure_message
    worker.handle(classification(2, path, "Rossi"))
    assert recorded.next(2)["failure"] is None
    assert "the loop broke" in caplog.text


def test_a_cancelled_question_that_is_queued_is_dropped(worker, recorded, path, monkeypatch):
    computed, is_released, is_computing = [], threading.Event(), threading.Event()

    def compute(checkpoint, name, prior):
        computed.append(name)
        is_computing.set()
        is_released.wait()
        return name

    monkeypatch.setitem(inference.QUESTIONS, "activations", compute)
    monkeypatch.delitem(inference.BATCHED_QUESTIONS, "activations")
    for request_id, name in enumerate("abc", 1):
        worker.handle(question(request_id, path, name))
    is_computing.wait()
    worker.handle({"id": 2, "kind": "cancel", "arguments": {}})
    is_released.set()
    assert recorded.next(3)["result"] == "c"
    assert computed == ["a", "c"]
    assert recorded.to(2) == []


def test_a_quick_question_is_answered_beside_a_long_one(worker, recorded, path, monkeypatch):
    is_computing, is_released = threading.Event(), threading.Event()

    def compute(checkpoint, text):
        is_computing.set()
        is_released.wait()
        return len(text)

    monkeypatch.setitem(inference.QUESTIONS, "surprisal", compute)
    long = {"question": "surprisal", "checkpoint": path, "arguments": {"text": "a" * limits.MAX_DOCUMENT_CHARACTERS}}
    worker.handle({"id": 1, "kind": "question", "arguments": long})
    is_computing.wait()
    worker.handle(question(2, path, "Rossi"))
    assert recorded.next(2)["failure"] is None
    assert recorded.to(1) == []
    is_released.set()
    assert recorded.next(1)["result"] == limits.MAX_DOCUMENT_CHARACTERS


def test_questions_that_wait_share_a_batch_and_one_at_fault_fails_alone(worker, recorded, path, monkeypatch):
    is_computing, is_released, batches = threading.Event(), threading.Event(), []

    def wait(checkpoint, text):
        is_computing.set()
        is_released.wait()

    def count_batches(checkpoint, requests):
        batches.append([each["name"] for each in requests])
        return activations_of_all(checkpoint, requests)

    monkeypatch.setitem(inference.QUESTIONS, "surprisal", wait)
    monkeypatch.setitem(inference.BATCHED_QUESTIONS, "activations", count_batches)
    first = {"question": "surprisal", "checkpoint": path, "arguments": {"text": "a"}}
    worker.handle({"id": 1, "kind": "question", "arguments": first})
    is_computing.wait()
    names = ["Rossi", "", "Yamamoto"]
    for request_id, name in enumerate(names, 2):
        worker.handle(question(request_id, path, name))
    is_released.set()
    failures = [recorded.next(request_id)["failure"] for request_id in (2, 3, 4)]
    assert [failure is None for failure in failures] == [True, False, True]
    assert batches == [names]


def test_an_answer_that_json_has_no_form_for_is_a_failure(worker, recorded, path, monkeypatch):
    monkeypatch.setitem(inference.QUESTIONS, "activations", lambda checkpoint, name, prior: object())
    worker.handle(question(1, path, "a"))
    assert recorded.next(1)["failure"]
