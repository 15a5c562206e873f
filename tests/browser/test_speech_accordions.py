"""The accordions for temperatures and memorization on the Speech tab, on a projector and on a phone."""

import re
from dataclasses import replace

import pytest
from playwright.sync_api import Page, expect

from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.inference.held_units import HeldUnit
from charplay.interpret import memorization
from charplay.models import checkpoints
from charplay.ui import controls
from charplay.ui.speech import steering
from charplay.ui.speech.generated_text import parse_generated_text
from tests.api.test_temperatures import until_empty
from tests.browser.conftest import SIZES, toggle_accordion

DEGREES = [control.default for control in controls.TEMPERATURES]


def open_accordion(page: Page, elem_id: str) -> None:
    page.get_by_role("tab", name="Speech", exact=True).click()
    toggle_accordion(page, elem_id)


def fill(page: Page, control: str, value: object) -> None:
    page.locator(f"#{control} input[type=number]").fill(str(value))


def expected_marks(page: Page) -> list[str]:
    """The copied spans of the text on the page."""
    continuation = parse_generated_text(page.locator("#generated-text textarea").input_value()).continuation
    index = memorization.load(checkpoints.SHIPPED_DIRECTORY / memorization.FILTER_FILE)
    return [continuation[start:end] for start, end in memorization.find(index, continuation)]


@pytest.mark.parametrize("size", SIZES)
def test_copied_spans_are_underlined_once_the_accordion_is_open_and_follow_a_new_text(open_page, size):
    page = open_page(size)
    requests = []
    page.on("request", lambda request: requests.append(request.url) if "queue/join" in request.url else None)
    open_accordion(page, "memorization-accordion")
    marks = page.locator("#memorization mark")
    example = expected_marks(page)
    expect(marks).to_have_count(len(example))
    expect(page.locator("#memorization .text")).to_be_visible()
    assert marks.all_text_contents() == example
    assert len(requests) == 1
    fill(page, "temperature", 0)  # the likeliest characters: the text keeps to what the speeches say again and again
    fill(page, "length", 290)  # another than the example's
    page.locator("#generate").click()
    expect(page.locator("#memorization")).to_contain_text("of 290 characters in")
    expected = expected_marks(page)
    assert expected
    assert expected != example
    expect(marks).to_have_text(expected, use_inner_text=False)
    share = sum(map(len, expected)) / 290
    expect(page.locator("#memorization b").first).to_have_text(f"{100 * share:.1f} %")
    line = marks.first.evaluate("e => [getComputedStyle(e).textDecorationLine, getComputedStyle(e).backgroundColor]")
    assert line == ["underline", "rgba(0, 0, 0, 0)"]
    announced = marks.first.evaluate(
        "e => getComputedStyle(e, '::before').content + getComputedStyle(e, '::after').content"
    )
    assert "copied" in announced  # by a screen reader
    assert "end of copy" in announced


@pytest.mark.usefixtures("new_page")
def test_nothing_is_computed_while_the_accordion_is_closed(use_page):
    page = use_page("tab=speech")
    requests = []
    page.on("request", lambda request: requests.append(request.post_data_json) if "queue/join" in request.url else None)
    open_accordion(page, "memorization-accordion")
    expect(page.locator("#memorization .text")).to_be_visible()
    [computing] = [request["fn_index"] for request in requests]
    toggle_accordion(page, "memorization-accordion")
    expect(page.locator("#memorization .text")).to_be_hidden()
    requests.clear()
    fill(page, "length", 400)
    page.locator("#seed input").fill("5")
    page.locator("#generate").click()
    expect(page.locator("#stats")).to_contain_text("400 of 400")
    expect(page.locator("#generate")).to_be_enabled()
    assert requests
    assert computing not in [request["fn_index"] for request in requests]
    toggle_accordion(page, "memorization-accordion")
    expect(page.locator("#memorization")).to_contain_text(re.compile(r"\b400 (generated )?characters"))


