"""The Teacher forcing tab: a run of a decoder pair is started, paused, stepped and stopped."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from charplay.ui.teacher_forcing.run import TEACHER_FORCING
from charplay.workers.protocol import Response, WorkerRequest
from charplay.workers.teacher_forcing import RUN_ENDED
from tests.browser.conftest import go_to_tab

CLOSE_SECONDS = 30  # from the closing of a page to the end of its run; 2 where nothing else runs
BUTTONS = ("start", "pause", "stop", "one-epoch", "go-on")


@pytest.fixture
def forcing_page(open_page):
    """Opens the tab and waits for the initial example."""

    def open_one(*arguments) -> Page:
        page = open_page(*arguments)
        go_to_tab(page, "Teacher forcing")
        page.locator("#second-decoder svg[role=img]").wait_for()
        return page

    return open_one


def press(page: Page, button: str) -> None:
    page.locator(f"#decoders-{button}").click()


def epoch(page: Page) -> int:
    return int(re.search(r"Epoch (\d+)", page.locator("#verdict").inner_text())[1])


def about(run_async, page: Page, kind: str, **arguments) -> Callable[[], Response]:
    """What asks the worker about the run that the page shows, also once the page is closed."""
    run = page.locator("#decoders-run textarea, #decoders-run input").first.input_value()
    return lambda: run_async(TEACHER_FORCING.request(WorkerRequest(kind, {"run": run, **arguments})))


def paused_epoch(run_async, page: Page) -> int:
    """The epoch at which the page's run rests; the page may not have shown it yet."""
    state = about(run_async, page, "look", epoch=0)()["result"]["state"]
    return state["since"] + len(state["history"])


def can_press(page: Page, *buttons: str) -> None:
    """Waits until these buttons can be pressed, and no other."""
    for button in BUTTONS:
        expect(page.locator(f"#decoders-{button}")).to_be_enabled(enabled=button in buttons)


def test_in_the_initial_example_the_teacher_forced_decoder_fails_free_running(forcing_page):
    page = forcing_page()
    can_press(page, "start", "one-epoch")
    assert epoch(page) == 40
    rows = page.locator("#first-decoder dd")
    expect(rows.nth(0)).to_contain_text("5 of 6")
    expect(rows.nth(1)).to_contain_text("0 of 6")
    expect(page.locator("#first-decoder line.free-running")).to_have_count(0)
    expect(page.locator("#first-decoder line.teacher")).to_have_count(6)
    expect(page.locator("#second-decoder line.free-running")).to_have_count(5)
    expect(page.locator("#second-decoder line.teacher")).to_have_count(1)
    wrong = page.locator("#first-decoder dd").nth(1).locator(".wrong")
    assert "underline" in wrong.first.evaluate("e => getComputedStyle(e).textDecorationLine")


def test_a_run_is_started_paused_stepped_resumed_and_stopped(forcing_page, run_async):
    page = forcing_page()
    press(page, "start")
    can_press(page, "pause", "stop")
    expect(page.locator("#decoders-start")).not_to_have_text("Start")
    page.locator("#decoder-speed input[type=number]").fill("50")
    expect(page.locator("#first-decoder dd").nth(1)).to_contain_text("6 of 6", timeout=60_000)
    press(page, "pause")
    can_press(page, "start", "one-epoch", "go-on", "stop")
    paused = paused_epoch(run_async, page)
    press(page, "one-epoch")
    expect(page.locator("#verdict")).to_contain_text(f"Epoch {paused + 1}.")
    expect(page.locator("#first-decoder dd").nth(1)).to_contain_text("6 of 6")
    press(page, "go-on")
    can_press(page, "pause", "stop")
    page.wait_for_function(
        "before => Number(document.querySelector('#verdict b').innerText.match(/\\d+/)[0]) > before", arg=paused + 5
    )
    ask = about(run_async, page, "pace", speed=50)
    assert ask()["failure"] is None
    press(page, "stop")
    can_press(page, "start", "one-epoch")
    expect(page.locator("#decoders-start")).to_have_text("Start")
    assert epoch(page) > paused + 5  # the plots stay
    assert ask()["failure"] == RUN_ENDED


def test_opening_the_tab_again_leaves_the_run_of_the_page(forcing_page, run_async):
    page = forcing_page()
    page.locator("#target textarea").fill("so")
    press(page, "start")
    expect(page.locator("#first-decoder line.teacher")).to_have_count(1)
    press(page, "pause")
    can_press(page, "start", "one-epoch", "go-on", "stop")
    before = paused_epoch(run_async, page)
    go_to_tab(page, "Names")
    go_to_tab(page, "Teacher forcing")
    press(page, "one-epoch")
    expect(page.locator("#verdict")).to_contain_text(f"Epoch {before + 1}.")


def test_closing_the_page_ends_its_run(forcing_page, run_async):
    page = forcing_page()
    press(page, "start")
    can_press(page, "pause", "stop")
    ask = about(run_async, page, "pace", speed=1)  # at which its epochs take a quarter of an hour
    assert ask()["failure"] is None
    page.close()
    closed = time.monotonic()
    while ask()["failure"] is None:
        assert time.monotonic() - closed < CLOSE_SECONDS
        time.sleep(0.05)


