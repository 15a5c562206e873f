"""Runs of decoder pairs advanced in turn, on a clock that the test holds."""

import queue
import threading

import pytest

from charplay import limits
from charplay.workers import teacher_forcing
from charplay.workers.teacher_forcing import RUN_ENDED, TeacherForcingWorker
from tests.recorded_responses import RecordedResponses

SETTINGS = {"target": "hi!", "cell": "rnn", "hidden_size": 4, "learning_rate": 0.01, "seed": 1, "ratio": 0.0}


def state_of(response):
    """What a response tells of the pair."""
    return (response["update"] or response["result"])["state"]


class Classroom:
    """A worker, what it sent, and the time."""

    def __init__(self):
        self.now, self.recorded = 0.0, RecordedResponses()
        self.worker = TeacherForcingWorker(self.recorded.responses, lambda: self.now)

    def request(self, request_id, kind, **arguments):
        """Sends a request; returns the responses to it so far."""
        self.worker.handle({"id": request_id, "kind": kind, "arguments": arguments})
        return self.recorded.to(request_id)

    def start(self, request_id, page="", **changes):
        """Starts a run and returns its name."""
        self.request(request_id, "start", settings=SETTINGS | changes, page=page)
        self.worker.advance()
        return self.recorded.to(request_id)[-1]["update"]["run"]

    def wait(self, seconds):
        """Lets the time pass, as the process does."""
        end = self.now + seconds
        while (rest := self.worker.seconds_until_due()) is not None and self.now + rest <= end:
            self.now += rest
            self.worker.advance()
        self.now = end

    def epochs(self, request_id):
        """How many epochs the responses to a request have shown."""
        newest = state_of(self.recorded.to(request_id)[-1])
        return newest["since"] + len(newest["history"])

    @property
    def count(self):
        return self.request(0, "count")[-1]["result"]


@pytest.fixture
def classroom():
    return Classroom()


def test_a_run_sends_at_most_ten_updates_a_second_and_each_time_what_is_new(classroom):
    classroom.start(1)
    classroom.wait(1.0)
    responses = classroom.recorded.to(1)
    assert 5 <= len(responses) <= 11
    known = 0
    for response in responses:
        assert state_of(response)["since"] == known
        known += len(state_of(response)["history"])
    assert known == pytest.approx(
        teacher_forcing.MAX_EPOCHS_PER_SECOND,
        abs=teacher_forcing.MAX_EPOCHS_PER_SECOND * teacher_forcing.MIN_UPDATE_SECONDS + 2,
    )


