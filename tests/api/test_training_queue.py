"""Trainings and data summaries that wait for each other in the training worker."""

from charplay import limits
from charplay.workers import summaries, user_data_source
from charplay.workers.training_job import DONE
from tests.api.conftest import about
from tests.api.test_training_worker import LONG, ROWS, TEXT, train


def summarize(data: str, **changes) -> dict:
    arguments = {"task": "names", "data": {"text": data}, "preset": "small", "changes": changes}
    return {"kind": "summarize", "arguments": arguments}


def test_a_training_is_read_at_its_turn_and_no_more_are_queued_than_the_bound(worker, recorded, tmp_path, monkeypatch):
    monkeypatch.setattr(limits, "MAX_QUEUED_TRAININGS", 2)
    worker.handle({"id": 1} | train("speech", TEXT, tmp_path / "1.safetensors", **LONG))
    recorded.until(1, "started")
    read = []
    original = user_data_source.read
    monkeypatch.setattr(user_data_source, "read", lambda task, source: read.append(task) or original(task, source))
    for number in (2, 3, 4):
        worker.handle({"id": number} | train("names", ROWS, tmp_path / f"{number}.safetensors", epochs=1))
    assert str(limits.MAX_QUEUED_TRAININGS) in recorded.last(4)[0]["failure"]
    recorded.until(3, "queued")
    assert not read
    about(worker, 1, "cancel")
    assert recorded.last(3)[0]["result"]["ended"] == DONE
    assert len(read) == 2


def test_the_wait_in_the_queue_grows_with_what_those_ahead_are_expected_to_take(worker, recorded, tmp_path):
    worker.handle({"id": 1} | train("speech", TEXT, tmp_path / "1.safetensors", **LONG))
    recorded.until(1, "started")
    waits = []
    for number in (2, 3):
        request = train("names", ROWS, tmp_path / f"{number}.safetensors", epochs=1)
        request["arguments"]["expected_seconds"] = 40
        worker.handle({"id": number} | request)
        waits.append(recorded.until(number, "queued")["wait_seconds"])
    assert 30 < waits[1] - waits[0] <= 40


def test_summaries_are_timed_one_at_a_time_and_all_are_shown_before(summary_worker, recorded, monkeypatch):
    running, most = [], []
    measure = summaries.measure_speed

    def watched(*arguments):
        running.append(1)
        most.append(len(running))
        try:
            return measure(*arguments)
        finally:
            running.pop()

    monkeypatch.setattr(summaries, "measure_speed", watched)
    for number in range(1, 6):
        summary_worker.handle({"id": number} | summarize(ROWS, seed=number))
    summary_worker.handle({"id": 6} | summarize(ROWS, seed=1))  # the same again: it is timed once
    for number in range(1, 7):
        response, updates = recorded.last(number)
        assert response["result"]["seconds"] > 0
        assert all(update["seconds"] is None for update in updates)
    assert most == [1] * 5
