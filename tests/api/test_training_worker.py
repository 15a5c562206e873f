"""The process that visitors' networks are trained in, driven by its lines of JSON."""

import json
import queue
import threading
import time

import pytest

from charplay.inference.classify import classify
from charplay.inference.generate import generate, make_request
from charplay.models import checkpoints
from charplay.workers import training
from charplay.workers.client import WorkerProcess
from charplay.workers.training import DONE, NOT_FINITE, STOPPED, TIMED_OUT, TrainingWorker

# the last letter alone decides
ROWS = "\n".join(f"{'abcde'[row % 5] * (row % 3 + 1)}{'vo'[row % 2]},{('ru', 'it')[row % 2]}" for row in range(60))
TEXT = "the cat sat on the mat. a dog ran to the door. " * 40
LONG = {"epochs": 500}  # which no test waits for


class Lines:
    """What a workshop writes, request by request."""

    def __init__(self):
        self.answers: dict[int, queue.Queue] = {}
        self._lock = threading.Lock()

    def of(self, number: int) -> queue.Queue:
        with self._lock:
            return self.answers.setdefault(number, queue.Queue())

    def write(self, line: bytes) -> None:
        answer = json.loads(line)
        self.of(answer["id"]).put(answer)

    def flush(self) -> None:
        """Nothing is held back."""

    def next(self, number: int, seconds: float = 60) -> dict:
        return self.of(number).get(timeout=seconds)

    def until(self, number: int, kind: str) -> dict:
        """The next news of a kind."""
        while True:
            answer = self.next(number)
            assert not answer["is_done"], answer
            if answer["news"]["kind"] == kind:
                return answer["news"]

    def last(self, number: int) -> tuple[dict, list[dict]]:
        """The last answer, and all news before it."""
        news = []
        while not (answer := self.next(number))["is_done"]:
            news.append(answer["news"])
        return answer, news


@pytest.fixture
def lines():
    return Lines()


@pytest.fixture
def shop(lines):
    shop = TrainingWorker(lines)
    yield shop
    for number in list(shop._jobs):
        shop.handle({"id": number, "close": True})


def train(task: str, data: object, out, preset: str = "small", **changes) -> dict:
    return {"train": {"task": task, "data": {"text": data}, "preset": preset, "changes": changes, "out": str(out)}}


def test_rows_are_trained_to_a_checkpoint_that_says_what_it_is(shop, lines, tmp_path):
    out = tmp_path / "own.safetensors"
    shop.handle({"id": 1} | train("names", ROWS, out, seed=3))
    answer, news = lines.last(1)
    assert answer["failure"] is None
    assert answer["result"]["ended"] == DONE
    started = next(item for item in news if item["kind"] == "started")
    assert (started["unit"], started["baseline"], started["epochs"]) == ("names", 0.5, 20)
    evaluated = [item for item in news if item["kind"] == "evaluation"]
    assert sum(map(sum, evaluated[-1]["confusion"])) == 6
    assert evaluated[-1]["classes"] == ["it", "ru"]
    assert {"training_loss", "validation_loss", "measured", "is_best", "epoch"} <= evaluated[-1].keys()
    checkpoint = checkpoints.load(out, "names")
    assert checkpoint.classes == ("it", "ru")
    assert (checkpoint.recipe["name"], checkpoint.recipe["seed"]) == ("small", 3)
    assert checkpoint.results == answer["result"]["results"]
    assert checkpoint.results["own"] == {"baseline": 0.5, "count": 60}
    assert [result["country"] for result in classify(checkpoint, ["aaao", "ccccv"])] == ["it", "ru"]
    assert list(tmp_path.iterdir()) == [out]


def test_a_text_is_trained_to_a_checkpoint_that_writes(shop, lines, tmp_path):
    out = tmp_path / "own.safetensors"
    shop.handle({"id": 1} | train("speech", TEXT, out, epochs=4))
    answer, news = lines.last(1)
    assert answer["failure"] is None
    evaluated = [item for item in news if item["kind"] == "evaluation"]
    assert len(evaluated[-1]["sample"]) == training.SAMPLE_CHARACTERS
    assert set(evaluated[-1]["sample"]) <= set(TEXT)
    best = min(item["measured"]["bits_per_character"] for item in evaluated)
    assert answer["result"]["results"]["validation"]["bits_per_character"] == best
    checkpoint = checkpoints.load(out, "speech")
    assert len(generate(checkpoint, [make_request("the ", length=20, seed=1)])[0]) == 20


def test_a_survey_is_answered_while_somebody_trains(shop, lines, tmp_path):
    shop.handle({"id": 1} | train("speech", TEXT, tmp_path / "a.safetensors", **LONG))
    lines.until(1, "started")
    shop.handle({"id": 2, "survey": {"task": "names", "data": {"text": ROWS}, "preset": "small", "changes": {}}})
    answer, _ = lines.last(2)
    assert answer["result"]["count"] == 60


def test_stopped_it_keeps_the_best_so_far(shop, lines, tmp_path):
    out = tmp_path / "own.safetensors"
    shop.handle({"id": 1} | train("speech", TEXT, out, **LONG))
    lines.until(1, "started")
    shop.handle({"id": 1, "stop": True})
    answer, _ = lines.last(1)
    assert (answer["failure"], answer["result"]["ended"]) == (None, STOPPED)
    assert checkpoints.load(out, "speech").results == answer["result"]["results"]


