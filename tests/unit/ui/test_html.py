"""The shared pieces of HTML escape what is text, and every style sheet of the view reaches the page."""

from pathlib import Path

import pytest

from charplay.ui import html, theme

MARKUP = '<b id="x">&'


@pytest.mark.parametrize("piece", [html.problem, html.screen_reader_text])
def test_text_is_escaped(piece):
    assert "&lt;b id=&quot;x&quot;&gt;&amp;" in piece(MARKUP)
    assert MARKUP not in piece(MARKUP)


def test_labels_are_escaped_and_markup_is_not():
    box = html.text_box("<i>a</i>", label=MARKUP)
    table = html.table(["a"], [["<i>a</i>"]], scroll_label=MARKUP)
    for piece in (box, table):
        assert "<i>a</i>" in piece
        assert MARKUP not in piece


def test_a_table_marks_the_chosen_rows():
    rows = html.table(["head"], [["a"], ["b"], ["c"]], chosen={1}).split("<tr")
    assert ["chosen" in row for row in rows] == [False, False, False, True, False]


@pytest.mark.parametrize(("share", "text"), [(0, "0.0 %"), (0.12345, "12.3 %"), (1, "100.0 %"), (None, html.DASH)])
def test_a_share_is_shown_in_percent(share, text):
    assert html.percent(share) == text


@pytest.mark.parametrize(("number", "text"), [(0, "0 names"), (1, "1 name"), (2_000, "2,000 names")])
def test_of_one_thing_the_noun_is_singular(number, text):
    assert html.counted(number, "name") == text


def test_every_character_without_a_glyph_becomes_visible_and_others_stay():
    everything = "".join(map(chr, range(128)))
    shown = html.visible(everything)
    assert len(shown) == len(everything)
    assert shown.isprintable()
    assert " " not in shown
    assert shown[33:127] == everything[33:127]
    assert html.visible_newlines("a b\n") == "a b↵"


def test_every_style_sheet_of_the_view_is_in_the_pages_css():
    css = theme.css()
    sheets = sorted(Path(theme.__file__).parent.rglob("*.css"))
    assert len(sheets) > 5
    for sheet in sheets:
        assert sheet.read_text(encoding="utf-8") in css, sheet.name
