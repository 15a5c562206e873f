"""Where things are: the head of a page, a phone with its keyboard open, and that nothing moves while one types."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import expect_network, go_to_tab, toggle_accordion
from tests.browser.test_look import TABS

HEAD_HEIGHT = 90  # px that tabs and introduction take on a projector
KEYBOARD_VIEWPORT = {"width": 390, "height": 500}  # of a phone whose keyboard is open
MARGIN = 12  # px beside the content on a phone
LABEL_SIZE = 18  # px of cells and labels on a projector

# The edges of the elements that match each selector and are visible.
BOXES = """selectors => selectors.map(selector => {
  const element = [...document.querySelectorAll(selector)].find(each => each.checkVisibility());
  const {x, y, width, height} = element.getBoundingClientRect();
  return [x, y, width, height].map(Math.round);
})"""


def font_size(page: Page, selector: str) -> float:
    return page.locator(selector).first.evaluate("element => parseFloat(getComputedStyle(element).fontSize)")


@pytest.mark.parametrize("tab", ["Names", "Batches"])
def test_tabs_and_introduction_leave_the_screen_to_what_they_introduce(use_page, tab):
    page = use_page(f"tab={tab.lower()}")
    box = page.locator(".lead").filter(visible=True).bounding_box()
    assert box["y"] + box["height"] <= HEAD_HEIGHT


def test_the_page_has_one_heading_of_level_one_on_every_size(use_page):
    for size in ("projector", "phone"):
        expect(use_page("tab=names", size).get_by_role("heading", level=1)).to_have_count(1)


def test_on_a_phone_every_tab_can_be_pressed_and_has_the_same_margins(use_page):
    page = use_page("tab=names", "phone")
    for tab in TABS:
        expect(page.get_by_role("tab", name=tab, exact=True)).to_be_in_viewport(ratio=1)
    for tab in TABS:
        go_to_tab(page, tab)
        box = page.locator(".lead").filter(visible=True).bounding_box()
        assert round(box["x"]) == MARGIN
        assert round(box["x"] + box["width"]) == 390 - MARGIN


def test_ten_bars_fit_between_the_field_and_an_open_keyboard(use_page):
    page = use_page("tab=names", "phone")
    page.set_viewport_size(KEYBOARD_VIEWPORT)
    page.locator("#name input").focus()
    page.locator("#name input").fill("Rossi")
    expect(page.locator("#headline b")).to_have_text("Italian")
    expect(page.locator("#name input")).to_be_in_viewport(ratio=1)
    bottoms = page.locator("#bars tr").evaluate_all("rows => rows.map(row => row.getBoundingClientRect().bottom)")
    assert sum(bottom <= KEYBOARD_VIEWPORT["height"] for bottom in bottoms) >= 10


@pytest.mark.parametrize("size", ["projector", "phone"])
def test_nothing_moves_when_a_sentence_appears(use_page, size):
    page = use_page("tab=names", size)
    watched = ["#name", "#bars", "#name-hint", "#seen", "#names-choices", "#prefixes-accordion"]
    before = page.evaluate(BOXES, watched)
    name = page.locator("#name input")
    for typed, letters in (("한국", 0), ("", 0), ("van Gogh", 8), ("müller", 6), ("x" * 64, 64), ("x" * 65, 0)):
        name.fill(typed)
        if letters:
            expect_network(page, letters)
        else:
            expect(page.locator("#bars .share")).to_have_count(0)
        assert page.evaluate(BOXES, watched) == before, typed


@pytest.mark.parametrize("size", ["projector", "phone"])
def test_the_plots_of_a_batch_do_not_move_when_a_sentence_appears(use_page, size):
    page = use_page("tab=batches", size)
    expect(page.locator("#padded .heatmap-label").first).to_be_visible()
    watched = ["#names", "#cells", "#step-accordion"]
    before = page.evaluate(BOXES, watched)
    for typed in ("Anna, Bob, Christopher", "Rossi\n한국", ""):
        page.locator("#names textarea").fill(typed)
        expect(page.locator("#split" if "," in typed else "#batch-message .problem")).to_be_visible()
        _, _, step = page.evaluate(BOXES, watched)
        assert step == before[2], typed


def test_names_between_commas_are_split_by_a_button_that_is_there_for_them_alone(use_page):
    page = use_page("tab=batches")
    split = page.locator("#split")
    expect(split).to_be_hidden()
    page.locator("#names textarea").fill("Anna, Bob,\nChristopher")
    split.click()
    expect(page.locator("#names textarea")).to_have_value("Anna\nBob\nChristopher")
    expect(page.locator("#padded .ytick text")).to_have_count(3)
    expect(split).to_be_hidden()


def test_cells_and_labels_are_legible_from_the_back_row(use_page):
    page = use_page("tab=names")
    for selector in ("#bars th", "#bars .share", "#seen .answer", "#seen .ink"):
        assert font_size(page, selector) >= LABEL_SIZE, selector
    toggle_accordion(page, "prefixes-accordion")
    expect(page.locator("#prefixes td").first).to_be_visible()
    for selector in ("#prefixes td", "#prefixes th[scope=row]"):
        assert font_size(page, selector) >= LABEL_SIZE, selector
    go_to_tab(page, "Batches")
    expect(page.locator("#padded .heatmap-label").first).to_be_visible()
    for selector in ("#padded .heatmap-label text", "#padded .ytick text", "#strip .heatmap-label text"):
        assert font_size(page, selector) >= LABEL_SIZE, selector


def test_an_accordion_has_its_chevron_before_its_title(use_page):
    page = use_page("tab=names")
    for accordion in page.locator(".label-wrap").filter(visible=True).all():
        expect(accordion.locator(".icon")).to_be_hidden()
        chevron = "label => getComputedStyle(label.querySelector('span'), '::before').content"
        closed = accordion.evaluate(chevron)
        accordion.click()
        page.wait_for_function(
            f"([label, closed]) => ({chevron})(label) !== closed", arg=[accordion.element_handle(), closed]
        )


@pytest.mark.parametrize("size", ["projector", "phone"])
def test_the_drawing_is_no_wider_than_its_column(use_page, size):
    page = use_page("tab=names", size)
    page.locator("#name input").fill("Papadopoulos-Vandenberghe")
    expect_network(page, 25)
    edges = page.locator("#seen svg *").evaluate_all("all => all.map(each => each.getBoundingClientRect().right)")
    column = page.locator("#seen").bounding_box()
    assert max(edges) <= column["x"] + column["width"]


@pytest.mark.parametrize("size", ["projector", "phone"])
def test_a_bar_of_a_hundred_percent_has_room_for_its_number(open_page, size):
    page = open_page(size)
    number, table = page.evaluate(
        """() => {
          const row = document.querySelector('#bars .winner'), share = row.querySelector('.share');
          row.querySelector('i').style.width = '100%';
          share.textContent = '100.0 %';
          const number = document.createRange();
          number.selectNodeContents(share);
          return [number, row].map(each => each.getBoundingClientRect().right);
        }"""
    )
    assert number <= table
