"""A real Chromium or Chrome on the launched app."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from charplay.workers.client import INFERENCE
from charplay.workers.protocol import Response, WorkerRequest

expect.set_options(timeout=15_000)  # patient, since a shared machine may be slow

SIZES = {"projector": (1280, 720), "phone": (390, 844)}


def go_to_tab(page: Page, label: str) -> None:
    """Opens a tab."""
    page.get_by_role("tab", name=label, exact=True).click()


def expect_network(page: Page, letters: int) -> None:
    """Waits until the network on the Names tab is drawn over a name of that many letters."""
    expect(page.locator("#seen .network")).to_have_attribute("data-letters", str(letters))


def expect_bottom(page: Page, selector: str, most: float) -> None:
    """Waits until an element ends at most so many px under the top of the screen: plots fit themselves once drawn."""
    page.wait_for_function(
        "([selector, most]) => document.querySelector(selector)?.getBoundingClientRect().bottom <= most",
        arg=[selector, most],
    )


def wait_for_transitions(page: Page) -> None:
    """Waits until nothing fades or moves any more, but for what does so without an end."""
    page.evaluate(
        """() => Promise.all(document.getAnimations()
             .filter(each => each.playState === 'running' && Number.isFinite(each.effect.getComputedTiming().endTime))
             .map(each => each.finished.catch(() => null)))"""
    )


@pytest.fixture(scope="session")
def context(browser, app_url):
    """One for all pages. One page stays open: with it the browser's process for the app, and the compiled scripts."""
    context = browser.new_context()
    context.new_page().goto(app_url)
    yield context
    context.close()


@pytest.fixture
def open_page(context, app_url):
    """Opens the app in a page of a size and mode; at the end no page may have complained or asked another host."""
    pages, complaints, strangers = [], [], set()

    def note_request(request):
        host = urlsplit(request.url).netloc
        if host and host != urlsplit(app_url).netloc:
            strangers.add(request.url)

    def open_one(size: str = "projector", mode: str = "light", link: str = "") -> Page:
        width, height = SIZES[size]
        page = context.new_page()
        pages.append(page)
        page.set_viewport_size({"width": width, "height": height})
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", note_request)
        page.goto(f"{app_url}?__theme={mode}{link}")
        page.locator("#bars .share" if not link else "#title").first.wait_for(state="attached")
        return page

    yield open_one
    for page in pages:
        page.close()
    context.clear_permissions()
    assert not complaints
    assert not strangers


class HeldTexts:
    """Holds generated texts back once they have grown: what the page shows while one is generated stays until then.

    A text of 10,000 characters may be complete in little more than a second, before a test looks.
    """

    def __init__(self) -> None:
        self.characters: float = 40  # of a text, or of each of those in one request, from which it grows no further
        self._stream = INFERENCE.stream

    def release(self) -> None:
        """Lets every text grow to its end."""
        self.characters = float("inf")

    async def stream(self, *requests: WorkerRequest) -> AsyncGenerator[list[Response], None]:
        """As `WorkerProcess.stream`; while held, texts end at `characters`, however far they have come."""
        latest: dict[int, Response] = {}
        async with aclosing(self._stream(*requests)) as stream:
            async for responses in stream:
                latest |= {response["index"]: response for response in responses}
                is_held = True
                while is_held:
                    cut = [self._cut(response) for response in responses]
                    is_held = any(map(self._is_longer, responses))
                    yield cut  # at a yield Gradio notices that a page has disconnected
                    if is_held:
                        await asyncio.sleep(0.05)
                    responses = list(latest.values())

    def _is_longer(self, response: Response) -> bool:
        text = response["update"] or response["result"]
        return text is not None and len(text["text"]) > self.characters

    def _cut(self, response: Response) -> Response:
        if not self._is_longer(response):
            return response
        text = response["update"] or response["result"]
        shorter = text | {"text": text["text"][: int(self.characters)]}
        return response | {"update": shorter, "result": None, "is_done": False}


@pytest.fixture
def held_texts(monkeypatch) -> HeldTexts:
    """Holds back what the launched app, which is in this process, has generated."""
    held = HeldTexts()
    monkeypatch.setattr(INFERENCE, "stream", held.stream)
    return held