@pytest.mark.parametrize("size", SIZES)
def test_three_temperatures_stand_side_by_side_or_on_a_phone_one_below_another(use_page, size):
    page = use_page("tab=speech", size)
    open_accordion(page, "temperatures-accordion")
    columns = [page.locator(f"#compared-{number} .text") for number in (1, 2, 3)]
    page.locator("#seed input").fill("5")
    fill(page, "length", 150)
    page.locator("#compare").click()
    expect(page.locator("#compared-stats")).to_contain_text("150 of 150 characters each · seed 5")
    expect(page.locator("#compare")).to_be_enabled()
    requests = [make_request(controls.PRIME.default, degree, 150, seed=5) for degree in DEGREES]
    expected = generate(checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech.safetensors"), requests)
    assert [column.text_content() for column in columns] == expected
    boxes = [column.bounding_box() for column in columns]
    across, down = ([box[axis] for box in boxes] for axis in ("x", "y"))
    assert all(box["x"] + box["width"] <= SIZES[size][0] for box in boxes)
    if size == "phone":
        assert len(set(across)) == 1
        assert down == sorted(set(down))
    else:
        assert len(set(down)) == 1
        assert across == sorted(set(across))


def test_a_held_unit_fills_one_text_and_leaves_the_other_alone(use_page):
    page = use_page("tab=speech&open=one-neuron&length=150&held-at=-3.5")
    expect(page.locator("#held-at input[type=number]")).to_have_value("-3.5")
    checkpoint = checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech.safetensors")
    listed = steering.choices(checkpoint)
    expect(page.locator("#held-units label")).to_have_text([label for label, _ in listed])
    expect(page.locator("#neuron-text .selected")).to_be_visible()  # what stands above the list has its size then
    page.locator("#seed input").fill("5")
    texts = [page.locator(f"#steered-{number} .text") for number in (1, 2)]

    def expect_texts(held: HeldUnit) -> None:
        free = make_request(controls.PRIME.default, controls.TEMPERATURE.default, 150, seed=5)
        for shown, text in zip(texts, generate(checkpoint, [free, replace(free, held=held)]), strict=True):
            expect(shown).to_have_text(text.replace("\n", " "))
        expect(page.locator("#steering-status")).to_contain_text(re.compile(r"\d\.\d\d bits per character"))
        expect(page.locator("#steer")).to_be_enabled()

    label, value = next(choice for choice in listed if "commas" in choice[0])
    page.get_by_label(label, exact=True).check()
    held = steering.parse_choice(value)
    expect_texts(held)
    expect(page.locator("#neuron input[type=number]")).to_have_value(str(held.unit))
    expect(page.locator("#held-at input[type=number]")).to_have_value(f"{held.value:g}")
    expect(page.locator("#natural-range")).not_to_be_empty()
    assert page.locator("#steered-2 mark").count() > 2 * page.locator("#steered-1 mark").count()
    fill(page, "held-at", 2)
    expect(page.locator("#held-units input:checked")).to_have_count(0)  # it is not that of the list any more
    page.locator("#steer").click()
    expect_texts(held._replace(value=2.0))
    page.wait_for_function("location.hash.includes('held-at=2')")
    page.locator("#seed input").fill("lucky")
    page.locator("#steer").click()
    expect(page.locator("#steering-status .problem")).to_contain_text("seed")


@pytest.mark.parametrize("how", ["stop", "close"])
def test_stopping_or_closing_the_page_frees_the_slots(open_page, held_texts, run_async, how):
    page = open_page()
    open_accordion(page, "temperatures-accordion")
    fill(page, "length", 10_000)
    page.locator("#compare").click()
    for number in (1, 2, 3):
        expect(page.locator(f"#compared-{number} .text")).to_contain_text(re.compile("[a-z]"))
    expect(page.locator("#compare")).to_be_disabled()
    if how == "close":
        page.close()
        run_async(until_empty(), 30)
        return
    page.locator("#stop-comparing").click()
    expect(page.locator("#compare")).to_be_enabled()
    expect(page.locator("#compare")).to_have_text("Compare")
    stopped = page.locator("#compared-1 .text").inner_text()
    held_texts.release()
    run_async(until_empty(), 30)
    page.locator("#prime textarea").fill("We")  # an answer after which what was on its way has come
    expect(page.locator("#prime-length input[type=number]")).to_have_value("2")
    assert page.locator("#compared-1 .text").inner_text() == stopped  # the text so far stays
    expect(page.get_by_test_id("toast-body")).to_have_count(0)


def test_a_bad_seed_is_a_user_error_and_an_empty_temperature_the_lowest(use_page):
    page = use_page("tab=speech")
    open_accordion(page, "temperatures-accordion")
    page.locator("#seed input").fill("lucky")
    page.locator("#compare").click()
    expect(page.locator("#compared-stats .problem")).to_have_count(1)
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
    expect(page.locator("#compare")).to_be_enabled()
    page.locator("#seed input").fill("")
    page.locator("#prime textarea").fill("<b>한국</b>")
    fill(page, "length", 20)
    fill(page, "temperature-3", "")  # stands for the lowest
    page.locator("#compare").click()
    expect(page.locator("#compared-stats")).to_contain_text("20 of 20")
    expect(page.locator("#compared-3 .text")).to_have_attribute("aria-label", "Text at temperature 0")
