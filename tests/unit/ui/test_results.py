"""Results in words: a percentage promises no more than its rows can say."""

import pytest

from charplay.ui.results import MIN_ROWS_FOR_PERCENT, caution, interval, score


@pytest.mark.parametrize("held_out", [2, 9, MIN_ROWS_FOR_PERCENT - 1])
def test_of_few_rows_there_is_a_count_and_how_little_it_means(held_out):
    shown = score("names", 1.0, held_out)
    assert "%" not in shown
    assert f"{held_out} of {held_out}" in shown
    assert caution("names", 1.0, held_out)


def test_of_many_rows_there_is_a_percentage_and_no_caution():
    assert "75.0 %" in score("names", 0.75, 400)
    assert caution("names", 0.75, 400) == ""
    assert caution("speech", 2.0, 10) == ""


@pytest.mark.parametrize("share", [0.0, 0.3, 8 / 9, 1.0])
def test_the_interval_holds_the_share_and_narrows_with_the_rows(share):
    widths = []
    for count in (9, 90, 900):
        low, high = interval(share, count)
        assert 0 <= low <= share + 1e-9
        assert share - 1e-9 <= high <= 1
        widths.append(high - low)
    assert widths == sorted(widths, reverse=True)
