"""What a user sets while an answer is under way that sets it, too."""

import asyncio
import threading

import pytest
from playwright.sync_api import expect

from charplay.models import checkpoints
from charplay.ui import inference_client
from charplay.ui.batches import panels
from charplay.ui.speech import steering
from tests.browser.conftest import PATIENCE, go_to_tab


class HeldQueries:
    """Holds back the answers to queries of one name, with certain arguments."""

    def __init__(self) -> None:
        self.name, self.arguments, self.waiting = "", {}, 0
        self._query = inference_client.query

    async def query(self, checkpoint, name, **arguments):
        answer = await self._query(checkpoint, name, **arguments)
        is_held = name == self.name and self.arguments.items() <= arguments.items()
        self.waiting += is_held
        while is_held and name == self.name:
            await asyncio.sleep(0.02)
        return answer


@pytest.fixture
def held(monkeypatch):
    """Of the launched app, which is in this process."""
    queries = HeldQueries()
    monkeypatch.setattr(inference_client, "query", queries.query)
    yield queries
    queries.name = ""


def wait_until(page, condition):
    """Waits on a condition outside of the page, as long as on one in it; a page that waits lets the app go on."""
    for _ in range(PATIENCE // 20):
        if condition():
            return
        page.wait_for_timeout(20)
    pytest.fail("What is waited for does not come.")


def wait_until_waiting(page, held, count):
    wait_until(page, lambda: held.waiting >= count)


def test_a_late_answer_leaves_what_was_set_meanwhile(open_page, held):
    held.name = "trackers"
    page = open_page(link="#tab=speech&open=one-neuron")
    wait_until_waiting(page, held, 1)
    label, value = steering.choices(checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech.safetensors"))[1]
    layer, unit, _ = steering.parse_choice(value)
    page.get_by_label(label, exact=True).check()
    sliders = [page.locator(f"#{name} input[type=number]") for name in ("layer", "neuron")]
    for slider, number in zip(sliders, (layer, unit), strict=True):
        expect(slider).to_have_value(str(number))
    expect(page.locator("#neuron-text i").first).to_be_attached()
    of_unit = page.locator("#natural-range").inner_text()
    held.name = ""
    expect(page.locator("#found label").first).to_be_visible()
    expect(page.get_by_label(label, exact=True)).to_be_checked()
    for slider, number in zip(sliders, (layer, unit), strict=True):
        expect(slider).to_have_value(str(number))
    expect(page.locator("#natural-range")).to_have_text(of_unit)

    go_to_tab(page, "Speech")
    held.name, held.waiting = "likeliest_next", 0
    prime, length = page.locator("#prime textarea"), page.locator("#prime-length input[type=number]")
    prime.fill("We will win")
    wait_until_waiting(page, held, 1)
    prime.fill("We will win it")  # which is sent when the first has been answered
    length.fill("4")
    length.press("Tab")
    held.name = ""
    expect(page.locator("#prime-length input[type=range]")).to_have_attribute("max", str(len("We will win it")))
    expect(length).to_have_value("4")
    prime.fill("We will lose")  # new words are read whole
    expect(length).to_have_value(str(len("We will lose")))


COME_AGAIN = """() => {
  const place = document.querySelector('#step-counts [data-step]').parentElement;
  place.innerHTML = place.innerHTML.replaceAll(/<div data-step="(\\d+)"( hidden="")?>/g,
    (_, step) => `<div data-step="${step}"${step === '0' ? '' : ' hidden=""'}>`);
}"""
NOTE_CHANGES = """selector => new MutationObserver(() => { window.hasChanged = true; })
  .observe(document.querySelector(selector), {attributes: true, childList: true, subtree: true})"""


def test_a_late_answer_leaves_the_step_and_the_character_that_were_chosen_meanwhile(open_page, held, monkeypatch):
    page = open_page(link="#tab=batches&open=step-by-step")
    step = page.locator("#step input[type=number]")
    expect(page.locator("#step-counts [data-step]").first).to_be_visible()
    compare, is_released, has_come = panels.compare, threading.Event(), threading.Event()

    def held_compare(*arguments, **options):
        has_come.set()
        is_released.wait(60)
        return compare(*arguments, **options)

    monkeypatch.setattr(panels, "compare", held_compare)
    page.locator("#names textarea").fill("Kowalczyk\nNg")
    wait_until(page, has_come.is_set)
    step.fill("2")
    step.press("Tab")
    shown = page.locator("#step-counts [data-step]:visible")
    expect(shown).to_have_attribute("data-step", "2")  # the page has noted the move
    is_released.set()
    expect(page.locator("#step-counts [data-step]")).to_have_count(len("Kowalczyk"))
    expect(step).to_have_value("2")
    expect(shown).to_have_attribute("data-step", "2")
    page.evaluate(COME_AGAIN)  # as late as that on a busy machine
    expect(shown).to_have_attribute("data-step", "2")

    page.evaluate("location.hash = '#tab=speech&open=influence'")
    cells = page.locator("#influence-text i")
    expect(cells.first).to_be_visible()
    end = cells.count() - 1
    expect(page.locator("#influence-text .selected")).to_have_text("▯")
    held.name, held.arguments, held.waiting = "influence", {"at": end}, 0
    page.locator("#which input:checked").dispatch_event("change")  # the text is looked into once more
    wait_until_waiting(page, held, 1)
    cells.nth(9).click()
    expect(page.locator("#influence-rnn [aria-valuenow]")).to_have_attribute("aria-valuenow", "10")
    about = page.locator("#influence-reach").inner_text()
    page.evaluate(NOTE_CHANGES, "#influence-rnn")
    held.name = ""
    page.wait_for_function("window.hasChanged")
    expect(page.locator("#influence-rnn [aria-valuenow]")).to_have_attribute("aria-valuenow", "10")
    expect(page.locator("#influence-reach")).to_have_text(about)


# The user moves the slider when Gradio has read the controls for the answer about nine steps, and has not set them yet.
MOVE_DURING_THE_ANSWER = """() => {
  const {parse} = JSON;
  JSON.parse = text => {
    if (typeof text === 'string' && text.includes('"maximum": 8')) {
      JSON.parse = parse;
      const range = document.querySelector('#step input[type=range]');
      range.value = 2;
      range.dispatchEvent(new Event('input', {bubbles: true}));
      window.hasMoved = true;
    }
    return parse(text);
  };
}"""


def test_an_answer_leaves_what_is_set_in_the_moment_in_which_it_comes(open_page):
    page = open_page(link="#tab=batches&open=step-by-step")
    step = page.locator("#step input[type=number]")
    expect(page.locator("#step-counts [data-step]").first).to_be_visible()
    page.evaluate(MOVE_DURING_THE_ANSWER)
    page.locator("#names textarea").fill("Kowalczyk\nNg")
    page.wait_for_function("window.hasMoved")
    expect(page.locator("#step-counts [data-step]")).to_have_count(len("Kowalczyk"))
    expect(page.locator("#step-counts [data-step]:visible")).to_have_attribute("data-step", "2")
    expect(step).to_have_value("2")
