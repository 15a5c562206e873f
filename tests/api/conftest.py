"""The workers of the Train tab, driven by their lines of JSON."""

import pytest

from charplay.workers.summaries import SummaryWorker
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


@pytest.fixture
def summary_worker(recorded):
    return SummaryWorker(recorded.responses)


def about(worker, request_id: int, kind: str) -> None:
    """Has a worker handle a message about a request."""
    worker.handle({"id": request_id, "kind": kind, "arguments": {}})
