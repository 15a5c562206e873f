"""The process that visitors' networks are trained in, driven by its lines of JSON."""

import errno
import os
import queue
import threading
from pathlib import Path

import pytest

from charplay.data import datasets
from charplay.inference.classify import classify
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.inference.invent import invent, make_invent_request
from charplay.models import checkpoints
from charplay.training import evaluation_example
from charplay.workers.client import WorkerProcess
from charplay.workers.protocol import WorkerRequest
from charplay.workers.training import TrainingWorker
from charplay.workers.training_job import DONE, NOT_FINITE, NOT_WRITTEN, STOPPED, TIMED_OUT
from tests.api.conftest import about

# the label is that of the last letter
ROWS = "\n".join(f"{'abcde'[row % 5] * (row % 3 + 1)}{'vo'[row % 2]},{('ru', 'it')[row % 2]}" for row in range(60))
TEXT = "the cat sat on the mat. a dog ran to the door. " * 40
LONG = {"epochs": 500}  # which no test waits for


def train(task: str, data: object, out, preset: str = "small", **changes) -> dict:
    arguments = {"task": task, "data": {"text": data}, "preset": preset, "changes": changes, "out": str(out)}
    return {"kind": "train", "arguments": arguments}


def test_rows_are_trained_to_a_checkpoint_that_says_what_it_is(worker, recorded, tmp_path):
    out = tmp_path / "user.safetensors"
    worker.handle({"id": 1} | train("names", ROWS, out, seed=3))
    response, updates = recorded.last(1)
    assert response["failure"] is None
    assert response["result"]["ended"] == DONE
    started = next(item for item in updates if item["kind"] == "started")
    assert (started["unit"], started["baseline"], started["epochs"]) == ("names", 0.5, 20)
    evaluated = [item for item in updates if item["kind"] == "evaluation"]
    assert sum(map(sum, evaluated[-1]["confusion"])) == 6
    assert evaluated[-1]["classes"] == ["it", "ru"]
    assert {"training_loss", "validation_loss", "measured", "is_best", "epoch"} <= evaluated[-1].keys()
    checkpoint = checkpoints.load(out, "names")
    assert checkpoint.classes == ("it", "ru")
    assert (checkpoint.recipe["name"], checkpoint.recipe["seed"]) == ("small", 3)
    assert checkpoint.results == response["result"]["results"]
    own = checkpoint.results["own"]
    assert (own["baseline"], own["count"]) == (0.5, 60)
    assert own["opening"] in {row.split(",")[0] for row in ROWS.splitlines()}
    assert [result["country"] for result in classify(checkpoint, ["aaao", "ccccv"])] == ["it", "ru"]
    assert list(tmp_path.iterdir()) == [out]


def test_a_text_is_trained_to_a_checkpoint_that_generates(worker, recorded, tmp_path):
    out = tmp_path / "user.safetensors"
    worker.handle({"id": 1} | train("speech", TEXT, out, epochs=4))
    response, updates = recorded.last(1)
    assert response["failure"] is None
    evaluated = [item for item in updates if item["kind"] == "evaluation"]
    assert len(evaluated[-1]["sample"]) == evaluation_example.SAMPLE_CHARACTERS
    assert set(evaluated[-1]["sample"]) <= set(TEXT)
    best = min(item["measured"]["bits_per_character"] for item in evaluated)
    assert response["result"]["results"]["validation"]["bits_per_character"] == best
    checkpoint = checkpoints.load(out, "speech")
    assert len(generate(checkpoint, [make_request("the ", length=20, seed=1)])[0]) == 20


def test_the_built_in_names_are_trained_to_a_checkpoint_that_invents(worker, recorded, tmp_path, data, monkeypatch):
    monkeypatch.setenv("CHARPLAY_DATA", str(data))
    out = tmp_path / "user.safetensors"
    request = train("invent", None, out, epochs=1, hidden_size=16, batch_size=512)
    request["arguments"]["data"] = {"built_in": True}
    worker.handle({"id": 1} | request)
    response, updates = recorded.last(1)
    assert response["failure"] is None
    assert response["result"]["ended"] == DONE
    evaluated = [item for item in updates if item["kind"] == "evaluation"]
    assert {each["label"] for each in evaluated[-1]["invented"]} <= set(datasets.COUNTRIES)
    checkpoint = checkpoints.load(out, "invent")
    assert checkpoint.classes == tuple(sorted(datasets.COUNTRIES))
    [names] = invent(checkpoint, [make_invent_request(checkpoint, "Italian", 3, seed=1)])
    assert len(names) == 3
    assert all(set(name) <= set(checkpoint.alphabet) for name in names)


