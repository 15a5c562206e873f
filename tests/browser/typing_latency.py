"""The latency of typing: python -m tests.browser.typing_latency prints key press to new plot, one user, as JSON."""

import argparse
import json
import os
import shutil
import statistics

from playwright.sync_api import Page, sync_playwright

from charplay.ui import page
from tests.browser.conftest import SIZES
from tests.conftest import BROWSERS

# No spaces: one at the end changes nothing, and what does not change is not rendered again.
NAMES = ("Nguyen", "O'Brien-Yamamoto", "Kowalczyk", "Papadopoulos", "Sheehy")
PAUSE = 100  # ms after a letter is on the page before the next one: 3 to 5 letters a second
TARGETS = {"median": 120, "p95": 200}  # ms, from the key press to the bars rendered again

# A plot counts as rendered in the first frame whose HTML differs from that at the key press.
WATCH = """(plots) => {
  const html = plot => document.querySelector(plot)?.innerHTML;
  let pressed = 0, before = [], frames = {};
  addEventListener('keydown', event => {
    pressed = event.timeStamp; frames = {};
    before = plots.map(html);
  }, true);
  const eachFrame = () => {
    if (pressed) plots.forEach((plot, index) => {
      if (!(plot in frames) && html(plot) !== before[index]) frames[plot] = performance.now() - pressed;
    });
    requestAnimationFrame(eachFrame);
  };
  requestAnimationFrame(eachFrame);
  window.renderedAfter = () => plots.every(plot => plot in frames) ? {...frames} : null;
}"""


def measure(shown: Page, names: tuple[str, ...], plots: list[str]) -> dict[str, list[float]]:
    """Types `names` letter by letter; milliseconds from each key press until each of `plots` is rendered.

    Args:
        shown: the page, its accordions opened.
        names: what to type.
        plots: selectors of elements that hold none of Gradio's own marks of a running event.
    """
    shown.evaluate(WATCH, plots)
    taken: dict[str, list[float]] = {plot: [] for plot in plots}
    box = shown.locator("#name input")
    for name in names:
        box.fill("")
        shown.wait_for_timeout(5 * PAUSE)
        for letter in name:
            box.press_sequentially(letter)
            frames = shown.wait_for_function("renderedAfter()", polling=10).json_value()
            for plot, milliseconds in frames.items():
                taken[plot].append(milliseconds)
            shown.wait_for_timeout(PAUSE)
    return taken


def summary(milliseconds: list[float]) -> dict[str, float]:
    """Median, 95th percentile and slowest, in ms."""
    ranked = sorted(milliseconds)
    return {
        "keys": len(ranked),
        "median": round(statistics.median(ranked), 1),
        "p95": round(ranked[min(len(ranked) - 1, int(0.95 * len(ranked)))], 1),
        "slowest": round(ranked[-1], 1),
    }


def main() -> None:
    """Launches the app, opens the accordion unless --closed, types, and prints the latencies."""
    parser = argparse.ArgumentParser(description="key press to new plot, one user")
    parser.add_argument("--closed", action="store_true", help="with every accordion closed")
    parser.add_argument("--lesson", action="store_true", help="with the lesson open beside the tab")
    arguments = parser.parse_args()
    plots = ["#bars table"] if arguments.closed else ["#bars table", "#prefixes table"]
    demo = page.build()
    _, url, _ = demo.launch(prevent_thread_lock=True, server_name="127.0.0.1", quiet=True, **page.launch_arguments())
    width, height = SIZES["projector"]
    try:
        with sync_playwright() as playwright:
            path = next(filter(None, map(shutil.which, BROWSERS)))
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            shown = browser.new_page(viewport={"width": width, "height": height})
            shown.goto(url)
            shown.locator("#bars .share").first.wait_for()
            if arguments.lesson:
                shown.locator("#lesson-button").click()
                shown.locator("#name input:focus, #lesson h2:focus").wait_for()
                shown.wait_for_function("document.querySelector('#name input')?.value === 'A'")
            if not arguments.closed:
                shown.locator("#prefixes-accordion button").first.click()
                shown.locator("#prefixes td").first.wait_for()
            taken = measure(shown, NAMES, plots)
            browser.close()
    finally:
        demo.close()
    print(
        json.dumps(
            {
                "prefixes_open": not arguments.closed,
                "lesson_open": arguments.lesson,
                "milliseconds": {plot: summary(times) for plot, times in taken.items()},
                "targets": TARGETS,
                "cores": os.cpu_count(),
                "load_over_the_last_minute": round(os.getloadavg()[0], 2),
            },
            indent=1,
        )
    )


if __name__ == "__main__":
    main()
