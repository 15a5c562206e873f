"""A set-up that is made by hand on a tab and copied there opens the same elsewhere: compared element by element."""

import re
from collections.abc import Iterator
from html import escape
from urllib.parse import urlencode

import pytest
from playwright.sync_api import BrowserContext, expect

from charplay.ui import links
from charplay.workers.client import INFERENCE
from charplay.workers.protocol import WorkerRequest
from tests.browser import saved_link, set_ups
from tests.browser.conftest import SIZES
from tests.browser.set_ups import SET_UPS, Made


@pytest.fixture(scope="module")
def made(context, app_url) -> Iterator[Made]:
    """The page on which all set-ups were made."""
    page = context.new_page()
    width, height = SIZES["projector"]
    page.set_viewport_size({"width": width, "height": height})
    page.goto(app_url)
    page.locator("#bars .share").first.wait_for()
    yield set_ups.make_all(page)
    page.close()


@pytest.fixture
def texts(monkeypatch) -> list[WorkerRequest]:
    """What is generated from now on."""
    requests: list[WorkerRequest] = []
    stream = INFERENCE.stream

    def noted(*wanted: WorkerRequest):
        requests.extend(wanted)
        return stream(*wanted)

    monkeypatch.setattr(INFERENCE, "stream", noted)
    return requests


@pytest.fixture(scope="module")
def other_browser(browser) -> Iterator[BrowserContext]:
    """A browser that knows nothing of the page on which the set-ups were made."""
    width, height = SIZES["projector"]
    context = browser.new_context(viewport={"width": width, "height": height})
    yield context
    context.close()


@pytest.mark.parametrize("tab", SET_UPS)
def test_a_copied_set_up_opens_the_same_in_another_browser(made, other_browser, tab):
    page = other_browser.new_page()
    page.goto(made.links[tab])
    set_ups.expect_same(made, page, tab)
    expect(page.locator("#link-note [role=status]")).to_be_empty()
    page.close()


def test_all_set_ups_open_the_same_in_a_frame_without_a_header(made, context, app_url, texts):
    page = context.new_page()
    width, height = SIZES["projector"]
    assert set_ups.joined(made) == saved_link.FIELDS
    link = f"{app_url}#{urlencode(saved_link.FIELDS | {'embed': '1'})}"
    page.set_content(f'<iframe src="{escape(link)}" width="{width}" height="{height}"></iframe>')
    frame = page.frames[1]
    set_ups.expect_all(made, frame)
    expect(frame.locator("#title")).to_be_hidden()
    expect(frame.locator("footer")).to_be_hidden()
    whole = frame.locator("#full-page a")
    expect(whole).to_be_visible()
    expect(whole).to_have_attribute("href", re.compile("#.*name=Kowalski"))
    expect(whole).not_to_have_attribute("href", re.compile("embed"))
    assert links.parse(whole.get_attribute("href")).tabs == set(SET_UPS)
    assert len(texts) == 2  # of Speech, and the names
    page.close()