def test_a_stopped_training_keeps_the_best_so_far(worker, recorded, tmp_path):
    out = tmp_path / "user.safetensors"
    worker.handle({"id": 1} | train("speech", TEXT, out, **LONG))
    recorded.until(1, "started")
    about(worker, 1, "stop")
    response, _ = recorded.last(1)
    assert (response["failure"], response["result"]["ended"]) == (None, STOPPED)
    assert checkpoints.load(out, "speech").results == response["result"]["results"]


def test_a_cancelled_training_ends_before_its_time_and_leaves_nothing(worker, recorded, tmp_path):
    worker.handle({"id": 1} | train("speech", TEXT, tmp_path / "user.safetensors", **LONG))
    recorded.until(1, "started")
    about(worker, 1, "cancel")
    _, updates = recorded.last(1)
    assert sum(update["kind"] == "evaluation" for update in updates) < LONG["epochs"] / 10
    assert list(tmp_path.iterdir()) == []


def test_later_trainings_are_queued_and_know_their_positions(worker, recorded, tmp_path):
    worker.handle({"id": 1} | train("speech", TEXT, tmp_path / "a.safetensors", **LONG))
    recorded.until(1, "started")
    for number in (2, 3, 4):
        worker.handle({"id": number} | train("names", ROWS, tmp_path / f"{number}.safetensors", epochs=1))
        assert recorded.until(number, "queued")["queue_position"] == number - 1
    about(worker, 2, "stop")  # leaves the queue
    assert "nothing was trained" in recorded.last(2)[0]["failure"]
    assert recorded.until(3, "queued")["queue_position"] == 1
    assert recorded.until(4, "queued")["queue_position"] == 2
    about(worker, 1, "cancel")
    assert recorded.last(3)[0]["result"]["ended"] == DONE
    assert recorded.last(4)[0]["result"]["ended"] == DONE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.safetensors", "4.safetensors"]


def test_a_training_out_of_time_keeps_the_best_so_far(recorded, tmp_path):
    worker = TrainingWorker(recorded.responses, max_seconds=0.5)
    worker.handle({"id": 1} | train("speech", TEXT, tmp_path / "user.safetensors", **LONG))
    response, _ = recorded.last(1)
    assert response["result"]["ended"] == TIMED_OUT
    assert checkpoints.load(tmp_path / "user.safetensors", "speech")


def test_a_loss_that_is_not_finite_ends_with_a_sentence_and_keeps_the_best(worker, recorded, tmp_path):
    out = tmp_path / "user.safetensors"
    worker.handle({"id": 1} | train("speech", TEXT, out, learning_rate=100.0, schedule="constant", **LONG))
    response, updates = recorded.last(1)
    if response["failure"] is None:  # an epoch had been measured before
        assert response["result"]["ended"] == NOT_FINITE
        assert "smaller learning rate than 100" in response["result"]["reason"]
        assert checkpoints.load(out, "speech").results == response["result"]["results"]
    else:
        assert "smaller learning rate than 100" in response["failure"]
        assert not [item for item in updates if item["kind"] == "evaluation"]
    assert {path.name for path in tmp_path.iterdir()} <= {out.name}


