import re

from charplay.data.batches import compare
from charplay.ui.batches.time_steps import counts_html, slices

NAMES = ["adylov", "solan", "hard", "san"]


def steps(html: str) -> list[str]:
    return re.findall("<div data-step=.*?</div></div>", html)


def test_each_step_has_its_counts_and_only_the_first_is_visible():
    shown = steps(counts_html(compare(NAMES).batch_sizes, 6, is_bidirectional=False))
    assert ["hidden" in step.split(">")[0] for step in shown] == [False] + [True] * 5
    text = [re.sub("<style.*?</style>|<.*?>", "", step) for step in shown]
    assert "3 of 4 names have a character at time 3." in text[3]
    assert "16 updates: 15 useful, 1 wasted" in text[3]
    assert "15 updates: all useful" in text[3]
    assert "24 updates: 18 useful, 6 wasted" in text[5]


def test_a_step_beyond_the_plotted_names_marks_nothing():
    shown = steps(counts_html([3, 2, 1, 1], 2, is_bidirectional=True))
    assert ["No name that is drawn" in step for step in shown] == [False, False, True, True]
    assert [":nth-child" in step for step in shown] == [True, True, False, False]


def test_a_slice_of_the_flat_strip_spans_its_lines():
    second, first = slices([11, 10])
    assert first["path"].count("M") == 2
    assert second["path"] == "M 0.5,0.5 L 9.5,0.5 L 9.5,1.5 L 0.5,1.5 Z M -0.5,1.5 L 0.5,1.5 L 0.5,2.5 L -0.5,2.5 Z"
