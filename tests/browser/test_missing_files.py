"""A page of which a file does not arrive."""

import re

import pytest
from playwright.sync_api import expect

ENTRY_SCRIPT, STYLE_SHEET = re.compile(r"/assets/index-[^/]+\.js$"), re.compile(r"/assets/index-[^/]+\.css$")
STYLE_SHEET_OF_PART = re.compile(r"/assets/HTML-[^/]+\.css$")
MOST_RELOADS = 3
MISS = "window.dispatchEvent(new Event('vite:preloadError'))"  # as Gradio's script does when it misses a file


@pytest.fixture
def page(context):
    page = context.new_page()
    yield page
    page.close()


def lose(page, file: re.Pattern, times: float) -> list[str]:
    """Loses the first so many responses with this file; the documents that the page requests from now on."""
    lost, documents = [], []

    def answer(route):
        if len(lost) < times:
            lost.append(route.request.url)
            route.abort()
        else:
            route.continue_()

    page.route(file, answer)
    page.on("request", lambda each: documents.append(each.url) if each.resource_type == "document" else None)
    return documents


@pytest.mark.parametrize("file", [ENTRY_SCRIPT, STYLE_SHEET, STYLE_SHEET_OF_PART])
def test_a_page_without_one_of_its_files_is_loaded_again_by_itself(page, app_url, file):
    documents = lose(page, file, times=1)
    with page.expect_request(lambda request: len(documents) == 2):
        page.goto(f"{app_url}#name=Kowalczyk")
    expect(page.locator("#headline")).to_contain_text("Polish")
    expect(page.locator("#missing-files")).to_have_count(0)


def test_a_file_that_never_arrives_ends_in_a_line_that_offers_another_try(page, app_url):
    documents = lose(page, ENTRY_SCRIPT, times=float("inf"))
    page.goto(app_url)
    expect(page.get_by_role("alert")).to_be_visible()
    assert len(documents) == 1 + MOST_RELOADS
    page.unroute(ENTRY_SCRIPT)
    page.get_by_role("alert").get_by_role("button").click()
    page.locator("#bars .share").first.wait_for()


def test_a_page_that_is_used_is_not_loaded_again_unasked(page, app_url):
    page.goto(app_url)
    name = page.locator("#name textarea, #name input").first
    name.press("End")
    name.fill("Kowalczyk")
    page.wait_for_url(f"{app_url}#name=Kowalczyk")
    page.evaluate("window.isFirst = true")
    page.evaluate(MISS)
    page.evaluate(MISS)
    button = page.get_by_role("alert").get_by_role("button")
    expect(button).to_have_count(1)
    assert page.evaluate("window.isFirst")
    button.click()
    page.wait_for_function("!window.isFirst")
    expect(page.locator("#headline")).to_contain_text("Polish")
