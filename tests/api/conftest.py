"""A training worker driven by its lines of JSON."""

import pytest

from charplay.workers.training import TrainingWorker
from tests.recorded_responses import RecordedResponses


@pytest.fixture
def recorded():
    return RecordedResponses()


@pytest.fixture
def worker(recorded):
    worker = TrainingWorker(recorded.responses)
    yield worker
    for request_id in list(worker._jobs):
        about(worker, request_id, "cancel")


def about(worker, request_id: int, kind: str) -> None:
    """Has a worker handle a message about a request."""
    worker.handle({"id": request_id, "kind": kind, "arguments": {}})
