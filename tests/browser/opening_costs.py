"""What a visitor's opening of the page costs: python -m tests.browser.opening_costs prints it as JSON.

Each figure once as the page is, and once as Gradio sends it: nothing cached, patched, or changed in its head.
"""

import json
import shutil
import subprocess
import sys
import time
from urllib.parse import urlsplit

from playwright.sync_api import BrowserContext, sync_playwright

from charplay.ui import page
from charplay.ui.cached_responses import CachedResponses
from charplay.ui.frontend_patches import PatchedFrontend
from charplay.ui.page_head import PageHead
from tests.browser.conftest import SIZES
from tests.browser.test_frontend_patches import COUNT_FRAMES
from tests.conftest import BROWSERS

OURS = (CachedResponses, PatchedFrontend, PageHead)
VISITORS = 200  # who open the page at once
PAGES = 5  # opened in the browser, of which the quickest counts: other processes slow some down
SETTLE_SECONDS = 6  # from the first bars to a page at rest
REST_SECONDS = 5
# In a process of its own: what it computes is none of the server's.
FETCH = """
import http.client, json, sys, threading, time
host, paths, visitors = json.loads(sys.argv[1])
sizes = []
def visit():
    connection, received = http.client.HTTPConnection(host), 0
    for path in paths:
        connection.request("GET", path, headers={"Accept-Encoding": "gzip, br"})
        response = connection.getresponse()
        assert response.status == 200
        received += len(response.read())
    sizes.append(received)
threads = [threading.Thread(target=visit) for _ in range(visitors)]
start = time.perf_counter()
for thread in threads: thread.start()
for thread in threads: thread.join()
assert len(sizes) == visitors
print(json.dumps([sizes[0], time.perf_counter() - start]))
"""


def fetch(host: str, paths: list[str], visitors: int) -> tuple[float, float]:
    """So many visitors fetch the page and its files at once: the bytes of each, seconds until the last has them."""
    arguments = json.dumps([host, paths, visitors])
    done = subprocess.run([sys.executable, "-c", FETCH, arguments], capture_output=True, text=True, check=True)
    size, seconds = json.loads(done.stdout)
    return size, seconds


def open_page(context: BrowserContext, url: str) -> tuple[list[str], float, float]:
    """Opens the page: the paths of its files, seconds that its thread worked to start, frames a second at rest."""
    paths: list[str] = []
    shown = context.new_page()
    shown.on("request", lambda request: paths.append(urlsplit(request.url).path) if request.method == "GET" else None)
    metrics = context.new_cdp_session(shown)
    metrics.send("Performance.enable")
    shown.goto(url)
    shown.locator("#bars .share").first.wait_for()
    shown.wait_for_timeout(1000 * SETTLE_SECONDS)
    found = {each["name"]: each["value"] for each in metrics.send("Performance.getMetrics")["metrics"]}
    before = shown.evaluate("window.frames_")
    shown.wait_for_timeout(1000 * REST_SECONDS)
    frames = (shown.evaluate("window.frames_") - before) / REST_SECONDS
    shown.close()
    return paths, found["TaskDuration"], frames


def measure(is_plain: bool) -> dict[str, float]:
    """The figures of one launched app."""
    demo, arguments = page.build(), page.launch_arguments()
    if is_plain:
        middleware = arguments["app_kwargs"]["middleware"]
        arguments["app_kwargs"]["middleware"] = [each for each in middleware if each.cls not in OURS]
    _, url, _ = demo.launch(prevent_thread_lock=True, server_name="127.0.0.1", quiet=True, **arguments)
    width, height = SIZES["projector"]
    try:
        with sync_playwright() as playwright:
            path = next(filter(None, map(shutil.which, BROWSERS)))
            browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", "--disable-gpu"])
            context = browser.new_context(viewport={"width": width, "height": height})
            context.add_init_script(COUNT_FRAMES)
            paths, *_ = open_page(context, url)  # later ones find the files in the browser's cache
            opened = [open_page(context, url) for _ in range(PAGES)]
            browser.close()
        fetch(urlsplit(url).netloc, paths, 1)
        start = time.process_time()
        size, seconds = fetch(urlsplit(url).netloc, paths, VISITORS)
        server = (time.process_time() - start) / VISITORS
    finally:
        demo.close()
    return {
        "files": len(paths),
        "kilobytes": round(size / 1000),
        "class_seconds": round(seconds, 1),
        "server_ms": round(1000 * server, 1),
        "browser_ms": round(1000 * min(seconds for _, seconds, _ in opened)),
        "frames_per_second_at_rest": min(frames for _, _, frames in opened),
    }


def main() -> None:
    """Prints both."""
    as_it_is = measure(is_plain=False)
    print(json.dumps({"as_it_is": as_it_is, "as_gradio_sends_it": measure(is_plain=True)}, indent=1))


if __name__ == "__main__":
    main()
