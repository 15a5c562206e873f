"""Legible from the back row and on a phone: sizes, contrast, no sideways scroll; in light and in dark."""

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import expect_bottom, go_to_tab, modes, toggle_accordion, wait_for_transitions

SMALLEST = {"projector": 18, "phone": 16}  # px that any text has
TABS = ("Names", "Invent", "Speech", "Batches", "Teacher forcing", "Train")
ACCORDIONS = {  # of a tab: the id of each, and what is in it once it is open
    "Names": {
        "prefixes-accordion": "#prefixes td",
        "attribution-accordion": "#gradients .bars",
        "activations-accordion": "#activations .hm",
        "cells-accordion": "#prefixes-lstm td",
        "names-code-accordion": "#names-code pre",
    },
    "Speech": {
        "temperatures-accordion": "#compared-3 .text",
        "beam-accordion": "#beam-beam .text",
        "surprisal-accordion": "#surprisal-text .selected",
        "candidates-accordion": "#candidates-text .selected",
        "neuron-accordion": "#neuron-text .selected",
        "influence-accordion": "#influence-lstm .selected",
        "memorization-accordion": "#memorization .text",
        "speech-code-accordion": "#speech-code pre",
    },
    "Batches": {
        "step-accordion": "#step-counts .update-counts",
        "unmasked-accordion": "#unmasked tbody td",
        "code-accordion": "#code pre",
    },
    "Train": {
        "row-format-accordion": "#delimiter",
        "settings-accordion": "#epochs",
        "training-code-accordion": "#training-code pre",
    },
}
SCORED = {"Names": "#reliability .bars", "Speech": "#bits .bars"}  # tabs with a scoreboard, and what is in it
LAST = {  # of a tab: what must be visible without scrolling
    "Names": "#bars",
    "Invent": "#writing .likeliest-next",
    "Speech": "#text",
    "Batches": "#facts .tiles",
    "Teacher forcing": "#second-decoder .decoded",
    "Train": "#lengths",
}

# Every visible element with text of its own: [text, font size in px, contrast with the background, whether between the
# low strips of the activations].
READ_TEXT = """() => {
  const canvas = Object.assign(document.createElement('canvas'), {width: 1, height: 1});
  const context = canvas.getContext('2d', {willReadFrequently: true}), known = new Map();
  const read = colour => {
    context.clearRect(0, 0, 1, 1);
    context.fillStyle = colour; context.fillRect(0, 0, 1, 1);
    return [...context.getImageData(0, 0, 1, 1).data];
  };
  const channels = colour => known.get(colour) ?? known.set(colour, read(colour)).get(colour);
  const luminance = ([r, g, b]) => [r, g, b]
    .map(c => c / 255).map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
    .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = channels(getComputedStyle(at).backgroundColor);
      if (colour[3] > 250) return colour;
    }
    return channels(getComputedStyle(document.body).backgroundColor);
  };
  const found = [];
  for (const element of document.querySelectorAll('.gradio-container *')) {
    const text = [...element.childNodes].filter(n => n.nodeType === 3).map(n => n.textContent.trim()).join('')
      || (element.matches('input[type=text], input[type=number], textarea') && (element.value || element.placeholder));
    if (!text || !element.checkVisibility({visibilityProperty: true, opacityProperty: true})) continue;
    if (element.closest('footer, style, script')) continue;
    const style = getComputedStyle(element), inChart = element.closest('svg.main-svg') !== null;
    if (inChart && element.closest('.heatmap-label, .hm')) continue;
    const ink = channels(inChart ? style.fill : style.color), behind = ground(element);
    const [low, high] = [luminance(ink), luminance(behind)].sort((a, b) => a - b);
    found.push([text.slice(0, 40), parseFloat(style.fontSize), (high + 0.05) / (low + 0.05),
      element.closest('#activations') !== null]);
  }
  return found;
}"""


def check_look(page: Page, tab: str, smallest: int) -> None:
    """Asserts that the page does not scroll sideways, and that its text is large enough and has enough contrast."""
    wait_for_transitions(page)
    # Plotly fits its plots to the tab after it has opened.
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")
    texts = page.evaluate(READ_TEXT)
    assert len(texts) > 20
    small = [text for text in texts if text[1] < (SMALLEST["phone"] if text[3] else smallest)]
    assert not small, f"{tab}: too small"
    faint = [text for text in texts if text[2] < 4.5]
    assert not faint, f"{tab}: too faint"


# The mode is a class of the body, as Gradio sets it: a page is looked at in the mode it opened in, and in the other.
@pytest.mark.parametrize(("size", "mode"), [("projector", "light"), ("phone", "dark")])
def test_every_tab_fits_and_is_legible(open_page, size, mode):
    page = open_page(size, mode)
    for tab in TABS:
        go_to_tab(page, tab)
        expect(page.get_by_role("tabpanel").filter(visible=True)).to_have_count(1)
        if tab in SCORED:
            toggle_accordion(page, f"{tab.lower()}-score")
            expect(page.locator(SCORED[tab])).to_be_visible()
        for accordion, mark in ACCORDIONS.get(tab, {}).items():
            toggle_accordion(page, accordion)
            expect(page.locator(mark).first).to_be_visible()
        for each in modes(page, mode):
            check_look(page, f"{tab}, {each}", SMALLEST[size])


def test_the_main_result_fits_one_screen_of_a_projector(open_page):
    page = open_page("projector")
    for tab in TABS:
        go_to_tab(page, tab)
        expect(page.locator(LAST[tab])).to_be_visible()
        expect_bottom(page, LAST[tab], 720)
