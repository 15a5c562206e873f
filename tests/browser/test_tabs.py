"""What a user does on each tab."""

import itertools
import re

import pytest
from playwright.sync_api import Page, expect

from charplay.data.datasets import COUNTRIES
from charplay.ui import controls
from tests.api.test_temperatures import until_empty
from tests.browser.conftest import expect_network, toggle_accordion
from tests.browser.conftest import go_to_tab as go_to

SPEECH_TEXT = "#text .text"


def bars(page: Page) -> dict[str, float]:
    """The percentages at the bars' ends, country by country from the top."""
    shares = page.locator("#bars .share").all_text_contents()
    return dict(zip(COUNTRIES, (float(share.removesuffix("%")) for share in shares), strict=True))


def cell_texts(page: Page, plot: str) -> list[str]:
    return page.locator(f"{plot} .heatmap-label").all_text_contents()


def test_names_opens_with_its_example(open_page):
    page = open_page()
    expect(page.locator("#name input")).to_have_value(controls.NAME.default)
    country = page.locator("#headline b").inner_text()
    assert max(bars(page), key=bars(page).get) == country
    assert sum(bars(page).values()) == pytest.approx(100, abs=1)
    expect_network(page, len(controls.NAME.default))


def test_typing_moves_the_bars_with_every_letter(use_page):
    page = use_page("tab=names")
    name = page.locator("#name input")
    name.fill("")
    expect(page.locator("#headline")).to_contain_text("Type a name")
    expect(page.locator("#bars .share")).to_have_count(0)
    probabilities = []
    for typed in ("R", "Ro", "Ros", "Ross", "Rossi"):
        name.press_sequentially(typed[-1])
        expect_network(page, len(typed))
        expect(page.locator("#bars .share")).to_have_count(len(COUNTRIES))
        probabilities.append(bars(page))
    assert all(before != after for before, after in itertools.pairwise(probabilities))
    expect(page.locator("#headline b")).to_have_text("Italian")
    assert max(probabilities[-1], key=probabilities[-1].get) == "Italian"


def test_a_name_that_is_typed_fast_ends_at_its_last_letter(use_page):
    page = use_page("tab=names")
    page.locator("#name input").fill("")
    page.locator("#name input").press_sequentially("Yamamoto", delay=15)
    expect(page.locator("#headline b")).to_have_text("Japanese")
    expect_network(page, len("Yamamoto"))


def test_pasting_and_deleting_count_as_typing(use_page):
    page = use_page("tab=names")
    name = page.locator("#name input")
    name.fill("")
    name.focus()
    page.keyboard.insert_text("Kowalczyk")
    expect(page.locator("#headline b")).to_have_text("Polish")
    name.press("Backspace")
    expect_network(page, len("Kowalczy"))


def test_an_invalid_name_gets_a_sentence_and_no_bars(use_page):
    page = use_page("tab=names")
    for typed, sentence in (("한국", "romanised"), ("🙂", "romanised"), ("x" * 65, "at most 64 characters")):
        page.locator("#name input").fill(typed)
        expect(page.locator("#headline")).to_contain_text(sentence)
        expect(page.locator("#bars .share")).to_have_count(0)
        page.locator("#name input").fill("Rossi")
        expect(page.locator("#headline b")).to_have_text("Italian")


def test_markup_is_shown_as_text(open_page):
    page = open_page()
    markup = "<img src=x onerror=alert(1)>"
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    page.locator("#name input").fill(markup + "é")
    expect(page.locator("#headline")).to_contain_text(markup + "e")
    go_to(page, "Speech")
    page.locator("#prime textarea").fill(markup)
    expect(page.locator("#next-characters .input td").last).to_have_text(markup[-1])
    page.locator("#generate").click()
    expect(page.locator(f"{SPEECH_TEXT} .read")).to_have_text(markup)
    go_to(page, "Batches")
    page.locator("#names textarea").fill(f'{markup}\n<b>"Li"</b>\n<i>&amp;')
    expect(page.locator("#padded .ytick text").first).to_have_text(f"{markup[:11]}…")
    expect(page.locator("#padded .ytick text").nth(1)).to_have_text('<b>"Li"</b>')
    expect(page.locator("#padded .ytick text").last).to_have_text("<i>&amp;")
    assert cell_texts(page, "#padded")[:4] == ["<", "i", "m", "g"]
    assert not dialogs
    assert page.locator("img[src=x]").count() == 0


