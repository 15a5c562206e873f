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


def test_what_an_oracle_reaches_is_a_second_bar_and_a_row():
    oracle = {"accuracy": 0.97, "macro_f1": 0.85, "recall": [0.5] * 18}
    known = classifier(test={"accuracy": 0.8, "confusion": COUNTS, "oracle": oracle})
    _, recalls, _, _ = scoreboard.names_results(known, "data")
    of_model, of_oracle = recalls.data
    assert list(of_oracle.x) == [0.5] * 18
    assert list(of_model.y) == list(of_oracle.y)
    assert all(bool(a) != bool(b) for a, b in zip(of_model.text, of_oracle.text, strict=True))  # at the longer one
    assert "97.0 %" in scoreboard.names_table({"names": known}, "names")


@pytest.mark.parametrize("recall", [None, [0.5], ["most"] * 18, [2.0] * 18])
def test_an_oracle_that_a_header_holds_wrongly_is_not_shown(recall):
    unknown = classifier(test={"confusion": COUNTS, "oracle": {"recall": recall}})
    assert len(scoreboard.names_results(unknown, "data")[1].data) == 1
    assert len(scoreboard.names_results(classifier(test={"confusion": COUNTS, "oracle": 7}), "data")[1].data) == 1
