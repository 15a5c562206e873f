from collections import Counter

import pytest

from charplay import limits
from charplay.ui import controls, page


@pytest.mark.parametrize(
    ("typed", "seed"),
    [("", None), ("  ", None), ("7", 7), (" 7 ", 7), ("7.0", 7), ("1e3", 1000), ("4294967295", 2**32 - 1)],
)
def test_the_seed_box_takes_what_the_endpoint_takes(typed, seed):
    assert controls.read_seed(typed) == seed


@pytest.mark.parametrize("typed", ["-1", "4294967296", "7.5", "nan", "inf", "lucky", "9" * 60, None, 7])
def test_another_seed_is_refused(typed):
    with pytest.raises(ValueError, match="seed"):
        controls.read_seed(typed)


@pytest.mark.parametrize(
    ("chosen", "mark"),
    [
        (controls.AT_THE_LENGTH, ""),
        (controls.AT_THE_LINE_END, "\n"),
        (None, ""),
        ("", ""),
        (".", "."),
        (r"\n\n", "\n\n"),
        (r"\\n", r"\n"),
    ],
)
def test_a_stop_mark_is_a_choice_or_a_typed_text(chosen, mark):
    assert controls.read_stop_mark(chosen) == mark


@pytest.mark.parametrize("chosen", [7, ["x"], "x" * (limits.MAX_STOP_MARK_CHARACTERS + 1)])
def test_another_stop_mark_is_refused(chosen):
    with pytest.raises(ValueError, match="stop mark"):
        controls.read_stop_mark(chosen)


def test_no_two_parts_of_the_page_have_one_id():
    ids = Counter(block.elem_id for block in page.build().blocks.values() if getattr(block, "elem_id", None))
    assert [each for each, count in ids.items() if count > 1] == []
