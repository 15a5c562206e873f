"""The load beside a training is measured beside one that really runs."""

import pytest

from charplay.bench import fair_use


def test_a_training_beside_the_load_takes_its_steps_and_has_no_speed_once_it_has_ended():
    with fair_use.background_trainings(1) as trainings:
        assert trainings.characters_per_second() > 0
    with trainings._changed:
        assert trainings._changed.wait_for(lambda: not trainings._remaining, 60)
    with pytest.raises(ValueError, match="No training is running"):
        trainings.characters_per_second()


def test_without_a_training_nothing_is_compared(monkeypatch):
    monkeypatch.setattr(fair_use, "PRESET", "huge")
    with pytest.raises(ValueError, match="No training is running: The size"), fair_use.background_trainings(1):
        pass