def test_a_run_ends_after_its_last_epoch_and_is_dropped(classroom, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DECODER_EPOCHS", 30)
    classroom.start(1)
    classroom.wait(2.0)
    last = classroom.recorded.to(1)[-1]
    assert (last["is_done"], state_of(last)["is_over"], classroom.epochs(1)) == (True, True, 30)
    assert classroom.count == 0


def test_many_runs_take_turns(classroom):
    for number in (1, 2, 3):
        classroom.start(number)
    for _ in range(30):  # time stands still: more is due than can be done
        classroom.worker.advance()
    for number in (1, 2, 3):
        classroom.request(10 + number, "pause", run=classroom.recorded.to(number)[-1]["update"]["run"])
    counts = [classroom.epochs(10 + number) for number in (1, 2, 3)]
    assert max(counts) - min(counts) <= 2


def test_a_paused_run_steps_once_and_resumes_as_if_it_had_never_paused(classroom):
    name = classroom.start(1)
    classroom.wait(0.5)
    paused = state_of(classroom.request(2, "pause", run=name)[-1])
    assert classroom.recorded.to(1)[-1]["is_done"]
    epoch = len(paused["history"])
    assert classroom.epochs(1) == epoch  # both requests show the epoch at which it rests
    classroom.wait(5.0)
    assert state_of(classroom.request(3, "step", run=name)[-1])["history"][:-1] == paused["history"]
    assert classroom.request(4, "step", run=name)[-1]["is_done"]
    assert classroom.epochs(4) == epoch + 2
    classroom.request(5, "resume", run=name)
    classroom.wait(1.0)
    assert classroom.epochs(5) > epoch + 2
    unpaused = Classroom()
    unpaused.start(1)
    unpaused.wait(10.0)
    whole = [row for response in unpaused.recorded.to(1) for row in state_of(response)["history"]]
    parts = [row for response in classroom.recorded.to(5) for row in state_of(response)["history"]]
    assert parts == whole[: len(parts)]


def test_pressing_twice_changes_nothing(classroom):
    name = classroom.start(1)
    classroom.wait(0.3)
    assert classroom.request(2, "pause", run=name) != []
    assert state_of(classroom.request(3, "pause", run=name)[-1]) == state_of(classroom.recorded.to(2)[-1])
    classroom.request(4, "resume", run=name)
    classroom.request(5, "resume", run=name)
    classroom.wait(0.5)
    assert classroom.recorded.to(4)[-1]["is_done"]  # the later request gets the updates
    assert classroom.epochs(5) > 20
    for number in (6, 7):
        assert classroom.request(number, "stop", run=name)[-1]["failure"] is None
    assert classroom.count == 0


def test_a_second_start_of_a_page_ends_its_first_run_and_no_other(classroom):
    name = classroom.start(1, page="a")
    classroom.start(2, page="b")
    assert classroom.start(3, page="a") != name
    assert classroom.recorded.to(1)[-1]["is_done"]
    assert not classroom.recorded.to(2)[-1]["is_done"]
    assert classroom.count == 2


def test_two_starts_of_a_page_at_once_leave_one_run(classroom):
    for request_id in (1, 2):  # the page knows the name of neither
        classroom.request(request_id, "start", settings=SETTINGS, page="a")
    classroom.wait(0.5)
    assert classroom.recorded.to(1)[-1]["is_done"]
    assert classroom.recorded.to(1)[-1]["failure"] is None
    assert classroom.count == 1
    assert classroom.epochs(2) > 10


def test_a_fault_of_one_turn_does_not_end_the_runs(monkeypatch, caplog):
    recorded, requests = RecordedResponses(), queue.SimpleQueue()
    worker = TeacherForcingWorker(recorded.responses)
    advance, is_broken = worker.advance, threading.Event()

    def break_once():
        if is_broken.is_set():
            is_broken.clear()
            raise RuntimeError("a turn broke")
        advance()

    monkeypatch.setattr(worker, "advance", break_once)
    threading.Thread(target=worker.run_forever, args=[requests], daemon=True).start()
    requests.put({"id": 1, "kind": "start", "arguments": {"settings": SETTINGS, "page": "a"}})
    recorded.next(1)
    is_broken.set()
    for _ in range(3):
        assert recorded.next(1)["failure"] is None
    assert "a turn broke" in caplog.text
    requests.put({"id": 1, "kind": "cancel", "arguments": {}})
    requests.put({"id": 2, "kind": "count", "arguments": {}})
    assert recorded.next(2)["result"] == 0


def test_a_cancelled_request_ends_its_run_and_no_other(classroom):
    classroom.start(1)
    classroom.start(2)
    classroom.request(1, "cancel")
    assert classroom.count == 1
    classroom.wait(0.5)
    assert classroom.epochs(2) > 10


@pytest.mark.parametrize("kind", ["pause", "step", "resume"])
@pytest.mark.parametrize("name", ["", "guessed", None, ["x"], 7])
def test_an_unknown_run_is_refused_with_a_sentence(classroom, kind, name):
    assert classroom.request(1, kind, run=name)[-1]["failure"] == RUN_ENDED


def test_a_run_paused_for_too_long_is_dropped(classroom):
    name = classroom.start(1)
    classroom.request(2, "pause", run=name)
    classroom.wait(limits.MAX_PAUSED_SECONDS - 1)
    assert classroom.count == 1
    classroom.wait(2)
    assert classroom.count == 0
    assert classroom.worker.seconds_until_due() is None
    assert classroom.request(3, "resume", run=name)[-1]["failure"] == RUN_ENDED


def test_beyond_the_limit_the_longest_paused_run_is_dropped_or_the_start_refused(classroom, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DECODER_PAIRS", 2)
    names = [classroom.start(1), classroom.start(2)]
    assert "press Start again" in classroom.request(3, "start", settings=SETTINGS, page="")[-1]["failure"]
    classroom.request(4, "pause", run=names[1])
    classroom.start(5)
    assert classroom.count == 2
    assert classroom.request(6, "resume", run=names[1])[-1]["failure"] == RUN_ENDED


def test_a_loss_that_is_not_finite_ends_the_run_with_a_sentence_and_its_last_state(classroom, monkeypatch):
    name = classroom.start(1)
    classroom.wait(0.5)

    def fail(pair):
        raise FloatingPointError("The loss is no finite number any more.")

    monkeypatch.setattr(teacher_forcing.DecoderPair, "advance", fail)
    classroom.wait(0.1)
    last = classroom.recorded.to(1)[-1]
    assert "no finite number" in last["failure"]
    assert last["is_done"]
    assert classroom.epochs(1) > 20
    assert classroom.request(2, "resume", run=name)[-1]["failure"] == RUN_ENDED
    assert "no finite number" in classroom.request(3, "start", settings=SETTINGS, page="")[-1]["failure"]
    assert classroom.count == 0


def test_a_run_begins_at_epoch_zero_and_every_epoch_that_was_run_can_be_looked_at(classroom):
    created = classroom.request(1, "create", settings=SETTINGS, page="a")[-1]
    name = created["result"]["run"]
    assert (created["is_done"], state_of(created)["epoch"], len(state_of(created)["history"])) == (True, 1, 1)
    classroom.wait(1.0)
    expected = [state_of(classroom.request(2, "look", run=name, epoch=0)[-1])["decoders"]]
    expected.append(state_of(created)["decoders"])
    for request_id in (3, 4):
        expected.append(state_of(classroom.request(request_id, "step", run=name)[-1])["decoders"])
    classroom.request(5, "stop", run=name)
    assert classroom.count == 0
    for epoch, decoders in enumerate(expected):
        looked = state_of(classroom.request(10 + epoch, "look", run=name, epoch=epoch)[-1])
        assert (looked["epoch"], looked["decoders"], len(looked["history"])) == (epoch, decoders, 3)
    for number, wrong in enumerate((-1, 4, 0.5, "1", None)):
        assert "epoch must be" in classroom.request(20 + number, "look", run=name, epoch=wrong)[-1]["failure"]
    assert classroom.request(30, "step", run=name)[-1]["failure"] == RUN_ENDED
    classroom.wait(limits.MAX_PAUSED_SECONDS + 1)
    assert classroom.request(31, "look", run=name, epoch=0)[-1]["failure"] == RUN_ENDED


def test_the_untrained_decoders_are_the_same_network(classroom):
    name = classroom.request(1, "create", settings=SETTINGS, page="")[-1]["result"]["run"]
    first, second = state_of(classroom.request(2, "look", run=name, epoch=0)[-1])["decoders"]
    assert first["free_running"] == second["free_running"]
    assert first["is_forced"] == [True, True]
    assert second["is_forced"] == [True, False]


def test_a_run_goes_at_the_speed_requested(classroom):
    classroom.request(1, "start", settings=SETTINGS, page="", speed=2)
    classroom.wait(2.0)
    name = classroom.recorded.to(1)[-1]["update"]["run"]
    slow = classroom.epochs(1)
    assert 4 <= slow <= 6
    classroom.request(2, "pace", run=name, speed=40)
    classroom.wait(2.0)
    assert 70 <= classroom.epochs(1) - slow <= 85
    assert "speed must be" in classroom.request(3, "pace", run=name, speed=51)[-1]["failure"]


def test_an_ended_run_makes_room_before_a_paused_one(classroom, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DECODER_PAIRS", 2)
    paused, ended = classroom.start(1), classroom.start(2)
    classroom.request(3, "pause", run=paused)
    classroom.wait(1.0)
    classroom.request(4, "stop", run=ended)
    classroom.start(5)
    assert classroom.request(6, "look", run=ended, epoch=0)[-1]["failure"] == RUN_ENDED
    assert classroom.request(7, "look", run=paused, epoch=0)[-1]["failure"] is None


def test_a_preview_can_be_looked_at(classroom):
    last = state_of(classroom.request(1, "preview", settings=SETTINGS, epochs=6)[-1])
    earlier = state_of(classroom.request(2, "preview", settings=SETTINGS, epochs=6, shown=4)[-1])
    assert (last["epoch"], earlier["epoch"]) == (6, 4)
    assert last["history"] == earlier["history"]
    assert earlier["decoders"] == state_of(classroom.request(3, "preview", settings=SETTINGS, epochs=4)[-1])["decoders"]
