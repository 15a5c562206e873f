"""The accordions of the Speech tab that analyze a text."""

import re

import pytest
from playwright.sync_api import Page, expect

from charplay.interpret.influence import MAX_CHARACTERS
from charplay.models import checkpoints
from charplay.ui import controls
from charplay.ui.speech.surprisal import VISIBLE_CHARACTERS
from tests.browser.conftest import toggle_accordion
from tests.browser.test_tabs import SPEECH_TEXT, choose, go_to

ACCORDIONS = ("surprisal", "candidates", "neuron")
INITIAL_CHARACTERS = len(controls.PRIME.default) + controls.LENGTH.default  # characters of the initial text


def open_accordion(page: Page, name: str, timeout: float | None = None) -> None:
    toggle_accordion(page, f"{name}-accordion")
    expect(page.locator(f"#{name}-text .selected")).to_be_visible(timeout=timeout)


def shown_text(page: Page, name: str) -> str:
    """The characters of a coloured text; a newline is an arrow."""
    return page.locator(f"#{name}-text .colored-text").evaluate("box => box.textContent")


shows_first = pytest.mark.usefixtures("new_page")  # needs a page whose accordions have shown nothing yet


@pytest.mark.parametrize("size", ["projector", "phone"])
def test_each_accordion_shows_the_generated_text_once_it_is_open(open_page, size):
    page = open_page(size)
    go_to(page, "Speech")
    before = page.locator(SPEECH_TEXT).inner_text().strip()
    assert page.locator(".colored-text i").count() == 0
    for name in ACCORDIONS:
        open_accordion(page, name)
        assert shown_text(page, name).replace("↵", "\n").removesuffix("▯").strip() == before
    expect(page.locator("#surprisal-mean")).to_contain_text(f"bits per character over {INITIAL_CHARACTERS}")
    measured = checkpoints.load(checkpoints.find("speech")).results["test"]["bits_per_character"]
    expect(page.locator("#surprisal-mean")).to_contain_text(f"on the test speeches {measured:.3f}")
    expect(page.locator("#candidates tbody tr")).to_have_count(11)  # the most surprising character is not among the ten
    expect(page.locator("#found")).to_contain_text(re.compile(r"vowels: layer \d, unit \d+, correlation -?0\.[5-9]\d"))


@shows_first
def test_hovering_shows_the_number_of_a_character_and_leaving_that_of_the_chosen_one(speech):
    open_accordion(speech, "surprisal")
    readout = speech.locator("#surprisal-text .readout")
    expect(readout).to_have_text(re.compile(r"^Character [\d,]+, .*: \d+\.\d\d bits, a probability of .*"))
    chosen = readout.inner_text()
    speech.locator("#surprisal-text i").nth(0).hover()
    expect(readout).to_have_text("Character 1, “M”: the first, without a prediction")
    speech.locator("#surprisal-text i").nth(2).hover()
    expect(readout).to_have_text(re.compile(r"^Character 3, space: "))
    speech.locator("#surprisal-mean").hover()
    expect(readout).to_have_text(chosen)


@shows_first
def test_the_most_surprising_characters_stand_in_a_table_too(speech):
    open_accordion(speech, "surprisal")
    speech.locator("#most-surprising summary").click()
    rows = speech.locator("#most-surprising tbody tr")
    expect(rows).to_have_count(10)
    bits, positions = ([row.locator("td").nth(cell).inner_text() for row in rows.all()] for cell in (1, 3))
    assert bits == sorted(bits, key=float, reverse=True)
    chosen = next(each for each, position in zip(bits, positions, strict=True) if int(position) <= VISIBLE_CHARACTERS)
    expect(speech.locator("#surprisal-text .readout")).to_contain_text(f"{chosen} bits")


def test_a_character_is_chosen_by_a_click_or_with_the_arrow_keys(speech):
    open_accordion(speech, "candidates")
    box, table = speech.locator("#candidates-text .colored-text"), speech.locator("#candidates")
    speech.locator("#candidates-text i").nth(5).click()
    expect(table).to_contain_text("After My fe stands “l”")
    expect(box).to_have_attribute("aria-valuenow", "6")
    expect(box).to_have_attribute("aria-valuetext", re.compile("^Character 6, “l”: "))
    box.focus()
    box.press("ArrowRight")
    expect(table).to_contain_text("After My fel stands “l”")
    box.press("ArrowLeft")
    box.press("ArrowLeft")
    expect(table).to_contain_text("After My f stands “e”")
    expect(table.locator(".chosen")).to_have_count(1)
    expect(table.locator(".chosen")).to_contain_text("e ← it is")
    box.press("Home")
    expect(table).to_contain_text("Nothing is read before the first character")
    box.press("ArrowDown")
    place = int(box.get_attribute("aria-valuenow"))
    tops = speech.evaluate(
        "at => [0, at].map(here => document.querySelectorAll('#candidates-text i')[here].getBoundingClientRect().top)",
        place - 1,
    )
    assert tops[1] > tops[0]
    expect(table).to_contain_text("stands")
    box.press("End")
    expect(table).to_contain_text("the text ends; the likeliest next characters:")
    assert table.locator(".chosen").count() == 0
    expect(table.locator("tbody tr")).to_have_count(10)


