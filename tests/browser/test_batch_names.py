"""The Batches tab as names are typed, refused and many."""

import re

from playwright.sync_api import expect

from tests.browser.conftest import go_to_tab as go_to
from tests.browser.test_tabs import cell_texts


def test_batches_opens_with_the_lectures_names(open_page):
    page = open_page()
    go_to(page, "Batches")
    expect(page.locator("#padded .heatmap-label").first).to_be_visible()
    assert cell_texts(page, "#padded").count("pad") == 6
    assert len(cell_texts(page, "#packed")) == len(cell_texts(page, "#strip")) == 18
    expect(page.locator("#facts")).to_contain_text("25.0 %")
    expect(page.locator("#facts")).to_contain_text("4, 4, 4, 3, 2, 1")
    expect(page.locator("#facts")).to_contain_text("(4, 18)")


def test_batches_redraw_as_names_are_typed_and_rows_are_sorted_or_not(use_page):
    page = use_page("tab=batches")
    page.locator("#names textarea").fill("ghatmasala\nnicela\nchutpakodas")
    expect(page.locator("#facts")).to_contain_text("3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 1")
    expect(page.locator("#padded .ytick text").first).to_have_text("chutpakodas")
    page.get_by_label("as typed").check()
    expect(page.locator("#padded .ytick text").first).to_have_text("ghatmasala")
    expect(page.locator("#packed .ytick text").first).to_have_text("chutpakodas")
    expect(page.locator("#facts")).to_contain_text("10, 6, 11")


def test_hidden_states_are_zero_at_the_pads_once_packed_and_drift_on_if_not(use_page):
    page = use_page("tab=batches")
    page.get_by_label("embedding").check()
    expect(page.locator("#padded .heatmap-label").first).to_have_text(re.compile(r"^-?\d\.\d\d$"))
    page.get_by_label("hidden state").check()
    expect(page.locator("#padded .shapelayer path[style*=dasharray]")).to_have_count(6)  # the framed pads
    packed, padded = cell_texts(page, "#packed"), cell_texts(page, "#padded")
    assert (len(packed), len(padded)) == (24, 24)
    assert packed.count("0.00") >= 6
    assert padded.count("0.00") < packed.count("0.00")
    page.locator("#unit input[type=number]").fill("5")
    page.locator("#unit input[type=number]").press("Tab")
    expect(page.locator("#padded .heatmap-label").first).not_to_have_text(padded[0])


def test_an_emptied_number_box_counts_as_its_lowest_number(open_page, capfd):
    page = open_page()
    go_to(page, "Speech")
    page.locator("#length input[type=number]").fill("2")
    page.wait_for_function("location.hash.includes('length=2')")  # the tab is drawn, and takes what is typed
    for slider in ("#prime-length", "#temperature", "#length"):
        page.locator(f"{slider} input[type=number]").fill("")
    page.locator("#generate").click()
    expect(page.locator("#stats")).to_contain_text(re.compile(r"\b1 of 1 character\b"))
    expect(page.locator("#stats")).to_contain_text("temperature 0")
    go_to(page, "Batches")
    page.get_by_label("hidden state").check()
    expect(page.locator("#padded .shapelayer path[style*=dasharray]")).to_have_count(6)
    first = cell_texts(page, "#padded")
    page.locator("#unit input[type=number]").fill("5")
    expect(page.locator("#padded .heatmap-label").first).not_to_have_text(first[0])
    page.locator("#unit input[type=number]").fill("")
    expect(page.locator("#padded .heatmap-label").first).to_have_text(first[0])
    expect(page.get_by_text("Could not preprocess")).to_have_count(0)
    assert "Traceback" not in capfd.readouterr().err


def test_an_invalid_batch_gets_a_sentence_and_the_plots_stay(use_page):
    page = use_page("tab=batches")
    pads = page.locator("#padded .heatmap-label", has_text=re.compile("^pad$"))
    expect(pads).to_have_count(6)
    sentences = {"": "at least one name", "Rossi\n한국": "Name 2", "\n".join(["x"] * 501): "501 names; 500 at most"}
    for typed, sentence in sentences.items():
        page.locator("#names textarea").fill(typed)
        expect(page.locator("#batch-message")).to_contain_text(sentence)
        expect(pads).to_have_count(6)


def test_plots_fit_again_when_the_window_was_resized_behind_another_tab(open_page):
    page = open_page("phone")
    go_to(page, "Batches")
    go_to(page, "Speech")
    page.set_viewport_size({"width": 1280, "height": 720})
    go_to(page, "Names")
    page.wait_for_function("document.querySelector('#bars table')?.getBoundingClientRect().width > 600")
    page.set_viewport_size({"width": 390, "height": 844})
    go_to(page, "Batches")
    page.wait_for_function("document.querySelector('#strip svg.main-svg')?.getBoundingClientRect().width < 390")


def test_five_hundred_names_are_counted_and_thirty_two_plotted(use_page):
    page = use_page("tab=batches")
    page.locator("#names textarea").fill("\n".join(["Rossi", "Kowalczyk"] * 250))
    expect(page.locator("#batch-message")).to_contain_text("the first 32 of 500")
    expect(page.locator("#padded .ytick text")).to_have_count(32)
    expect(page.locator("#facts")).to_contain_text("1,000 of 4,500 cells")
