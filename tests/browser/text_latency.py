"""How soon a long text is coloured, and whether it still scrolls smoothly: python -m tests.browser.text_latency

Pastes 20,000 characters into a launched app and prints a JSON object: for each of several texts the seconds from the
button to the painted colours, and, with all three accordions open, the milliseconds between the frames of a page that
scrolls.
"""

import json
import os
import random
import shutil
import statistics

from playwright.sync_api import Page, sync_playwright

from charplay import limits
from charplay.ui import page
from tests.browser.conftest import SIZES
from tests.conftest import BROWSERS

ACCORDIONS = ("surprisal", "candidates", "neuron")
TEXTS = 5
WORDS = ("the", "of", "and", "to", "in", "we", "that", "is", "our", "for", "it", "with", "this", "will", "not", "world")

# Presses the button; gives the seconds until the colours of `length` characters have been painted.
COLOURED = """([accordion, length]) => new Promise(done => {
  const box = document.querySelector(`#${accordion}-text .colored-text`), start = performance.now();
  new MutationObserver((changes, observer) => {
    if (box.querySelectorAll('i[class^=l]').length < length - 1) return;
    observer.disconnect();
    requestAnimationFrame(() => requestAnimationFrame(() => done((performance.now() - start) / 1000)));
  }).observe(box, {childList: true, subtree: true, attributes: true, attributeFilter: ['class', 'aria-valuetext']});
  document.querySelector('#read-this').click();
})"""

# Scrolls what `selector` finds (or the page) by 60 px a frame; gives the milliseconds between its frames.
FRAMES = """selector => new Promise(done => {
  const box = selector ? document.querySelector(selector) : document.scrollingElement, frames = [];
  let last = null;
  const frame = now => {
    if (last !== null) frames.push(now - last);
    last = now;
    box.scrollTop += 60;
    frames.length < 150 ? requestAnimationFrame(frame) : done(frames);
  };
  requestAnimationFrame(frame);
})"""


def sample(seed: int) -> str:
    """20,000 characters in sentences and paragraphs."""
    chance, text = random.Random(seed), ""
    while len(text) < limits.MAX_DOCUMENT_CHARACTERS:
        words = [chance.choice(WORDS) for _ in range(chance.randint(5, 25))]
        text += " ".join(words).capitalize() + chance.choice([". ", ". ", ". ", ".\n\n"])
    return text[: limits.MAX_DOCUMENT_CHARACTERS - 1] + "."


def smoothness(shown: Page, selector: str | None) -> dict[str, float]:
    """Median, 95th percentile and largest of the milliseconds between frames."""
    frames = sorted(shown.evaluate(FRAMES, selector))
    return {
        "median_ms": round(statistics.median(frames), 1),
        "p95_ms": round(frames[int(0.95 * len(frames))], 1),
        "largest_ms": round(frames[-1], 1),
    }


def measure(url: str) -> dict[str, object]:
    """The figures of the app at `url`."""
    path = next(filter(None, map(shutil.which, BROWSERS)))
    width, height = SIZES["projector"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
        shown = browser.new_page(viewport={"width": width, "height": height})
        shown.goto(url)
        shown.get_by_role("tab", name="Speech", exact=True).click()
        shown.get_by_label("a text of my own").check()
        shown.locator("#surprisal-accordion button").first.click()
        seconds = []
        for seed in range(TEXTS):
            shown.locator("#user-text textarea").fill(sample(seed))
            seconds.append(round(shown.evaluate(COLOURED, ["surprisal", limits.MAX_DOCUMENT_CHARACTERS]), 2))
        result = {"characters": limits.MAX_DOCUMENT_CHARACTERS, "seconds": seconds}
        for accordion in ACCORDIONS[1:]:
            shown.locator(f"#{accordion}-accordion button").first.click()
            shown.locator(f"#{accordion}-text .colored-text i").first.wait_for()
        result["elements"] = shown.evaluate("document.querySelectorAll('*').length")
        result["scrolling_text"] = smoothness(shown, "#surprisal-text .colored-text")
        shown.evaluate("scrollTo(0, 0)")
        result["scrolling_page"] = smoothness(shown, None)
        browser.close()
    return result | {"load": round(os.getloadavg()[0], 2), "cores": os.cpu_count()}


def main() -> None:
    """Launches the app and prints its figures."""
    demo = page.build()
    _, url, _ = demo.launch(prevent_thread_lock=True, server_name="127.0.0.1", quiet=True, **page.launch_arguments())
    try:
        print(json.dumps(measure(url)))
    finally:
        demo.close()


if __name__ == "__main__":
    main()