@shows_first
def test_the_temperature_sharpens_the_second_bars_and_leaves_the_first(speech):
    open_accordion(speech, "candidates")

    def probabilities() -> list[tuple[str, str]]:
        return [
            tuple(cell.inner_text() for cell in row.locator(".share").all())
            for row in speech.locator("#candidates tbody tr").all()
        ]

    expect(speech.locator("#candidates thead")).to_contain_text(f"temperature {controls.TEMPERATURE.default}")
    before = probabilities()
    speech.locator("#temperature input[type=number]").fill("0")
    expect(speech.locator("#candidates thead th").last).to_have_text("temperature 0")
    assert [plain for plain, _ in probabilities()] == [plain for plain, _ in before]
    assert [drawn for _, drawn in probabilities()][:2] == ["100.0 %", "0.0 %"]
    speech.locator("#temperature input[type=number]").fill("1")
    expect(speech.locator("#candidates thead th").last).to_have_text("temperature 1")
    assert all(plain == drawn for plain, drawn in probabilities())


@shows_first
def test_the_likeliest_text_stands_beside_the_sampled_one_and_needs_fewer_bits(speech):
    toggle_accordion(speech, "beam-accordion")
    expect(speech.locator("#beam-beam .text")).to_be_visible()
    bits = [
        float(speech.locator(f"#beam-{each} .caption b").nth(1).inner_text()) for each in ("sampled", "greedy", "beam")
    ]
    assert bits[0] > max(bits[1:])
    greedy = speech.locator("#beam-greedy .text").inner_text()
    speech.locator("#beam-width input[type=number]").fill("1")
    expect(speech.locator("#beam-beam .text")).to_have_text(greedy, use_inner_text=True)


@shows_first
def test_what_a_chosen_character_leans_on_is_coloured_and_nothing_after_it(speech):
    open_accordion(speech, "influence")
    cells, colored = speech.locator("#influence-text i"), speech.locator("#influence-text i[class^=l]")
    expect(cells.last).to_have_class("selected")  # the end of the text, of which the last 200 are looked at
    expect(colored).to_have_count(MAX_CHARACTERS)
    cells.nth(30).click()
    expect(colored).to_have_count(30)
    expect(speech.locator("#influence-lstm i")).to_have_count(31)
    legend = speech.locator("#influence-legend")
    before = legend.inner_text()
    speech.get_by_label(controls.GRADIENT).check()
    expect(legend).not_to_have_text(before)
    expect(colored).to_have_count(30)


def test_the_controls_of_the_tab_compute_nothing_in_closed_accordions(speech):
    requests = []
    speech.on("request", lambda request: requests.append(request.url) if "queue/join" in request.url else None)
    speech.locator("#temperature input[type=number]").fill("1.5")
    open_accordion(speech, "candidates")
    expect(speech.locator("#candidates thead")).to_contain_text("temperature 1.5")
    assert len(requests) == 1
    toggle_accordion(speech, "candidates-accordion")
    expect(speech.locator("#candidates-text")).to_be_hidden()
    speech.locator("#temperature input[type=number]").fill("0.5")
    open_accordion(speech, "candidates")
    expect(speech.locator("#candidates thead")).to_contain_text("temperature 0.5")
    assert len(requests) == 2
    expect(speech.locator(".toast-body")).to_have_count(0)


@shows_first
def test_the_unit_shown_is_one_found_or_the_one_of_the_sliders(speech):
    open_accordion(speech, "neuron")
    readout, legend = speech.locator("#neuron-text .readout"), speech.locator("#neuron-legend")
    expect(readout).to_have_text(re.compile(r"activation -?\d\.\d{3}$"))
    expect(speech.locator("#untracked-features")).to_contain_text("no unit reaches a correlation of 0.5 with: ")
    found = speech.locator("#found label")
    label = found.nth(1).inner_text()
    before = legend.inner_text()
    found.nth(1).click()
    layer, unit = re.search(r"layer (\d), unit (\d+)", label).groups()
    expect(speech.locator("#neuron input[type=number]")).to_have_value(unit)
    expect(speech.locator("#layer input[type=number]")).to_have_value(layer)
    expect(legend).not_to_have_text(before)
    speech.locator("#neuron input[type=number]").fill("3")
    speech.locator("#neuron input[type=number]").press("Tab")
    expect(speech.locator("#found input:checked")).to_have_count(0)
    shown = speech.locator("#neuron-text .colored-text").inner_html()
    speech.locator("#layer input[type=number]").fill("1" if layer == "2" else "2")
    speech.locator("#layer input[type=number]").press("Tab")
    speech.wait_for_function(
        "html => document.querySelector('#neuron-text .colored-text').innerHTML !== html", arg=shown
    )
    choose(speech, "speech-model", "LSTM 1 x 256")
    expect(speech.locator("#neuron input[type=range]")).to_have_attribute("max", "255")
    expect(speech.locator("#layer input[type=range]")).to_be_disabled()


@shows_first
def test_an_open_accordion_is_updated_once_a_generation_ends(speech):
    open_accordion(speech, "surprisal")
    requests = []
    speech.on("request", lambda request: requests.append(request.url) if "queue/join" in request.url else None)
    speech.locator("#length input[type=number]").fill("50")
    speech.locator("#seed input").fill("3")
    speech.locator("#generate").click()
    expect(speech.locator("#surprisal-text i")).to_have_count(len(controls.PRIME.default) + 50)
    generated = speech.locator(SPEECH_TEXT).inner_text()
    assert shown_text(speech, "surprisal").replace("↵", "\n") == generated
    assert len(requests) == 3  # the seed, the text, the open accordion