def fill_disk(monkeypatch, free_writes: int) -> None:
    """From now on `free_writes` files find room; of the next, half is written."""
    write, left = Path.write_bytes, [free_writes]

    def write_bytes(path: Path, content: bytes) -> int:
        left[0] -= 1
        if left[0] >= 0:
            return write(path, content)
        write(path, content[: len(content) // 2])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(Path, "write_bytes", write_bytes)


def test_a_full_disk_in_mid_training_keeps_the_best_so_far_and_no_half_file(worker, recorded, tmp_path, monkeypatch):
    fill_disk(monkeypatch, free_writes=1)
    out = tmp_path / "user.safetensors"
    worker.handle({"id": 1} | train("names", ROWS, out, epochs=4))
    response, updates = recorded.last(1)
    assert response["result"]["ended"] == NOT_WRITTEN
    assert os.strerror(errno.ENOSPC) in response["result"]["reason"]
    assert [path.name for path in tmp_path.iterdir()] == [out.name]
    kept = checkpoints.load(out, "names").results["validation"]
    assert kept == response["result"]["results"]["validation"]
    best = [item["measured"] for item in updates if item["kind"] == "evaluation" and item["is_best"]]
    assert best[-1].items() <= kept.items()  # what was reported as the best is what is kept


def test_a_disk_that_was_full_before_the_first_evaluation_fails_with_the_reason(
    worker, recorded, tmp_path, monkeypatch
):
    fill_disk(monkeypatch, free_writes=0)
    worker.handle({"id": 1} | train("names", ROWS, tmp_path / "user.safetensors", epochs=1))
    assert os.strerror(errno.ENOSPC) in recorded.last(1)[0]["failure"]
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("task", "data", "changes", "message"),
    [
        ("speech", {"text": ""}, {}, "200 to"),
        ("names", {"text": "a,b\nc,b\n"}, {}, "two labels"),
        ("names", {"text": ROWS}, {"hidden_size": 10**6}, "hidden size must be"),
        ("songs", {"text": ROWS}, {}, "task must be"),
        ("speech", {"text": 5}, {}, "Paste a text"),
    ],
)
def test_what_cannot_be_trained_is_refused_with_a_sentence(
    worker, summary_worker, recorded, tmp_path, task, data, changes, message
):
    arguments = {"task": task, "data": data, "preset": "small", "changes": changes}
    summary_worker.handle({"id": 1, "kind": "summarize", "arguments": arguments})
    worker.handle({"id": 2, "kind": "train", "arguments": arguments | {"out": str(tmp_path / "user.safetensors")}})
    for number in (1, 2):
        assert message in recorded.last(number)[0]["failure"]


def test_a_large_file_is_refused_unread(summary_worker, recorded, tmp_path):
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(100_000_000)
    arguments = {"task": "speech", "data": {"file": str(large)}, "preset": "small", "changes": {}}
    summary_worker.handle({"id": 1, "kind": "summarize", "arguments": arguments})
    assert "at most 5,000,000" in recorded.last(1)[0]["failure"]


def test_a_fault_of_the_training_loop_ends_one_training(worker, recorded, tmp_path, monkeypatch, caplog):
    train_job, is_broken = worker._train, threading.Event()
    is_broken.set()

    def break_once(job):
        if is_broken.is_set():
            is_broken.clear()
            raise RuntimeError("the loop broke")
        return train_job(job)

    monkeypatch.setattr(worker, "_train", break_once)
    for request_id in (1, 2):
        worker.handle({"id": request_id} | train("names", ROWS, tmp_path / f"{request_id}.safetensors", epochs=1))
    failures = sorted(recorded.last(request_id)[0]["failure"] or "" for request_id in (1, 2))
    assert failures == ["", TrainingWorker.failure_message]
    assert "the loop broke" in caplog.text


def test_a_missing_data_set_is_fetched_with_updates(worker, recorded, tmp_path, monkeypatch):
    monkeypatch.setenv("CHARPLAY_DATA", str(tmp_path / "nowhere"))
    directories = []

    def fetch(directory, on_progress):
        on_progress("fetching")
        directories.append(directory)
        raise datasets.DataError("There is no network.")

    monkeypatch.setattr(datasets, "fetch", fetch)
    arguments = {"task": "names", "data": {"built_in": True}, "preset": "small", "changes": {}}
    worker.handle({"id": 1, "kind": "train", "arguments": arguments | {"out": str(tmp_path / "x")}})
    response, updates = recorded.last(1)
    assert "--from" not in response["failure"]  # someone at a page has no command line of this machine
    assert "There is no network." not in response["failure"]
    assert [item["message"] for item in updates] == ["fetching"]
    assert directories == [tmp_path / "nowhere"]


def test_it_runs_in_a_process_of_its_own(tmp_path):
    process, responses = WorkerProcess("charplay.workers.training"), queue.Queue()
    request = train("names", ROWS, tmp_path / "user.safetensors", epochs=2)
    process.send(WorkerRequest(**request), responses.put)
    while not (response := responses.get(timeout=120))["is_done"]:
        assert response["update"]["kind"] in ("started", "progress", "evaluation")
    assert response["result"]["ended"] == DONE
    assert checkpoints.load(tmp_path / "user.safetensors", "names")
    process.kill()


def test_what_is_shown_of_a_finished_training_is_what_its_file_does(worker, recorded, tmp_path):
    out = tmp_path / "user.safetensors"
    worker.handle({"id": 1} | train("names", ROWS, out, learning_rate=0.05, epochs=30))
    response, updates = recorded.last(1)
    kept, results = response["result"]["kept"], response["result"]["results"]
    confusion = kept["confusion"]
    correct = sum(confusion[row][row] for row in range(2))
    assert correct == round(results["validation"]["accuracy"] * sum(map(sum, confusion)))
    evaluations = [item for item in updates if item["kind"] == "evaluation"]
    best = [item for item in evaluations if item["is_best"]][-1]
    assert confusion == best["confusion"]
    assert response["result"]["opening"] in {row.split(",")[0] for row in ROWS.splitlines()}
