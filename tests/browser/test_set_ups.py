"""A set-up that is made by hand on a tab and copied there opens the same elsewhere: compared element by element."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser import set_ups
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


@pytest.mark.parametrize("tab", SET_UPS)
def test_a_copied_set_up_opens_the_same_in_a_fresh_browser(made, browser, tab):
    width, height = SIZES["projector"]
    context = browser.new_context(viewport={"width": width, "height": height})
    page = context.new_page()
    page.goto(made.links[tab])
    set_ups.expect_same(made, page, tab)
    expect(page.locator("#link-note [role=status]")).to_be_empty()
    context.close()
