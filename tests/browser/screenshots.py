"""The README's pictures: python -m tests.browser.screenshots writes one real screenshot of each tab."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

from charplay.ui import page
from tests.browser.conftest import SIZES
from tests.conftest import BROWSERS

DIRECTORY = Path(__file__).parent / "screenshots"
# The tabs, and what is seen once that is there which a tab computes when it is opened first.
LATER = {
    "Names": None,
    "Invent": None,
    "Speech": None,
    "Batches": None,
    "Teacher forcing": "#second-decoder .decoded",
    "Train": "#data-summary .tiles :text('about')",
}


def main() -> None:
    """Launches the app, opens each tab with its example and takes its picture."""
    DIRECTORY.mkdir(exist_ok=True)
    demo = page.build()
    _, url, _ = demo.launch(prevent_thread_lock=True, server_name="127.0.0.1", quiet=True, **page.launch_arguments())
    width, height = SIZES["projector"]
    try:
        with sync_playwright() as playwright:
            path = next(filter(None, map(shutil.which, BROWSERS)))
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            shown = browser.new_page(viewport={"width": width, "height": height})
            shown.goto(f"{url}?__theme=light")
            shown.locator("#bars .share").first.wait_for()
            for tab, is_computed in LATER.items():
                shown.get_by_role("tab", name=tab, exact=True).click()
                if is_computed:
                    shown.locator(is_computed).first.wait_for()
                shown.mouse.move(0, 0)
                shown.wait_for_timeout(1000)  # plotly fits its pictures to the tab after it has opened
                shown.screenshot(path=DIRECTORY / f"{tab.lower().replace(' ', '-')}.png")
            browser.close()
    finally:
        demo.close()


if __name__ == "__main__":
    main()
