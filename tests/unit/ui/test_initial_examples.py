"""The page comes up without an example that fails or hangs, and says so."""

import subprocess
import time
from concurrent.futures import Future

import pytest

from charplay.models import checkpoints
from charplay.ui import initial_examples, page
from charplay.ui.initial_examples import compute_examples
from charplay.ui.speech.generated_text import parse_generated_text
from charplay.workers.client import INFERENCE, WORKER_ENDED, WorkerProcess
from charplay.workers.protocol import failed
from tests.conftest import make_checkpoint


@pytest.fixture
def directory(tmp_path):
    for task in ("names", "speech"):
        checkpoints.save(tmp_path / f"{task}.safetensors", make_checkpoint(task))
    return tmp_path


def hang(request, on_response):
    return 1


def fail(request, on_response):
    on_response(failed(1, "The model failed."))
    return 1


def fail_once_loaded(request, on_response):
    """The short generation that loads the model succeeds, whatever follows fails."""
    if request.kind == "generate" and request.arguments["request"]["length"] == 1:
        on_response({"id": 1, "is_done": True, "update": None, "result": {"text": "a"}, "failure": None})
        return 1
    return fail(request, on_response)


@pytest.mark.parametrize("send", [hang, fail, fail_once_loaded])
def test_the_page_is_built_without_its_examples_and_says_so(directory, monkeypatch, send):
    monkeypatch.setattr(INFERENCE, "send", send)
    monkeypatch.setattr(initial_examples, "MAX_SECONDS", 0.1)
    values = {block.elem_id: block.value for block in page.build(directory).blocks.values() if hasattr(block, "value")}
    assert 'class="problem"' in values["headline"]
    assert 'class="problem"' in values["stats"]
    assert parse_generated_text(values["generated-text"]).continuation == ""
    assert values["next-characters"] == ""


def test_both_examples_share_one_deadline(directory, monkeypatch):
    monkeypatch.setattr(INFERENCE, "send", hang)
    monkeypatch.setattr(initial_examples, "MAX_SECONDS", 0.0)
    examples = compute_examples(checkpoints.load_all(directory))
    assert examples.deadline <= time.monotonic()
    assert (examples.wait_for_name(), examples.wait_for_text()) == (None, None)


def test_a_machine_without_room_for_the_worker_still_gets_the_page(directory, monkeypatch):
    def no_room(*_, **__):
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(subprocess, "Popen", no_room)
    worker = WorkerProcess("charplay.workers.inference")
    worker.start()
    failures = Future()
    monkeypatch.setattr(initial_examples, "INFERENCE", worker)
    worker.send(initial_examples.classification_of_steps(make_checkpoint("names"), "a", "data"), failures.set_result)
    assert failures.result(10)["failure"] == WORKER_ENDED
    examples = compute_examples(checkpoints.load_all(directory))
    assert (examples.wait_for_name(), examples.wait_for_text()) == (None, None)