def test_speech_opens_with_a_text_that_is_the_same_for_everyone(open_page):
    texts = []
    for _ in range(2):
        page = open_page()
        requests = []
        page.on(
            "request", lambda request, seen=requests: seen.append(request.url) if request.method == "POST" else None
        )
        go_to(page, "Speech")
        expect(page.locator(SPEECH_TEXT)).to_contain_text(controls.PRIME.default.strip())
        expect(page.locator("#seed-used")).to_have_text(str(controls.EXAMPLE_SEED))
        texts.append(page.locator(SPEECH_TEXT).text_content())
        assert not requests  # opening the page starts no generation
    assert texts[0] == texts[1]
    assert len(texts[0]) == len(controls.PRIME.default) + controls.LENGTH.default
    expect(page.get_by_text("The text is made by a model; nobody said it.")).to_be_visible()


def test_a_speech_streams_and_stops(open_page, held_texts, run_async):
    page = open_page()
    go_to(page, "Speech")
    page.locator("#length input[type=number]").fill("10000")
    page.locator("#seed input").fill("3")
    page.locator("#generate").click()
    text, stats, grown = page.locator(SPEECH_TEXT), page.locator("#stats"), [0]
    for _ in range(3):
        expect(stats).to_contain_text(re.compile(r"[1-9][\d,]* of 10,000"))
        expect(stats).not_to_contain_text(re.compile(rf"\b{grown[-1]:,} of"))
        grown.append(int(re.search(r"([\d,]+) of 10,000", stats.inner_text())[1].replace(",", "")))
        expect(page.locator("#generate")).to_be_disabled()
        held_texts.characters = grown[-1] + 1
    assert grown == sorted(set(grown))
    assert grown[-1] < 10_000
    assert abs(text.evaluate("element => element.scrollTop")) < 2  # its end, from which a reversed column counts
    page.locator("#stop").click()
    expect(page.locator("#generate")).to_be_enabled()
    expect(page.locator("#generate")).to_have_text("Generate")
    stopped = text.inner_text()
    assert len(stopped) < 10_000
    held_texts.release()
    run_async(until_empty(), 30)
    page.locator("#prime textarea").fill("We")  # an answer after which what was on its way has come
    expect(page.locator("#prime-length input[type=number]")).to_have_value("2")
    kept = text.inner_text()
    assert kept.startswith(stopped)  # what was generated stays, and what was on its way
    assert len(kept) < 10_000
    expect(page.locator("#seed-used")).to_have_text("3")


def test_the_same_seed_generates_the_same_speech_and_no_seed_another_one(use_page):
    page = use_page("tab=speech")
    texts = []
    for seed in ("5", "5", ""):
        page.locator("#length input[type=number]").fill("150")
        page.locator("#seed input").fill(seed)
        page.locator("#generate").click()
        expect(page.locator("#stats")).to_contain_text("150 of 150")
        if seed:
            expect(page.locator("#seed-used")).to_have_text(seed)
        else:
            expect(page.locator("#seed-used")).not_to_have_text("5")
        texts.append(page.locator(SPEECH_TEXT).text_content())
        page.locator("#length input[type=number]").fill("1")
        page.locator("#generate").click()
        expect(page.locator("#stats")).to_contain_text("1 of 1")
    assert texts[0] == texts[1] != texts[2]


def test_the_prime_slider_greys_the_characters_before_its_length(use_page):
    page = use_page("tab=speech")
    page.locator("#prime textarea").fill("My fellow citizens")
    given = page.locator("#next-characters .input td.given")
    expect(given).to_have_text(list("w␣citizens"))
    slider = page.locator("#prime-length input[type=number]")
    expect(slider).to_have_value("18")
    slider.fill("8")
    slider.press("Tab")
    expect(given).to_have_text(list("citizens"))
    expect(page.locator("#next-characters .unread")).to_have_text(["w", "␣"])
    page.locator("#generate").click()
    expect(page.locator(f"{SPEECH_TEXT} .unread")).to_have_text("My fellow ")
    expect(page.locator(f"{SPEECH_TEXT} .read")).to_have_text("citizens")


