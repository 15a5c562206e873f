"""The page by keyboard: tabs by arrows, lists that close when they are left, focus rings that nothing cuts off."""

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import go_to_tab
from tests.browser.test_look import TABS

# Of every visible control that a key reaches: what of its focus ring its blocks cut off, as text.
CUT_RINGS = """() => {
  const found = [], selector = ':is(input:not([type=range]), textarea, button, summary)';
  for (const control of document.querySelectorAll(`.gradio-container ${selector}`)) {
    if (!control.checkVisibility() || control.disabled || control.tabIndex < 0) continue;
    control.focus({preventScroll: true, focusVisible: true});
    const style = getComputedStyle(control), inner = control.getBoundingClientRect();
    const out = parseFloat(style.outlineOffset) + parseFloat(style.outlineWidth);
    if (style.outlineStyle === 'none' || inner.width < 5) continue;
    for (let block = control.parentElement; block !== document.body; block = block.parentElement) {
      const {overflowX, overflowY} = getComputedStyle(block), outer = block.getBoundingClientRect();
      const isWide = inner.left - out < outer.left - 1 || inner.right + out > outer.right + 1;
      const isHigh = inner.top - out < outer.top - 1 || inner.bottom + out > outer.bottom + 1;
      if ((isWide && overflowX !== 'visible') || (isHigh && overflowY !== 'visible')) {
        found.push(`${control.id || control.closest('[id]').id} ${control.tagName}`);
        break;
      }
    }
  }
  return found;
}"""


def test_arrows_move_between_tabs(use_page):
    page = use_page("tab=names")
    page.get_by_role("tab", name=TABS[0], exact=True).focus()
    for key, tab in (("ArrowRight", 1), ("End", -1), ("ArrowRight", 0), ("ArrowLeft", -1), ("Home", 0)):
        page.keyboard.press(key)
        expect(page.get_by_role("tab", name=TABS[tab], exact=True)).to_have_attribute("aria-selected", "true")
        expect(page.get_by_role("tab", name=TABS[tab], exact=True)).to_be_focused()


def test_a_list_closes_when_it_is_left_by_tab(use_page):
    page = use_page("tab=names")
    model, lists = page.locator("#model input"), page.get_by_role("listbox").filter(visible=True)
    model.focus()
    page.keyboard.press("ArrowDown")
    expect(lists).to_have_count(1)
    page.keyboard.press("Tab")
    expect(model).not_to_be_focused()
    expect(lists).to_have_count(0)


@pytest.mark.parametrize("size", ["projector", "phone"])
def test_no_focus_ring_is_cut_off(use_page, size):
    page = use_page("tab=names", size)
    for tab in TABS:
        go_to_tab(page, tab)
        expect(page.get_by_role("tabpanel").filter(visible=True)).to_have_count(1)
        if tab == "Train":  # its plot is drawn once the data are summarized, and can be saved then
            expect(page.locator("#lengths .export")).to_have_count(1)
        assert not page.evaluate(CUT_RINGS), tab
