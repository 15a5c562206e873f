"""What scrolls says so: it fades at an edge beyond which there is more, has a name, and is reached by keyboard."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import go_to_tab, toggle_accordion

# Every visible area that scrolls, text fields apart: [name, whether a key reaches it, whether it has a fading edge].
SCROLLED = """() => [...document.querySelectorAll('.gradio-container *')].filter(area => {
  if (!area.checkVisibility() || area.matches('textarea, input')) return false;
  const style = getComputedStyle(area), scrolls = overflow => overflow === 'auto' || overflow === 'scroll';
  return (scrolls(style.overflowX) && area.scrollWidth > area.clientWidth + 1)
    || (scrolls(style.overflowY) && area.scrollHeight > area.clientHeight + 1);
}).map(area => [area.getAttribute('aria-label'), area.tabIndex === 0 && area.role !== null,
  getComputedStyle(area).maskImage !== 'none'])"""
TARGET = "one hundred characters and more"


def check(page, at_least):
    page.wait_for_function(f"least => ({SCROLLED})().filter(area => area[2]).length >= least", arg=at_least)
    for name, is_reached, is_faded in page.evaluate(SCROLLED):
        assert name
        assert is_reached, name
        assert is_faded, name


def test_tables_on_a_phone(use_page):
    page = use_page("tab=names", "phone")
    toggle_accordion(page, "names-score")
    expect(page.locator("#names-table td").first).to_be_visible()
    check(page, 1)
    go_to_tab(page, "Batches")
    toggle_accordion(page, "code-accordion")
    toggle_accordion(page, "unmasked-accordion")
    page.locator("#names textarea").fill("\n".join(["adylov", *["san"] * 15]))
    expect(page.locator("#unmasked tbody tr")).to_have_count(16)
    check(page, 2)


@pytest.mark.parametrize("size", ["phone", "projector"])
def test_a_long_text_and_a_long_decoder(open_page, size):
    page = open_page(size)
    go_to_tab(page, "Teacher forcing")
    page.locator("#target textarea").fill(TARGET)
    page.locator("#decoders-one-epoch").click()
    expect(page.locator("#first-decoder line.teacher")).to_have_count(10)
    check(page, 2 if size == "phone" else 0)