def test_a_bad_seed_and_a_prime_without_letters_get_a_sentence_and_lose_nothing(use_page, used_pages):
    page = use_page("tab=speech")
    before = page.locator(SPEECH_TEXT).inner_text()
    page.locator("#seed input").fill("lucky")
    expect(page.locator("#seed-message .problem")).to_have_count(1)
    with page.expect_request(lambda request: "queue/join" in request.url and "lucky" in (request.post_data or "")):
        page.locator("#generate").click()
    expect(page.locator("#generate")).to_be_enabled()
    expect(page.locator("#speech .problem")).to_have_count(1)
    expect(page.locator(SPEECH_TEXT)).to_have_css("border-top-style", "dashed")  # not what the controls would give
    page.locator("#seed input").fill("")
    expect(page.locator("#speech .problem")).to_have_count(0)
    page.locator("#prime textarea").fill("한국")
    expect(page.locator("#speech-message")).to_contain_text("Latin alphabet")
    with page.expect_request(lambda request: "queue/join" in request.url and "한국" in (request.post_data or "")):
        page.locator("#generate").click()
    used_pages["projector"].wait_for_answers()  # the sentence was there before, of what was typed
    expect(page.locator("#speech .problem")).to_have_count(1)
    assert page.locator(SPEECH_TEXT).inner_text() == before
    expect(page.get_by_test_id("toast-body")).to_have_count(0)
    page.locator("#prime textarea").fill("We")
    expect(page.locator("#speech .problem")).to_have_count(0)


def choose(page: Page, control: str, label: str) -> None:
    page.locator(f"#{control} input").click()
    page.get_by_role("option", name=label, exact=True).click()


def test_another_model_and_another_weighting_move_the_bars(use_page):
    page = use_page("tab=names")
    page.locator("#name input").fill("Azizah")
    expect_network(page, 6)
    before = bars(page)
    page.get_by_label(controls.ALL_EQUAL).check()
    page.wait_for_function(
        "before => document.querySelectorAll('#bars .share')[14].textContent !== before", arg=f"{before['Russian']} %"
    )
    assert bars(page)["Russian"] < before["Russian"]
    weighted, drawn = bars(page), page.locator("#bars .share").all_text_contents()
    choose(page, "model", "RNN 2 x 96")
    page.wait_for_function(
        "before => [...document.querySelectorAll('#bars .share')].map(e => e.textContent).join() !== before",
        arg=",".join(drawn),
    )
    assert bars(page) != weighted


def test_another_language_model_generates_another_text(use_page):
    page = use_page("tab=speech")
    texts = []
    for label in ("RNN 1 x 256", "LSTM 1 x 256"):
        choose(page, "speech-model", label)
        page.locator("#length input[type=number]").fill("80")
        page.locator("#seed input").fill("5")
        before = page.locator(SPEECH_TEXT).inner_text()
        page.locator("#generate").click()
        expect(page.locator("#stats")).to_contain_text("80 of 80")
        page.wait_for_function("before => document.querySelector('#text .text').innerText !== before", arg=before)
        texts.append(page.locator(SPEECH_TEXT).text_content())
    assert texts[0] != texts[1]


@pytest.mark.usefixtures("new_page")
def test_the_most_missed_country_is_visible_once_the_scoreboard_is_open(use_page):
    page = use_page("tab=names")
    expect(page.locator("#names-score")).to_contain_text("How good is it?")
    assert page.locator("#recall .bartext").count() == 0  # nothing is drawn before it is opened
    toggle_accordion(page, "names-score")
    expect(page.locator("#missed")).to_be_visible()
    worst = page.locator("#missed b").inner_text()
    expect(page.locator("#recall .ytick text").last).to_contain_text(f"{worst} (")  # drawn from the bottom up
    texts = [text.strip(" \u00a0%").split("/") for text in page.locator("#recall .bartext").all_text_contents()]
    shares = [float(recall) for recall, _ in texts]
    assert len(shares) == len(COUNTRIES)
    assert shares == sorted(shares)
    assert all(recall <= float(best) <= 100 for recall, (_, best) in zip(shares, texts, strict=True))
    expect(page.locator("#confusion .ytick text")).to_have_count(len(COUNTRIES))
    expect(page.locator("#reliability .bars")).to_be_visible()
    rows = page.locator("#names-table tbody tr")
    expect(rows).to_have_count(9)  # four baselines, the zoo, the default, the oracle
    expect(rows.nth(7)).to_have_class("chosen")
    choose(page, "model", "LSTM 2 x 96")
    expect(page.locator("#names-table .chosen")).to_contain_text("LSTM 2 x 96")


def test_the_language_models_are_compared_in_bits_per_character(use_page):
    page = use_page("tab=speech")
    toggle_accordion(page, "speech-score")
    expect(page.locator("#bits .bartext")).to_have_count(7)  # three baselines, the zoo, the default
    figures = [float(text) for text in page.locator("#bits .bartext").all_text_contents()]
    assert figures == sorted(figures, reverse=True)
    expect(page.locator("#speech-table .chosen")).to_contain_text(f"{figures[-1]:.3f}")