OUT_OF_BOUNDS = {  # field -> a setting that can be used, and those that cannot with what is said of them
    "#target textarea": (
        "hi",
        {"": "2 to 200 characters", "x" * 201: "at most 200 characters", "한국": "Latin alphabet"},
    ),
    "#decoder-rate input": ("0.01", {"1000": "from 0.0001 to 1.0", "": "learning rate must be a number"}),
    "#decoder-seed input": ("1", {"-1": "seed must be"}),
}


def test_settings_out_of_bounds_are_user_errors_and_the_plots_stay(forcing_page):
    page = forcing_page()
    for field, (usable, refused) in OUT_OF_BOUNDS.items():
        for typed, message in refused.items():
            page.locator(field).fill(typed)
            page.locator(field).blur()
            press(page, "start")
            expect(page.locator("#decoders-message")).to_contain_text(message)
            expect(page.locator("#verdict")).to_contain_text("Epoch 40.")
            expect(page.locator(field)).to_have_value(typed)
            page.locator(field).fill(usable)
            page.locator(field).blur()
            expect(page.locator("#decoders-message .problem")).to_have_count(0)  # gone with its cause
    press(page, "start")
    expect(page.locator("#decoders-message")).to_have_text("")
    expect(page.locator("#first-decoder line.teacher")).to_have_count(1)


def test_markup_is_shown_as_text_and_ten_steps_of_a_long_target_are_drawn(forcing_page):
    page = forcing_page()
    page.locator("#target textarea").fill("<b>é</b>\n<img src=x onerror=alert(1)>")
    press(page, "start")
    expect(page.locator("#decoders-message")).to_have_text("read as “<b>e</b> <img src=x onerror=alert(1)>”")
    expect(page.locator("#first-decoder")).to_contain_text("the first 10 of 36 steps")
    expect(page.locator("#first-decoder line.teacher")).to_have_count(10)
    texts = page.locator("#first-decoder text").all_text_contents()
    assert [texts[5 + 4 * step + 3] for step in range(10)] == list("<b>e</b>␣<")
    press(page, "stop")
    can_press(page, "start", "one-epoch")
    assert page.locator("img[src=x]").count() == 0


def test_a_run_is_stepped_from_epoch_zero_and_the_slider_goes_back(forcing_page):
    page = forcing_page()
    slider = page.locator("#shown-epoch input[type=number]")
    press(page, "one-epoch")
    expect(page.locator("#verdict b").first).to_have_text("Epoch 1.")
    can_press(page, "start", "one-epoch", "go-on", "stop")
    first = page.locator("#first-decoder svg[role=img]").get_attribute("aria-label")
    press(page, "one-epoch")
    expect(page.locator("#verdict b").first).to_have_text("Epoch 2.")
    expect(slider).to_have_value("2")
    slider.fill("1")
    expect(page.locator("#verdict b").first).to_have_text("Epoch 1.")
    expect(page.locator("#first-decoder svg[role=img]")).to_have_attribute("aria-label", first)
    slider.fill("0")
    expect(page.locator("#verdict b").first).to_have_text("Epoch 0.")
    press(page, "one-epoch")  # goes on from where the run is
    expect(page.locator("#verdict b").first).to_have_text("Epoch 3.")
    expect(slider).to_have_value("3")
    press(page, "stop")
    can_press(page, "start", "one-epoch")
    slider.fill("2")  # also of a run that has ended
    expect(page.locator("#verdict b").first).to_have_text("Epoch 2.")


def test_the_epoch_of_the_widest_gap_is_shown_by_its_button(forcing_page):
    page = forcing_page()
    look = page.locator("#verdict .look")
    widest = look.get_attribute("data-epoch")
    look.click()
    expect(page.locator("#verdict b").first).to_have_text(f"Epoch {widest}.")
    expect(page.locator("#shown-epoch input[type=number]")).to_have_value(widest)
    expect(page.locator("#curves line.shown")).to_have_count(2)
    expect(page.locator("#verdict .look")).to_have_count(0)


def test_the_sentence_under_the_ratio_follows_it(forcing_page):
    page = forcing_page()
    note = page.locator("#ratio-note")
    seen = [note.inner_text()]
    for ratio in ("0.5", "1"):
        page.locator("#ratio input[type=number]").fill(ratio)
        expect(note).not_to_have_text(seen[-1])
        seen.append(note.inner_text())
    assert len(set(seen)) == 3


def test_on_a_phone_a_pressed_start_shows_the_curves(forcing_page):
    page = forcing_page("phone")
    page.evaluate("scrollTo(0, 0)")
    press(page, "start")
    page.wait_for_function(
        "(({top, bottom}) => top >= 0 && bottom <= innerHeight + 1)"
        "(document.querySelector('#curves').getBoundingClientRect())"
    )
    press(page, "stop")
