"""A real Chromium or Chrome on the launched app."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page, Request, expect

from charplay.workers.client import INFERENCE
from charplay.workers.protocol import Response, WorkerRequest

PATIENCE = 30_000  # ms for a condition: a shared machine may be slow
expect.set_options(timeout=PATIENCE)

SIZES = {"projector": (1280, 720), "phone": (390, 844)}


def go_to_tab(page: Page, label: str) -> None:
    """Opens a tab."""
    page.get_by_role("tab", name=label, exact=True).click()


def toggle_accordion(page: Page, element_id: str) -> None:
    """Opens an accordion, or collapses it; by a key: what still arrives moves it away from under a mouse."""
    header = page.locator(f"#{element_id} .label-wrap").first
    classes = header.get_attribute("class")
    header.press("Enter")
    expect(header).not_to_have_attribute("class", classes or "")


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


def modes(page: Page, mode: str) -> Iterator[str]:
    """The mode in which a page was opened, which it must show; then the other one, to which it is switched."""
    is_dark = "document.body.classList.contains('dark')"
    for each in (mode, "light" if mode == "dark" else "dark"):
        if each != mode:
            page.evaluate("document.body.classList.toggle('dark')")
        assert page.evaluate(is_dark) == (each == "dark")
        yield each
    page.evaluate("document.body.classList.toggle('dark')")


@pytest.fixture(scope="session")
def context(browser, app_url):
    """One for all pages. One page stays open: with it the browser's process for the app, and the compiled scripts."""
    context = browser.new_context()
    context.set_default_timeout(2 * PATIENCE)  # of what takes several conditions, such as opening the page
    context.new_page().goto(app_url)
    yield context
    context.close()


class OpenedPage:
    """A page of the app, with what it does that no page may do, and whether it waits for an answer."""

    def __init__(self, context: BrowserContext, app_url: str, size: str, mode: str, link: str = "") -> None:
        self._viewport = dict(zip(("width", "height"), SIZES[size], strict=True))
        self._host = urlsplit(app_url).netloc
        self._complaints: list[str] = []
        self._strangers: set[str] = set()  # addresses on other hosts
        self._awaited: set[Request] = set()  # that start events, or bring their answers
        self.page = page = context.new_page()
        page.set_viewport_size(self._viewport)
        page.on("console", lambda message: self._complaints.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: self._complaints.append(str(error)))
        page.on("request", self._note)
        page.on("requestfinished", lambda request: self._awaited.discard(request))
        page.on("requestfailed", lambda request: self._awaited.discard(request))
        page.goto(f"{app_url}?__theme={mode}{link}")
        page.locator("#bars .share" if not link else "#title").first.wait_for(state="attached")

    def _note(self, request: Request) -> None:
        host, path = urlsplit(request.url)[1:3]
        if host and host != self._host:
            self._strangers.add(request.url)
        if path.endswith(("/queue/join", "/queue/data")):
            self._awaited.add(request)

    def set(self, link: str) -> None:
        """Sets the tabs that a link speaks of as it says, all else in them as at first; waits for what follows."""
        self.page.bring_to_front()  # behind another page it would have a frame a second
        self.page.set_viewport_size(self._viewport)
        self.page.evaluate(SET_BY_LINK, link)
        self.page.wait_for_function("link => window.isSet && link.includes(charplayLinks.currentTab())", arg=link)
        self.wait_for_answers()

    def wait_for_answers(self) -> None:
        """Returns when the page waits for none, and none has had another event follow."""
        quiet = 0  # times that nothing was awaited, a few frames apart
        for _ in range(MAX_ROUNDS):
            self.page.evaluate(AFTER_FRAMES)
            quiet = 0 if self._awaited else quiet + 1
            if quiet == 3:
                return
        pytest.fail("The page does not cease to wait for answers.")

    def check(self) -> None:
        """Asserts that since the last time it has not complained, nor requested anything of another host."""
        complaints, strangers = self._complaints.copy(), self._strangers.copy()
        self._complaints.clear()
        self._strangers.clear()
        assert not complaints
        assert not strangers


SET_BY_LINK = """link => {
  const {opened} = charplayLinks;
  window.isSet = false;
  scrollTo(0, 0);
  charplayLinks.opened = () => {
    charplayLinks.opened = opened;
    opened();
    window.isSet = true;
  };
  charplayLinks.show(link);
}"""
MAX_ROUNDS = 1_000  # of two frames each, until nothing is awaited any more
AFTER_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(done))))"


@pytest.fixture
def open_page(context, app_url):
    """Opens the app in a page of a size and mode; at the end no page may have complained or asked another host."""
    opened: list[OpenedPage] = []

    def open_one(size: str = "projector", mode: str = "light", link: str = "") -> Page:
        opened.append(OpenedPage(context, app_url, size, mode, link))
        return opened[-1].page

    yield open_one
    for each in opened:
        each.page.close()
    context.clear_permissions()
    for each in opened:
        each.check()


@pytest.fixture(scope="module")
def used_pages(context) -> Iterator[dict[str, OpenedPage]]:
    """The pages that the tests of a file take one after the other, by their size."""
    pages: dict[str, OpenedPage] = {}
    yield pages
    for each in pages.values():
        each.page.close()


@pytest.fixture
def new_page(used_pages) -> None:
    """Has `use_page` open another page: for a test that needs one whose accordions have shown nothing yet."""
    while used_pages:
        used_pages.popitem()[1].page.close()


@pytest.fixture
def use_page(request, used_pages, context, app_url):
    """Sets a page of a size as a link says; at the end it may not have complained or asked another host.

    The page may be one that an earlier test of the file has used: to set it costs a fraction of what another costs. A
    test whose result depends on more than what a link sets has a page of its own.
    """

    def use(link: str, size: str = "projector") -> Page:
        if size not in used_pages:
            used_pages[size] = OpenedPage(context, app_url, size, "light")
        used_pages[size].set(link)
        return used_pages[size].page

    failed = request.session.testsfailed
    yield use
    context.clear_permissions()
    used = list(used_pages.values())
    if request.session.testsfailed > failed:  # they may be in a state that the next test does not expect
        used_pages.clear()
        for each in used:
            each.page.close()
    for each in used:
        each.check()


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
                    # Not before all have begun: while they are held, nothing of the others is received.
                    have_begun = len(latest) == len(requests) and all(map(self._has_begun, latest.values()))
                    is_held = have_begun and any(map(self._is_longer, latest.values()))
                    yield list(map(self._cut, latest.values()))  # at a yield Gradio notices a disconnected page
                    if is_held:
                        await asyncio.sleep(0.05)

    def _has_begun(self, response: Response) -> bool:
        text = response["update"] or response["result"]
        return text is None or bool(text["text"])

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


@pytest.fixture
def speech(use_page):
    """The Speech tab. Its accordions are closed; until one has its answer it may show that of the test before."""
    return use_page("tab=speech")
