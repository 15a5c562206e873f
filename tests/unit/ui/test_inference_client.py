"""Which process a question goes to."""

import pytest

from charplay.models import checkpoints
from charplay.ui.inference_client import INFERENCE, LONG_QUESTIONS, query
from charplay.workers.inference import MAX_QUICK_CHARACTERS
from charplay.workers.protocol import failed


@pytest.mark.parametrize(
    ("question", "arguments", "is_long"),
    [
        ("surprisal", {"text": "a" * MAX_QUICK_CHARACTERS}, False),
        ("surprisal", {"text": "a" * (MAX_QUICK_CHARACTERS + 1)}, True),
        ("state_differences", {"names": ["a" * MAX_QUICK_CHARACTERS, "b"], "time": 3}, True),
        ("influence", {"text": "a", "at": 0}, True),  # it takes as long about a short text
    ],
)
def test_nothing_waits_for_a_question_that_takes_seconds(run_async, monkeypatch, question, arguments, is_long):
    checkpoint = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "names.safetensors")
    requested = []
    for worker in (INFERENCE, LONG_QUESTIONS):

        async def request(request, is_disconnected, worker=worker):
            requested.append((worker, request.arguments))
            return failed(1, None) | {"result": "the answer"}

        monkeypatch.setattr(worker, "request", request)
    assert run_async(query(checkpoint, question, **arguments)) == "the answer"
    [(worker, sent)] = requested
    assert worker is (LONG_QUESTIONS if is_long else INFERENCE)
    assert sent["arguments"] == arguments
