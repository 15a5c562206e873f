"""How long a training takes: the arithmetic, on a clock that only the trials move."""

import dataclasses

import pytest

from charplay.training import time_estimate
from charplay.training.data_summary import choose_recipe, read_user_data, training_set_of
from charplay.training.time_estimate import Speed, estimate_seconds, measure_speed, with_evaluations

FIRST_STEP, STEP, EVALUATION = 5.0, 0.125, 0.5  # seconds
ROWS = "text,label\n" + "\n".join(f"word{number},{'ab'[number % 2]}" for number in range(120))


class Clock:
    now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()

    class Trainer(time_estimate.Trainer):
        def advance(self):
            clock.now += STEP if self.done else FIRST_STEP
            return super().advance()

        def snapshot(self):
            clock.now += EVALUATION
            return super().snapshot()

    monkeypatch.setattr(time_estimate, "time", clock)
    monkeypatch.setattr(time_estimate, "Trainer", Trainer)
    return clock


@pytest.fixture
def training():
    data = read_user_data("names", ROWS, {})
    recipe = choose_recipe("names", data, "small", {"epochs": 3})
    return recipe, training_set_of("names", data, recipe)


def test_the_first_step_of_a_process_counts_neither_as_speed_nor_as_time(clock, training):
    recipe, training_set = training
    speed = measure_speed("names", training_set, recipe)
    steps = training_set.task.count()
    assert speed.per_second == pytest.approx(time_estimate.units_of(training_set.task) / (steps * STEP))
    assert speed.evaluation_seconds == EVALUATION
    trial_steps = -(-time_estimate.TRIAL_SECONDS // STEP)
    assert speed.trial_seconds == pytest.approx(trial_steps * STEP + 2 * EVALUATION)


def test_an_estimate_is_the_sum_of_trial_steps_and_all_evaluations(training):
    recipe, training_set = training
    units = time_estimate.units_of(training_set.task)
    speed = Speed(per_second=units / 30, evaluation_seconds=0.5, trial_seconds=2.0)  # an epoch takes 30 s
    assert with_evaluations(recipe, training_set, speed).evaluations == 5
    assert estimate_seconds(recipe, training_set, speed) == pytest.approx(2 + 3 * 30 + (3 * 5 + 2) * 0.5)
    slower = dataclasses.replace(speed, evaluation_seconds=1.0)
    assert estimate_seconds(recipe, training_set, slower) > estimate_seconds(recipe, training_set, speed)
