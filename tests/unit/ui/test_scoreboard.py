"""A header may come from anywhere: results that it lacks or holds wrongly are left out of the scoreboard."""

import dataclasses

import pytest

from charplay.ui import scoreboard
from tests.conftest import make_checkpoint

COUNTS = [[2 if row == column else 1 for column in range(18)] for row in range(18)]
BIN = {"n": 3, "confidence": 0.5, "accuracy": 0.4}


def classifier(**results):
    return dataclasses.replace(make_checkpoint("names"), results=results)


def test_the_country_missed_most_comes_first_with_its_training_rows():
    counts = [row.copy() for row in COUNTS]
    counts[4] = [0] * 18
    counts[4][6] = 9
    whole = classifier(test={"confusion": counts, "reliability": [BIN]}, training_rows=list(range(100, 118)))
    most_missed, recalls, _, reliability = scoreboard.names_results(whole, "data")
    assert "found in 0 of 9 names" in most_missed
    assert recalls.data[0].y[0] == f"{whole.classes[4]} (104)"
    assert reliability is not None


@pytest.mark.parametrize("trained", [None, [1, 2], ["many"] * 18, 7])
def test_training_rows_that_a_header_lacks_are_not_shown(trained):
    unknown = classifier(test={"confusion": COUNTS, "reliability": 5}, training_rows=trained)
    _, recalls, _, reliability = scoreboard.names_results(unknown, "data")
    assert set(recalls.data[0].y) == set(unknown.classes)
    assert reliability is None


@pytest.mark.parametrize("test", [None, 3, {}, {"confusion": [[1]]}, {"confusion": [["a"] * 18] * 18}])
def test_without_a_valid_confusion_matrix_there_are_no_plots(test):
    nothing = classifier(test=test, baselines="none", uniform=[1])
    assert scoreboard.names_results(nothing, "data")[1:] == (None, None, None)
    assert "–" in scoreboard.names_table({"names": nothing}, "names")
    assert scoreboard.summary(nothing) == scoreboard.TITLE
    language_model = dataclasses.replace(make_checkpoint("speech"), results={"test": test})
    assert scoreboard.speech_table({"speech": language_model}, "speech")[1] is None
