"""What a visitor does on the Teacher forcing tab."""

import re
import time
from contextlib import aclosing

import pytest
from playwright.sync_api import Page, expect

from charplay.ui.teacher_forcing.tab import TEACHER_FORCING
from tests.browser.conftest import go_to_tab

BUTTONS = ("start", "pause", "stop", "one-epoch", "go-on")


@pytest.fixture
def lesson_page(open_page):
    """Opens the tab, its worked example shown."""

    def open_one(*arguments) -> Page:
        page = open_page(*arguments)
        go_to_tab(page, "Teacher forcing")
        page.locator("#second-decoder svg").wait_for()
        return page

    return open_one


def press(page: Page, button: str) -> None:
    page.locator(f"#lesson-{button}").click()


def epoch(page: Page) -> int:
    return int(re.search(r"Epoch (\d+)", page.locator("#verdict").inner_text())[1])


def resting_epoch(page: Page) -> int:
    """The epoch of a lesson that has been paused, once what was on its way has been shown."""
    before, now = -1, epoch(page)
    while before != now:
        page.wait_for_timeout(500)
        before, now = now, epoch(page)
    return now


def can_press(page: Page, *buttons: str) -> None:
    """Waits until these buttons can be pressed, and no other."""
    for button in BUTTONS:
        expect(page.locator(f"#lesson-{button}")).to_be_enabled(enabled=button in buttons)


def lessons_left(run_async) -> int:
    async def count():
        async with aclosing(TEACHER_FORCING.answers({"count": True})) as told:
            async for [answer] in told:
                return answer["lessons"]

    return run_async(count())


def test_it_opens_with_a_lesson_in_which_the_forced_decoder_derails_alone(lesson_page):
    page = lesson_page()
    can_press(page, "start")
    assert epoch(page) == 40
    rows = page.locator("#first-decoder dd")
    expect(rows.nth(0)).to_contain_text("5 of 6")
    expect(rows.nth(1)).to_contain_text("0 of 6")
    expect(page.locator("#first-decoder line.own")).to_have_count(0)
    expect(page.locator("#first-decoder line.teacher")).to_have_count(6)
    expect(page.locator("#second-decoder line.own")).to_have_count(5)
    expect(page.locator("#second-decoder line.teacher")).to_have_count(1)
    wrong = page.locator("#first-decoder dd").nth(1).locator(".wrong")
    assert "underline" in wrong.first.evaluate("e => getComputedStyle(e).textDecorationLine")


def test_a_lesson_is_started_watched_paused_stepped_gone_on_with_and_stopped(lesson_page, run_async):
    page = lesson_page()
    others = lessons_left(run_async)
    press(page, "start")
    can_press(page, "pause", "stop")
    expect(page.locator("#verdict")).to_contain_text("All right alone: the first at epoch 54", timeout=60_000)
    press(page, "pause")
    can_press(page, "start", "one-epoch", "go-on", "stop")
    paused = resting_epoch(page)
    press(page, "one-epoch")
    expect(page.locator("#verdict")).to_contain_text(f"Epoch {paused + 1}.")
    expect(page.locator("#first-decoder dd").nth(1)).to_contain_text("6 of 6")
    press(page, "go-on")
    can_press(page, "pause", "stop")
    page.wait_for_function(
        "before => Number(document.querySelector('#verdict b').innerText.match(/\\d+/)[0]) > before", arg=paused + 5
    )
    press(page, "stop")
    can_press(page, "start")
    assert epoch(page) > paused + 5  # what was reached stays
    assert lessons_left(run_async) == others


def test_the_opening_lesson_comes_back_to_a_page_with_none_of_its_own_alone(lesson_page):
    page = lesson_page()
    page.locator("#target textarea").fill("so")
    press(page, "start")
    expect(page.locator("#first-decoder line.teacher")).to_have_count(1)
    press(page, "pause")
    can_press(page, "start", "one-epoch", "go-on", "stop")
    before = resting_epoch(page)
    go_to_tab(page, "Names")
    go_to_tab(page, "Teacher forcing")
    press(page, "one-epoch")
    expect(page.locator("#verdict")).to_contain_text(f"Epoch {before + 1}.")


def test_closing_the_page_ends_its_lesson_within_two_seconds(lesson_page, run_async):
    page = lesson_page()
    page.wait_for_timeout(2_000)  # lessons of other tests' pages end; those that were paused stay for a while
    others = lessons_left(run_async)
    press(page, "start")
    can_press(page, "pause", "stop")
    assert lessons_left(run_async) == others + 1
    page.close()
    closed = time.monotonic()
    while lessons_left(run_async) > others:
        time.sleep(0.05)
    assert time.monotonic() - closed < 2


@pytest.mark.parametrize(
    ("field", "typed", "says"),
    [
        ("#target textarea", "", "2 to 200 characters"),
        ("#target textarea", "x" * 201, "at most 200 characters"),
        ("#target textarea", "한국", "Latin alphabet"),
        ("#decoder-rate input", "1000", "from 0.0001 to 1.0"),
        ("#decoder-rate input", "", "learning rate must be a number"),
        ("#decoder-seed input", "-1", "seed must be"),
    ],
)
def test_what_cannot_be_learnt_gets_a_sentence_and_what_is_shown_stays(lesson_page, field, typed, says):
    page = lesson_page()
    page.locator(field).fill(typed)
    page.locator(field).blur()
    press(page, "start")
    expect(page.locator("#lesson-message")).to_contain_text(says)
    expect(page.locator("#verdict")).to_contain_text("Epoch 40.")
    expect(page.locator(field)).to_have_value(typed)
    page.locator("#target textarea").fill("hi")
    page.locator("#decoder-rate input").fill("0.01")
    page.locator("#decoder-seed input").fill("1")
    press(page, "start")
    expect(page.locator("#lesson-message")).to_have_text("")
    expect(page.locator("#first-decoder line.teacher")).to_have_count(1)


def test_markup_is_shown_as_text_and_a_long_target_is_drawn_to_its_tenth_step(lesson_page):
    page = lesson_page()
    page.locator("#target textarea").fill("<b>é</b>\n<img src=x onerror=alert(1)>")
    press(page, "start")
    expect(page.locator("#lesson-message")).to_have_text("read as “<b>e</b> <img src=x onerror=alert(1)>”")
    expect(page.locator("#first-decoder")).to_contain_text("the first 10 of 36 steps are drawn")
    expect(page.locator("#first-decoder line.teacher")).to_have_count(10)
    texts = page.locator("#first-decoder text").all_text_contents()
    assert [texts[5 + 4 * step + 3] for step in range(10)] == list("<b>e</b>␣<")
    press(page, "stop")
    can_press(page, "start")
    assert page.locator("img[src=x]").count() == 0