def test_closed_it_ends_within_two_seconds_and_leaves_nothing(shop, lines, tmp_path):
    shop.handle({"id": 1} | train("speech", TEXT, tmp_path / "own.safetensors", **LONG))
    lines.until(1, "started")
    closed = time.monotonic()
    shop.handle({"id": 1, "close": True})
    lines.last(1)
    assert time.monotonic() - closed < 2
    assert list(tmp_path.iterdir()) == []


def test_who_comes_while_somebody_trains_waits_in_line_and_is_told_the_place(shop, lines, tmp_path):
    shop.handle({"id": 1} | train("speech", TEXT, tmp_path / "a.safetensors", **LONG))
    lines.until(1, "started")
    for number in (2, 3, 4):
        shop.handle({"id": number} | train("names", ROWS, tmp_path / f"{number}.safetensors", epochs=1))
        assert lines.until(number, "line")["place"] == number - 1
    shop.handle({"id": 2, "stop": True})  # leaves the line
    assert "nothing was trained" in lines.last(2)[0]["failure"]
    assert lines.until(3, "line")["place"] == 1
    assert lines.until(4, "line")["place"] == 2
    shop.handle({"id": 1, "close": True})
    assert lines.last(3)[0]["result"]["ended"] == DONE
    assert lines.last(4)[0]["result"]["ended"] == DONE
    assert sorted(path.name for path in tmp_path.iterdir()) == ["3.safetensors", "4.safetensors"]


def test_when_the_time_is_up_the_best_so_far_is_kept(lines, tmp_path):
    shop = TrainingWorker(lines, seconds=0.5)
    shop.handle({"id": 1} | train("speech", TEXT, tmp_path / "own.safetensors", **LONG))
    answer, _ = lines.last(1)
    assert answer["result"]["ended"] == TIMED_OUT
    assert checkpoints.load(tmp_path / "own.safetensors", "speech")


def test_a_loss_that_runs_away_stops_with_a_sentence_and_the_best_is_kept(shop, lines, tmp_path):
    out = tmp_path / "own.safetensors"
    shop.handle({"id": 1} | train("speech", TEXT, out, learning_rate=100.0, schedule="constant", **LONG))
    answer, news = lines.last(1)
    if answer["failure"] is None:  # an epoch had been measured before
        assert answer["result"]["ended"] == NOT_FINITE
        assert "smaller learning rate than 100" in answer["result"]["why"]
        assert checkpoints.load(out, "speech").results == answer["result"]["results"]
    else:
        assert "smaller learning rate than 100" in answer["failure"]
        assert not [item for item in news if item["kind"] == "evaluation"]
    assert {path.name for path in tmp_path.iterdir()} <= {out.name}


@pytest.mark.parametrize(
    ("task", "data", "changes", "says"),
    [
        ("speech", {"text": ""}, {}, "200 to"),
        ("names", {"text": "a,b\nc,b\n"}, {}, "two labels"),
        ("names", {"text": ROWS}, {"hidden_size": 10**6}, "hidden_size must be"),
        ("songs", {"text": ROWS}, {}, "task must be"),
        ("speech", {"text": 5}, {}, "Paste a text"),
    ],
)
def test_what_cannot_be_trained_gets_its_sentence_at_once(shop, lines, tmp_path, task, data, changes, says):
    asked = {"task": task, "data": data, "preset": "small", "changes": changes}
    shop.handle({"id": 1, "survey": asked})
    shop.handle({"id": 2, "train": asked | {"out": str(tmp_path / "own.safetensors")}})
    for number in (1, 2):
        assert says in lines.last(number)[0]["failure"]


def test_a_large_file_is_refused_and_not_read(shop, lines, tmp_path):
    large = tmp_path / "large.txt"
    with large.open("wb") as file:
        file.truncate(100_000_000)
    shop.handle({"id": 1, "survey": {"task": "speech", "data": {"file": str(large)}, "preset": "small", "changes": {}}})
    assert "at most 5,000,000" in lines.last(1)[0]["failure"]


def test_a_data_set_that_is_missing_is_fetched_and_it_says_so(shop, lines, tmp_path, monkeypatch):
    monkeypatch.setenv("CHARPLAY_DATA", str(tmp_path / "nowhere"))
    told = []

    def fetch(directory, on_progress):
        on_progress("fetching")
        told.append(directory)
        raise training.datasets.DataError("There is no network.")

    monkeypatch.setattr(training.datasets, "fetch", fetch)
    asked = {"task": "names", "data": {"set": True}, "preset": "small", "changes": {}, "out": str(tmp_path / "x")}
    shop.handle({"id": 1, "train": asked})
    answer, news = lines.last(1)
    assert answer["failure"] == "There is no network."
    assert [item["says"] for item in news] == ["fetching"]
    assert told == [tmp_path / "nowhere"]


def test_it_runs_in_a_process_of_its_own(tmp_path):
    process, heard = WorkerProcess("charplay.workers.training"), queue.Queue()
    process.ask(train("names", ROWS, tmp_path / "own.safetensors", epochs=2), heard.put)
    while not (answer := heard.get(timeout=120))["is_done"]:
        assert answer["news"]["kind"] in ("started", "progress", "evaluation")
    assert answer["result"]["ended"] == DONE
    assert checkpoints.load(tmp_path / "own.safetensors", "names")
    process.stop()
