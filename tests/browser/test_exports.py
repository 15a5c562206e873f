"""What is taken home: plots, tables and texts as files."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
from playwright.sync_api import Page, expect

import charplay
from tests.browser.conftest import go_to_tab, toggle_accordion
from tests.generated_again import generated_again

# The texts that the visible buttons of a tab lie over.
COVERED = """() => {
  const meet = (a, b) => a.left < b.right && a.right > b.left && a.top < b.bottom && a.bottom > b.top;
  const buttons = [...document.querySelectorAll('.export')].filter(each => each.checkVisibility());
  const boxes = buttons.map(each => each.getBoundingClientRect()), covered = [];
  const texts = document.createTreeWalker(document.querySelector('.tabs'), NodeFilter.SHOW_TEXT), range = new Range();
  while (texts.nextNode()) {
    const {data, parentElement: parent} = texts.currentNode;
    if (!data.trim() || parent.closest('.screen-reader, .sr-only, style, title') || !parent.checkVisibility()) continue;
    range.selectNodeContents(texts.currentNode);
    for (const box of range.getClientRects()) if (boxes.some(each => meet(each, box))) covered.push(data);
  }
  return [buttons.length, covered];
}"""


def save(page: Page, what: str, label: str) -> Path:
    """The file that a button's menu gives, by keyboard."""
    page.get_by_role("button", name=f"Save the {what}", exact=True).press("Enter")
    items = page.get_by_role("menuitem")
    expect(items.first).to_be_focused()
    labels = items.all_inner_texts()
    for _ in range(next(at for at, each in enumerate(labels) if label in each)):
        page.keyboard.press("ArrowDown")
    expect(items.filter(has_text=label)).to_be_focused()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = Path(download.value.path())
    return path.rename(path.with_name(download.value.suggested_filename))


