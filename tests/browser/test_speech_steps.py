"""The Speech tab step by step, its layout, and what its drawing shows."""

import re

import pytest
from playwright.sync_api import Page, expect

from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.interpret.surprisal import likeliest_next
from charplay.models import checkpoints
from charplay.ui import controls
from charplay.ui.initial_examples import NEXT_POSITIONS
from charplay.ui.speech.generated_text import parse_generated_text
from tests.browser.conftest import SIZES, go_to_tab, toggle_accordion


def open_speech(open_page, size: str = "projector") -> Page:
    """A page that shows the initial text."""
    page = open_page(size)
    go_to_tab(page, "Speech")
    expect(page.locator("#text .text")).to_be_visible()
    return page


@pytest.fixture(scope="module")
def checkpoint():
    return checkpoints.load(checkpoints.SHIPPED_DIRECTORY / "speech.safetensors")


def continuation(page: Page) -> str:
    return parse_generated_text(page.locator("#generated-text textarea").input_value()).continuation


def press_next(page: Page) -> str:
    """Presses Next character; returns the continuation with it."""
    before = len(continuation(page))
    page.locator("#next-character").click()
    expect(page.locator("#stats")).to_contain_text(re.compile(rf"\b{before + 1} of {before + 1}\b"))
    return continuation(page)


def box(page: Page, selector: str) -> dict[str, float]:
    """Left, top, right and bottom of an element in px."""
    found = page.locator(selector).bounding_box()
    return {
        "left": found["x"],
        "top": found["y"],
        "right": found["x"] + found["width"],
        "bottom": found["y"] + found["height"],
        "width": found["width"],
    }


def test_characters_written_one_by_one_are_those_of_generate_with_the_same_seed(use_page, checkpoint):
    page = use_page("tab=speech")
    page.locator("#seed input").fill("5")
    page.locator("#start-over").click()
    expect(page.locator("#stats")).to_contain_text("0 of 0")
    for _ in range(4):
        written = press_next(page)
        chosen = page.locator("#next-candidates .chosen th")
        expect(chosen).to_have_count(1)
        assert page.locator("#next-candidates tbody tr").count() in (
            10,
            11,
        )  # and the sampled one if it is not among them
        assert chosen.inner_text().startswith((written[-1], "space"))
    [expected] = generate(checkpoint, [make_request(controls.PRIME.default, controls.TEMPERATURE.default, 4, seed=5)])
    assert written == expected
    page.locator("#generate").click()
    expect(page.locator("#stats")).to_contain_text(f"of {controls.LENGTH.default}")
    expect(page.locator("#generate")).to_be_enabled()
    assert continuation(page).startswith(expected)
    expect(page.locator("#next-candidates tr")).to_have_count(0)


def test_play_writes_until_the_text_is_complete_and_pause_ends_it(use_page, checkpoint):
    page = use_page("tab=speech")
    page.locator("#seed input").fill("5")
    page.locator("#step-speed input[type=number]").fill("10")
    page.locator("#length input[type=number]").fill("4")
    page.locator("#play").click()
    expect(page.locator("#stats")).to_contain_text("4 of 4")
    expect(page.locator("#play")).to_be_visible()
    [expected] = generate(checkpoint, [make_request(controls.PRIME.default, controls.TEMPERATURE.default, 4, seed=5)])
    assert continuation(page) == expected
    read = (controls.PRIME.default + expected)[-NEXT_POSITIONS:]
    expect(page.locator("#next-characters .given")).to_have_text(list(read.replace(" ", "␣").replace("\n", "↵")))
    assert page.locator("#next-characters .state span").count() == NEXT_POSITIONS
    page.locator("#length input[type=number]").fill("10000")
    page.locator("#play").click()
    expect(page.locator("#stats")).to_contain_text(re.compile(r"([6-9]|\d\d+) of"))
    page.locator("#pause").click()
    expect(page.locator("#pause")).to_be_hidden()
    expect(page.locator("#play")).to_be_focused()


def test_top_k_and_the_stop_mark_are_those_of_the_core(use_page, checkpoint):
    page = use_page("tab=speech")
    page.locator("#seed input").fill("5.0")
    page.locator("#top-k input").fill("4")
    page.locator("#stop-at input").fill("of")
    page.keyboard.press("Tab")
    prime, temperature, length = (each.default for each in (controls.PRIME, controls.TEMPERATURE, controls.LENGTH))
    request = make_request(prime, temperature, length, top_k=4, seed=5, until="of")
    [expected] = generate(checkpoint, [request])
    assert len(expected) < request.length
    page.locator("#generate").click()
    expect(page.locator("#text .text")).to_have_text(request.prime + expected)
    page.locator("#top-k input").fill("-1")
    page.locator("#generate").click()
    expect(page.locator("#speech-message .problem")).to_have_count(1)


def test_another_temperature_goes_on_and_other_opening_words_begin_anew(open_page):
    page = open_speech(open_page)
    assert len(press_next(page)) == controls.LENGTH.default + 1
    page.locator("#temperature input[type=number]").fill("0")
    assert len(press_next(page)) == controls.LENGTH.default + 2
    expect(page.locator("#seed-used")).to_have_text(str(controls.EXAMPLE_SEED))
    page.locator("#prime textarea").fill("We")
    expect(page.locator("#prime-length input[type=number]")).to_have_value("2")
    page.locator("#next-character").click()
    expect(page.locator("#stats")).to_contain_text("1 of 1")
    assert len(continuation(page)) == 1


