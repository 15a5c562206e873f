"""Lessons advanced in turn, on a clock that the test holds."""

import pytest

from charplay import limits
from charplay.workers import teacher_forcing
from charplay.workers.teacher_forcing import RUN_ENDED, TeacherForcingWorker

SETTINGS = {"target": "hi!", "cell": "rnn", "hidden_size": 4, "learning_rate": 0.01, "seed": 1, "ratio": 0.0}


class School:
    """Lessons, what they answered, and the time."""

    def __init__(self):
        self.now, self.said = 0.0, []
        self.lessons = TeacherForcingWorker(self.said.append, lambda: self.now)

    def ask(self, number, **request):
        """Sends a request; returns its answers so far."""
        self.lessons.handle({"id": number} | request)
        return self.answers(number)

    def answers(self, number):
        return [answer for answer in self.said if answer["id"] == number]

    def start(self, number, instead="", **changes):
        """Starts a lesson and has it tell its name."""
        self.ask(number, start=SETTINGS | changes, instead=instead)
        self.lessons.advance()
        return self.answers(number)[-1]["lesson"]

    def run(self, seconds):
        """Lets the time pass, as the process does."""
        end = self.now + seconds
        while (rest := self.lessons.rest()) is not None and self.now + rest <= end:
            self.now += rest
            self.lessons.advance()
        self.now = end

    def epochs(self, number):
        """How many epochs the followers of a request have heard of."""
        newest = self.answers(number)[-1]["news"]
        return newest["since"] + len(newest["history"])

    @property
    def count(self):
        return self.ask(0, count=True)[-1]["lessons"]


@pytest.fixture
def school():
    return School()


def test_a_lesson_is_told_at_most_ten_times_a_second_and_each_time_what_is_new(school):
    school.start(1)
    school.run(1.0)
    answers = school.answers(1)
    assert 5 <= len(answers) <= 11
    heard = 0
    for answer in answers:
        assert answer["news"]["since"] == heard
        heard += len(answer["news"]["history"])
    assert heard == pytest.approx(
        teacher_forcing.MAX_EPOCHS_PER_SECOND,
        abs=teacher_forcing.MAX_EPOCHS_PER_SECOND * teacher_forcing.MIN_UPDATE_SECONDS + 2,
    )


def test_a_lesson_ends_after_its_last_epoch_and_is_forgotten(school, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DECODER_EPOCHS", 30)
    school.start(1)
    school.run(2.0)
    last = school.answers(1)[-1]
    assert (last["is_done"], last["news"]["is_over"], school.epochs(1)) == (True, True, 30)
    assert school.count == 0


def test_many_lessons_take_turns_whoever_came_first(school):
    for number in (1, 2, 3):
        school.start(number)
    for _ in range(30):  # time stands still: more is due than can be done
        school.lessons.advance()
    for number in (1, 2, 3):
        school.ask(10 + number, pause=school.answers(number)[-1]["lesson"])
    counts = [school.epochs(10 + number) for number in (1, 2, 3)]
    assert max(counts) - min(counts) <= 2


def test_a_paused_lesson_stands_still_steps_once_and_goes_on_as_if_it_had_never_paused(school):
    name = school.start(1)
    school.run(0.5)
    paused = school.ask(2, pause=name)[-1]["news"]
    assert school.answers(1)[-1]["is_done"]
    epoch = len(paused["history"])
    assert school.epochs(1) == epoch  # who followed it shows it where it rests, whichever picture comes last
    school.run(5.0)
    assert school.ask(3, step=name)[-1]["news"]["history"][:-1] == paused["history"]
    assert school.ask(4, step=name)[-1]["is_done"]
    assert school.epochs(4) == epoch + 2
    school.ask(5, go_on=name)
    school.run(1.0)
    assert school.epochs(5) > epoch + 2
    unpaused = School()
    unpaused.start(1)
    unpaused.run(10.0)
    whole = [row for answer in unpaused.answers(1) for row in answer["news"]["history"]]
    parts = [row for answer in school.answers(5) for row in answer["news"]["history"]]
    assert parts == whole[: len(parts)]


def test_pressing_twice_changes_nothing(school):
    name = school.start(1)
    school.run(0.3)
    assert school.ask(2, pause=name) != []
    assert school.ask(3, pause=name)[-1]["news"] == school.answers(2)[-1]["news"]
    school.ask(4, go_on=name)
    school.ask(5, go_on=name)
    school.run(0.5)
    assert school.answers(4)[-1]["is_done"]  # the later reader follows
    assert school.epochs(5) > 20
    for number in (6, 7):
        assert school.ask(number, stop=name)[-1]["failure"] is None
    assert school.count == 0


def test_starting_anew_ends_the_lesson_of_the_same_page(school):
    name = school.start(1)
    assert school.start(2, instead=name) != name
    assert school.answers(1)[-1]["is_done"]
    assert school.count == 1


def test_a_reader_that_goes_frees_its_lesson_and_no_other(school):
    school.start(1)
    school.start(2)
    school.ask(1, close=True)
    assert school.count == 1
    school.run(0.5)
    assert school.epochs(2) > 10


@pytest.mark.parametrize("request_", ["pause", "step", "go_on"])
@pytest.mark.parametrize("name", ["", "guessed", None, ["x"], 7])
def test_a_lesson_that_is_not_there_has_a_sentence(school, request_, name):
    assert school.ask(1, **{request_: name})[-1]["failure"] == RUN_ENDED


def test_a_paused_lesson_is_given_up_after_a_while(school):
    name = school.start(1)
    school.ask(2, pause=name)
    school.run(limits.MAX_PAUSED_SECONDS - 1)
    assert school.count == 1
    school.run(2)
    assert school.count == 0
    assert school.lessons.rest() is None
    assert school.ask(3, go_on=name)[-1]["failure"] == RUN_ENDED


def test_where_there_is_no_room_the_longest_paused_lesson_goes_and_else_there_is_a_sentence(school, monkeypatch):
    monkeypatch.setattr(limits, "MAX_DECODER_PAIRS", 2)
    names = [school.start(1), school.start(2)]
    assert "press Start again" in school.ask(3, start=SETTINGS, instead="")[-1]["failure"]
    school.ask(4, pause=names[1])
    school.start(5)
    assert school.count == 2
    assert school.ask(6, go_on=names[1])[-1]["failure"] == RUN_ENDED


def test_a_loss_that_is_no_number_ends_the_lesson_with_a_sentence_and_what_was_reached(school, monkeypatch):
    name = school.start(1)
    school.run(0.5)

    def fail(lesson):
        raise FloatingPointError("The loss is no finite number any more.")

    monkeypatch.setattr(teacher_forcing.DecoderPair, "advance", fail)
    school.run(0.1)
    last = school.answers(1)[-1]
    assert "no finite number" in last["failure"]
    assert last["is_done"]
    assert school.epochs(1) > 20
    assert school.ask(2, go_on=name)[-1]["failure"] == RUN_ENDED
    assert "no finite number" in school.ask(3, start=SETTINGS, instead="")[-1]["failure"]
    assert school.count == 0
