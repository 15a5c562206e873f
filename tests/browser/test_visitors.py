"""Small screens, zoom, input methods, scripts from right to left, and browsers that translate the page."""

from playwright.sync_api import expect

from charplay.ui.page import TABS
from tests.browser.conftest import go_to_tab

LABELS = [tab.label for tab in TABS]
SMALL = {"width": 320, "height": 568}
ZOOMED = {"width": 640, "height": 360}  # a projector's 1280 x 720 at 200 %

# What a browser's translator does: each piece of text is replaced by elements with another, longer text.
TRANSLATE = """() => {
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT), texts = [];
  while (walker.nextNode()) texts.push(walker.currentNode);
  const left = 'script, style, textarea, font, [translate="no"], .notranslate';
  for (const text of texts.filter(each => each.data.trim() && !each.parentElement.closest(left))) {
    const outer = document.createElement('font'), inner = document.createElement('font');
    inner.textContent = `${text.data} ${text.data.slice(0, 6)}`;
    outer.append(inner);
    text.replaceWith(outer);
  }
  return document.querySelectorAll('font > font').length;
}"""
KEPT = ("#seen .network", "#bars .shares", "#speech-text .text", "#facts code", ".js-plotly-plot")


def expect_no_sideways_scroll(page) -> None:
    page.wait_for_function("document.documentElement.scrollWidth <= innerWidth")


def check_small_screens(page):
    """Every tab is reached by touch and keyboard; nothing corrects what is typed."""
    for size in (SMALL, ZOOMED):
        page.set_viewport_size(size)
        for label in [*LABELS[1:], LABELS[0]]:
            go_to_tab(page, label)  # fails where something else would take the click
            expect(page.get_by_role("tab", name=label, exact=True)).to_have_attribute("aria-selected", "true")
            expect_no_sideways_scroll(page)
        for label in LABELS[1:]:
            page.keyboard.press("ArrowRight")
            expect(page.get_by_role("tab", name=label, exact=True)).to_be_focused()
            expect(page.get_by_role("tab", name=label, exact=True)).to_have_attribute("aria-selected", "true")
        go_to_tab(page, LABELS[0])
    fields = page.locator("#name input, #prime textarea, #names textarea, #target textarea, #pasted-data textarea")
    assert fields.count() == 5
    for field in fields.all():
        for name, value in (("autocorrect", "off"), ("spellcheck", "false"), ("autocomplete", "off")):
            expect(field).to_have_attribute(name, value)
    for field in (page.locator("#name input"), page.locator("#names textarea")):
        expect(field).to_have_attribute("autocapitalize", "words")


def check_composition(page, keyboard):
    """What an input method composes is answered once it is complete; Latin words letter by letter."""
    name, headline = page.locator("#name input"), page.locator("#headline")
    name.fill("")
    expect(page.locator("#bars .share")).to_have_count(0)
    requests: list[str] = []
    page.on("request", lambda request: requests.append(request.url) if "/queue/join" in request.url else None)

    def compose(text: str) -> None:
        keyboard.send("Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1})
        expect(name).to_have_value(text)

    for syllable in ("ㄱ", "기", "김"):
        compose(syllable)
    assert not requests  # half a syllable is not answered
    keyboard.send("Input.insertText", {"text": "김"})
    expect(headline.locator(".problem")).to_contain_text("김")
    name.fill("")
    expect(headline.locator(".problem")).to_have_count(0)
    compose("Ki")  # as phones compose Latin words: letter by letter
    expect(page.locator("#bars .share").first).to_be_visible()
    keyboard.send("Input.insertText", {"text": "Kim"})
    expect(headline).to_contain_text("Korean")


def check_translation(page):
    """A page whose words a browser has replaced goes on, and what is no language stays as it is."""
    assert page.evaluate(TRANSLATE) > 20
    name, headline = page.locator("#name input"), page.locator("#headline")
    name.fill("Rossi")
    expect(headline).to_contain_text("Italian")
    for tab in [tab.id for tab in reversed(TABS)]:  # beside a header that has become longer
        page.locator(f'[role="tab"][data-tab-id="{tab}"]').click()
        expect(page.locator(f'[role="tab"][data-tab-id="{tab}"]')).to_have_attribute("aria-selected", "true")
        page.evaluate(TRANSLATE)
    page.locator('[role="tab"][data-tab-id="speech"]').click()
    seed = page.locator("#seed-used")
    first = seed.inner_text()
    page.locator("#generate").click()
    expect(seed).not_to_have_text(first)
    expect(page.locator("#stats [data-complete]")).to_be_visible()
    page.locator('[role="tab"][data-tab-id="batches"]').click()
    page.locator("#names textarea").fill("Li\nRossi")
    expect(page.locator("#facts code").filter(has_text="(2, 5)")).to_be_visible()
    page.evaluate(TRANSLATE)
    for part in KEPT:
        assert not page.locator(f"{part} font").count()


def test_the_page_serves_visitors_of_all_kinds(open_page, context):
    page = open_page("phone")  # one for all: it is opened in two seconds
    check_small_screens(page)
    page.set_viewport_size({"width": 1280, "height": 720})
    check_composition(page, context.new_cdp_session(page))
    check_translation(page)