def rows(path: Path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8"))))


TEXTS = "([element, count]) => document.querySelectorAll(`#${element} [data-request]`).length === count"
IS_IDLE = "([element, label]) => document.getElementById(element).innerText === label"


def texts_that_can_be_saved(page: Page) -> Iterator[tuple[str, str, dict]]:
    """Of each kind of texts on the Speech tab but the one that is shown first: what is saved, text by text."""
    page.locator("#length input[type=number]").fill("40")
    for accordion, element, count, press, label, name in (
        ("temperatures-accordion", "temperatures", 3, "compare", "Compare", "texts at three temperatures"),
        ("neuron-accordion", "steering", 2, "steer", "Write both", "texts with and without the held unit"),
        ("beam-accordion", "beams", 3, "", "", "texts of beam search"),
    ):
        toggle_accordion(page, accordion)
        if press:
            page.locator(f"#{press}").click()
        page.wait_for_function(TEXTS, arg=[element, count])
        if press:
            page.wait_for_function(IS_IDLE, arg=[press, label])
        saved = json.loads(save(page, name, "JSON").read_text(encoding="utf-8"))
        assert len(saved) == count
        for each in saved:
            yield name, each.pop("text"), each
    for temperature in ("0", "1.9"):
        before = page.locator("#text").inner_text()
        page.locator("#temperature input[type=number]").fill(temperature)
        page.locator("#next-character").click()
        expect(page.locator("#text")).not_to_have_text(before)
    saved = json.loads(save(page, "generated text", "JSON").read_text(encoding="utf-8"))
    assert [each["temperature"] for each in saved["steps"]][-2:] == [0, 1.9]
    yield "steps", saved.pop("text"), saved


def test_what_a_tab_shows_can_be_saved_by_keyboard(open_page):
    page = open_page("phone", "dark")
    page.locator("#name input").fill("O'Brien")
    expect(page.locator("#headline b")).to_have_text("Irish")
    table = save(page, "probabilities", "CSV table")
    assert table.name == "charplay-names-probabilities-O-Brien.csv"
    expected = charplay.load("names").classify("O'Brien")["probabilities"]
    assert {label: float(share) for label, share in rows(table)[1:]} == pytest.approx(expected, abs=1e-5)
    drawing = ElementTree.parse(save(page, "network", "SVG drawing")).getroot()
    assert "Irish" in "".join(drawing.itertext())
    assert not drawing.findall(".//*[@class]")
    assert save(page, "network", "PNG image").read_bytes().startswith(b"\x89PNG")
    assert page.evaluate(COVERED) == [2, []]

    go_to_tab(page, "Speech")
    saved = json.loads(save(page, "generated text", "JSON").read_text(encoding="utf-8"))
    text = saved.pop("text")
    assert charplay.load(saved.pop("model")).generate(**saved) == text
    for name, text, settings in texts_that_can_be_saved(page):
        assert generated_again(charplay.load("speech").checkpoint, settings) == text, name

    go_to_tab(page, "Batches")
    page.locator("#names textarea").fill("=1+1\n<img src=x>")
    expect(page.locator("#padded .ytick", has_text="<img src=x>")).to_be_visible()
    cells = rows(save(page, "padded batch", "CSV table"))
    assert cells[0] == ["row", "time", "text"]
    assert [cell for row, time, cell in cells if row == "'=1+1"][:4] == ["'=", "1", "'+", "1"]
    assert ["<img src=x>", "0", "<"] in cells
    drawing = ElementTree.parse(save(page, "padded batch", "SVG drawing")).getroot()
    assert "<img src=x>" in "".join(drawing.itertext())
    assert page.evaluate(COVERED) == [3, []]


COLOUR = "element => getComputedStyle(element).color"
HOSTILE = "<img src=x onerror=alert(1)>\n</style><script>alert(2)</script>\n' onload=alert(3) x='"


def test_a_saved_tab_opens_offline_shows_the_same_and_runs_nothing(open_page, browser):
    page = open_page("projector", "dark")
    go_to_tab(page, "Batches")
    page.locator("#names textarea").fill(HOSTILE)
    expect(page.locator("#padded .ytick", has_text="<img src=x")).to_be_visible()
    for accordion in ("unmasked-accordion", "code-accordion"):
        toggle_accordion(page, accordion)
    expect(page.locator("#unmasked tbody td")).to_have_count(12)
    expect(page.locator("#code pre")).to_contain_text("onerror")
    page.locator(".link-options summary").click()
    with page.expect_download() as download:
        page.get_by_role("button", name="Save this tab").press("Enter")
    path = Path(download.value.path())
    path = path.rename(path.with_name(download.value.suggested_filename))
    assert path.suffix == ".html"
    source = path.read_text(encoding="utf-8")
    assert not [part for part in ("<script", "<img src=x", "gradio.js", "<input", "<button") if part in source]

    context = browser.new_context(offline=True)
    saved, requests = context.new_page(), []
    saved.on("request", lambda request: requests.append(request.url.partition(":")[0]))
    saved.on("dialog", lambda dialog: requests.append(dialog.message))
    saved.goto(path.as_uri())
    assert set(requests) <= {"file", "data"}
    for selector in ("#code pre", "#unmasked tbody", "#facts .tiles"):
        shown = page.locator(selector).text_content()
        assert shown in saved.locator(selector.partition(" ")[2]).all_text_contents()
    expect(saved.locator("dd", has_text="onerror=alert")).to_have_text(HOSTILE)
    drawn = "images => images.map(each => each.complete && each.naturalWidth > 100)"
    assert saved.locator("img").evaluate_all(drawn) == [True] * 3
    attributes = "all => all.flatMap(each => each.getAttributeNames()).filter(name => name.startsWith('on'))"
    assert saved.locator("*").evaluate_all(attributes) == []
    assert saved.locator("a").get_attribute("href").startswith(page.url.partition("?")[0])
    colours = [each.locator(".gradio-container").evaluate(COLOUR) for each in (page, saved)]
    assert colours[0] == colours[1]
    context.close()