def test_compare_takes_the_seed_of_the_text_and_a_button_keeps_it(use_page):
    page = use_page("tab=speech")
    page.locator("#length input[type=number]").fill("60")
    page.locator("#generate").click()
    expect(page.locator("#stats")).to_contain_text("60 of 60")
    used = page.locator("#seed-used").inner_text()
    toggle_accordion(page, "temperatures-accordion")
    page.locator("#compare").click()
    expect(page.locator("#compared-stats")).to_contain_text("60 of 60")
    expect(page.locator("#compared-seed")).to_have_text(used)
    assert page.locator("#compared-2 .text").text_content() == continuation(page)  # of the same temperature
    page.locator("#keep-seed").click()
    expect(page.locator("#seed input")).to_have_value(used)


@pytest.mark.parametrize("size", SIZES)
def test_three_boxes_are_equally_high_and_show_their_first_line(use_page, size):
    page = use_page("tab=speech", size)
    toggle_accordion(page, "temperatures-accordion")
    page.locator("#length input[type=number]").fill("900")
    page.locator("#compare").click()
    expect(page.locator("#compared-stats")).to_contain_text("900 of 900")
    boxes = [box(page, f"#compared-{number} .text") for number in (1, 2, 3)]
    assert len({round(each["bottom"] - each["top"]) for each in boxes}) == 1
    for number in (1, 2, 3):
        assert page.locator(f"#compared-{number} .text").evaluate("e => e.scrollTop") == 0
    if size == "projector":
        assert len({round(each["top"]) for each in boxes}) == 1


def test_on_a_projector_temperature_comes_first_and_the_text_fills_the_right_half(open_page):
    page = open_speech(open_page)
    page.locator("#generate").click()
    expect(page.locator("#generate")).to_be_enabled()
    expect(page.locator("#stats")).to_contain_text("300 of 300")
    temperature, prime, generate_button = (box(page, each) for each in ("#temperature", "#prime", "#generate"))
    others = [box(page, f"#{each}") for each in ("prime", "prime-length", "length", "seed", "speech-model")]
    assert all(temperature["top"] < each["top"] for each in others)
    assert all(temperature["width"] >= each["width"] - 1 for each in others)
    assert prime["right"] <= generate_button["left"]
    assert prime["top"] <= generate_button["top"] < prime["bottom"]
    text, steps = box(page, "#text .text"), box(page, "#speech-steps")
    assert text["left"] <= 1280 / 2 + 30
    assert text["width"] >= 560
    assert 690 <= steps["bottom"] <= 720
    assert box(page, "#speech-model")["bottom"] <= 720
    facts = page.locator("#stats").inner_text()
    assert facts.index("seed") < facts.index("temperature") < facts.index("characters/s")


def test_on_a_phone_a_pressed_generate_shows_the_text_and_that_it_runs(open_page, held_texts):
    held_texts.characters = 2_000  # longer than the screen
    page = open_speech(open_page, "phone")
    page.locator("#length input[type=number]").fill("10000")
    button, text = page.locator("#generate"), page.locator("#text")
    label = button.inner_text()
    for _ in range(2):
        page.evaluate("scrollTo(0, 0)")
        button.click()
        expect(button).to_be_disabled()
        expect(button).not_to_have_text(label)
        expect(page.locator("#stats")).to_contain_text(re.compile("[2-9],[0-9]{3} of 10,000"))
        # That the beginning of the text is there is what shows that something happens.
        expect(text).to_be_in_viewport()
        assert box(page, "#text")["top"] > -1
        page.locator("#stop").click()
        expect(button).to_be_enabled()
        expect(button).to_have_text(label)


@pytest.mark.parametrize("size", SIZES)
def test_the_drawing_shows_the_three_likeliest_next_characters(use_page, checkpoint, size):
    page = use_page("tab=speech", size)
    requests = []
    page.on("request", lambda request: requests.append(request.url) if "queue/join" in request.url else None)
    page.locator("#prime textarea").fill("God bless")
    inputs = page.locator("#next-characters .given")
    expect(inputs).to_have_text(list("God␣bless"))
    assert len(requests) == 1
    expected = likeliest_next(checkpoint, "God bless", 9)
    for rank, row in enumerate(reversed(page.locator("#next-characters .output").all())):
        shown = row.locator("td b").all_text_contents()
        assert shown == [each["likeliest"][rank][0].replace(" ", "␣").replace("\n", "↵") for each in expected]
    visible = inputs.filter(visible=True)
    assert visible.count() == (9 if size == "projector" else 6)
    edge = visible.last.bounding_box()
    assert edge["x"] + edge["width"] <= SIZES[size][0]


def test_on_a_projector_labels_and_cells_have_eighteen_pixels_and_the_candidates_fit(open_page):
    page = open_speech(open_page)
    press_next(page)
    sizes = page.locator(
        "#speech [data-testid=block-info], #next-characters td b, #next-characters .given, #next-candidates td"
    ).evaluate_all("all => all.map(each => parseFloat(getComputedStyle(each).fontSize))")
    assert len(sizes) > 40
    assert min(sizes) >= 18
    assert box(page, "#next-candidates tbody tr:last-child")["bottom"] <= 720
    go_to_tab(page, "Teacher forcing")
    page.locator("#second-decoder .decoded").wait_for()
    sizes = page.locator("#decoders [data-testid=block-info], #decoders .unrolled text").evaluate_all(
        "all => all.map(each => parseFloat(getComputedStyle(each).fontSize))"
    )
    assert len(sizes) > 40
    assert min(sizes) >= 18
    assert box(page, "#first-decoder .decoded")["bottom"] <= 720
