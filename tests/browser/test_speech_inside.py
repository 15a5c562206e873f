"""The folds that look inside a text on the Speech tab."""

import re

import pytest
from playwright.sync_api import Page, expect

from charplay.ui import controls
from tests.browser.test_tabs import SPEECH_TEXT, choose, go_to

# A page that nobody here wrote, as it comes out of a browser's clipboard, and what is read of it.
PASTED = "Über uns\r\n\r\n\r\n  “Wir lesen – und schreiben…”\t© 2031 {Firma} 한국\\"
READ = 'Uber uns\n\n"Wir lesen - und schreiben..." 2031 {Firma} '
FOLDS = ("surprise", "guesses", "neuron")
WRITTEN = len(controls.PRIME.default) + controls.LENGTH.default  # characters of the text that the tab opens with


def open_fold(page: Page, fold: str) -> None:
    page.locator(f"#{fold}-fold button").first.click()
    expect(page.locator(f"#{fold}-text .at")).to_be_visible()


def read_own(page: Page, text: str) -> None:
    page.get_by_label(controls.USER_TEXT_CHOICE).check()
    page.locator("#own-text textarea").fill(text)
    page.locator("#read-this").click()


def shown_text(page: Page, fold: str) -> str:
    """The characters of a coloured text; a newline is an arrow."""
    return page.locator(f"#{fold}-text .coloured").evaluate("box => box.textContent")


@pytest.fixture
def speech(open_page):
    page = open_page()
    go_to(page, "Speech")
    return page


@pytest.mark.parametrize("size", ["projector", "phone"])
def test_nothing_is_asked_before_a_fold_is_opened_and_each_shows_the_text_on_the_page(open_page, size):
    page = open_page(size)
    go_to(page, "Speech")
    before = page.locator(SPEECH_TEXT).inner_text().strip()
    assert page.locator(".coloured i").count() == 0
    for fold in FOLDS:
        open_fold(page, fold)
        assert shown_text(page, fold).replace("↵", "\n").removesuffix("▯").strip() == before
    expect(page.locator("#surprise-mean")).to_contain_text(f"bits per character over {WRITTEN}")
    expect(page.locator("#surprise-mean")).to_contain_text("on the test speeches 1.457")
    expect(page.locator("#guesses tbody tr")).to_have_count(11)  # the most surprising character is not among the ten
    expect(page.locator("#found")).to_contain_text(re.compile(r"vowels: layer \d, unit \d+, correlation -?0\.[5-9]\d"))


def test_pointing_at_a_character_tells_its_number_and_pointing_away_that_of_the_chosen_one(speech):
    open_fold(speech, "surprise")
    readout = speech.locator("#surprise-text .readout")
    expect(readout).to_have_text(re.compile(r"^Character [\d,]+, .*: \d+\.\d\d bits, a probability of .*"))
    chosen = readout.inner_text()
    speech.locator("#surprise-text i").nth(0).hover()
    expect(readout).to_have_text("Character 1, “M”: nothing foretold it")
    speech.locator("#surprise-text i").nth(2).hover()
    expect(readout).to_have_text(re.compile(r"^Character 3, blank: "))
    speech.locator("#surprise-mean").hover()
    expect(readout).to_have_text(chosen)


def test_the_most_surprising_characters_stand_in_a_table_too(speech):
    open_fold(speech, "surprise")
    speech.locator("#most-surprising summary").click()
    rows = speech.locator("#most-surprising tbody tr")
    expect(rows).to_have_count(10)
    bits = [float(row.locator("td").nth(1).inner_text()) for row in rows.all()]
    assert bits == sorted(bits, reverse=True)
    expect(speech.locator("#surprise-text .readout")).to_contain_text(f"{bits[0]:.2f} bits")


def test_a_character_is_chosen_by_a_click_or_with_the_arrow_keys(speech):
    open_fold(speech, "guesses")
    box, table = speech.locator("#guesses-text .coloured"), speech.locator("#guesses")
    speech.locator("#guesses-text i").nth(5).click()
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
    expect(table).to_contain_text("Nothing was read before the first character")
    box.press("ArrowDown")
    place = int(box.get_attribute("aria-valuenow"))
    tops = speech.evaluate(
        "at => [0, at].map(here => document.querySelectorAll('#guesses-text i')[here].getBoundingClientRect().top)",
        place - 1,
    )
    assert tops[1] > tops[0]
    expect(table).to_contain_text("stands")
    box.press("End")
    expect(table).to_contain_text("the text ends, and the network would go on with:")
    assert table.locator(".chosen").count() == 0
    expect(table.locator("tbody tr")).to_have_count(10)


def test_the_temperature_sharpens_the_second_bars_and_leaves_the_first(speech):
    open_fold(speech, "guesses")

    def shares() -> list[tuple[str, str]]:
        return [
            tuple(cell.inner_text() for cell in row.locator(".share").all())
            for row in speech.locator("#guesses tbody tr").all()
        ]

    expect(speech.locator("#guesses thead")).to_contain_text("temperature 0.8")
    before = shares()
    speech.locator("#temperature input[type=number]").fill("0")
    expect(speech.locator("#guesses thead")).to_contain_text("temperature 0")
    assert [plain for plain, _ in shares()] == [plain for plain, _ in before]
    assert [drawn for _, drawn in shares()][:2] == ["100.0 %", "0.0 %"]
    speech.locator("#temperature input[type=number]").fill("1")
    expect(speech.locator("#guesses thead th").last).to_have_text("temperature 1")
    assert all(plain == drawn for plain, drawn in shares())


def test_while_the_folds_are_closed_the_controls_of_the_tab_ask_for_nothing_inside(speech):
    asked = []
    speech.on("request", lambda request: asked.append(request.url) if "queue/join" in request.url else None)
    speech.locator("#temperature input[type=number]").fill("1.5")
    open_fold(speech, "guesses")
    expect(speech.locator("#guesses thead")).to_contain_text("temperature 1.5")
    assert len(asked) == 2  # that it is open, and what it shows
    speech.locator("#guesses-fold button").first.click()
    expect(speech.locator("#guesses-text")).to_be_hidden()
    speech.locator("#temperature input[type=number]").fill("0.5")
    open_fold(speech, "guesses")
    expect(speech.locator("#guesses thead")).to_contain_text("temperature 0.5")
    assert len(asked) == 2 + 1 + 2  # closed, and opened again
    expect(speech.locator(".toast-body")).to_have_count(0)


def test_a_unit_is_shown_that_is_found_or_that_the_sliders_choose(speech):
    open_fold(speech, "neuron")
    readout, legend = speech.locator("#neuron-text .readout"), speech.locator("#neuron-legend")
    expect(readout).to_have_text(re.compile(r"activation -?\d\.\d{3}$"))
    expect(speech.locator("#unfound")).to_contain_text("no unit reaches a correlation of 0.5 with: ")
    found = speech.locator("#found label")
    says = found.nth(1).inner_text()
    before = legend.inner_text()
    found.nth(1).click()
    layer, unit = re.search(r"layer (\d), unit (\d+)", says).groups()
    expect(speech.locator("#neuron input[type=number]")).to_have_value(unit)
    expect(speech.locator("#layer input[type=number]")).to_have_value(layer)
    expect(legend).not_to_have_text(before)
    speech.locator("#neuron input[type=number]").fill("3")
    speech.locator("#neuron input[type=number]").press("Tab")
    expect(speech.locator("#found input:checked")).to_have_count(0)
    shown = speech.locator("#neuron-text .coloured").inner_html()
    speech.locator("#layer input[type=number]").fill("1" if layer == "2" else "2")
    speech.locator("#layer input[type=number]").press("Tab")
    speech.wait_for_function("html => document.querySelector('#neuron-text .coloured').innerHTML !== html", arg=shown)
    choose(speech, "speech-model", "LSTM 1 x 256")
    expect(speech.locator("#neuron input[type=range]")).to_have_attribute("max", "255")
    expect(speech.locator("#layer input[type=range]")).to_be_disabled()


def test_a_page_of_text_that_nobody_here_wrote_is_read_and_it_is_said_what_was_changed(speech):
    for fold in FOLDS:
        open_fold(speech, fold)
    read_own(speech, PASTED)
    for fold in FOLDS:
        expect(speech.locator(f"#{fold}-text .coloured")).to_have_text(
            READ.replace("\n", "↵") + ("▯" if fold == "guesses" else ""), use_inner_text=False
        )
    note = speech.locator("#reading-note")
    expect(note).to_contain_text(f"{len(READ)} characters are read.")
    expect(note).to_contain_text("brought to ASCII")
    expect(note).to_contain_text("4 characters have no ASCII form")
    expect(note).to_contain_text("Training never showed {")
    speech.get_by_label(controls.GENERATED_TEXT).check()
    expect(speech.locator("#surprise-mean")).to_contain_text(f"over {WRITTEN}")
    expect(speech.locator("#own-text")).to_be_hidden()


def test_markup_is_shown_as_text_in_every_fold(speech):
    markup = '<img src=x onerror=alert(1)><script>alert(2)</script>"${1+1}`{{x}}&amp;'
    dialogs = []
    speech.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for fold in FOLDS:
        open_fold(speech, fold)
    read_own(speech, markup)
    for fold in FOLDS:
        expect(speech.locator(f"#{fold}-text .coloured")).to_contain_text(markup)
    box = speech.locator("#guesses-text .coloured")
    box.focus()
    box.press("End")
    expect(speech.locator("#guesses")).to_contain_text(f"After …{markup[-24:]} the text ends")
    speech.locator("#most-surprising summary").click()
    expect(speech.locator("#most-surprising tbody tr")).to_have_count(10)
    assert not dialogs
    assert speech.locator("img[src=x]").count() == 0


def test_one_letter_has_no_bits_and_a_guess_of_what_comes_next(speech):
    for fold in FOLDS:
        open_fold(speech, fold)
    read_own(speech, "T")
    expect(speech.locator("#surprise-mean")).to_contain_text("A single character has no bits")
    expect(speech.locator("#surprise-text .readout")).to_have_text("Character 1, “T”: nothing foretold it")
    expect(speech.locator("#guesses-text .readout")).to_have_text("After the last character, where nothing stands yet")
    expect(speech.locator("#guesses")).to_contain_text("After T the text ends")
    expect(speech.locator("#neuron-text .readout")).to_have_text(re.compile(r"^Character 1, “T”: activation"))
    assert speech.locator("#found label").count() == 0


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "Paste a text"),
        ("오늘 우리는 모였습니다.", "Latin alphabet"),
        ("x" * 20_001, "at most 20,000 characters"),
    ],
)
def test_a_text_that_cannot_be_read_gets_a_sentence_and_empty_folds(speech, capfd, text, says):
    for fold in FOLDS:
        open_fold(speech, fold)
    read_own(speech, text)
    expect(speech.locator("#reading-note")).to_contain_text(says)
    for fold in FOLDS:
        expect(speech.locator(f"#{fold}-text i")).to_have_count(0)
    expect(speech.locator("#guesses")).to_be_empty()
    read_own(speech, "We")
    expect(speech.locator("#surprise-text i")).to_have_count(2)
    assert "Traceback" not in capfd.readouterr().err


def test_twenty_thousand_characters_are_coloured_each(speech):
    text = ("Ask not what your country can do for you. " * 500)[:19_999] + "."
    open_fold(speech, "surprise")
    read_own(speech, text)
    expect(speech.locator("#surprise-text i")).to_have_count(20_000)
    assert speech.locator("#surprise-text i[class^=l]").count() == 19_999
    expect(speech.locator("#surprise-mean")).to_contain_text("over 20,000")
    open_fold(speech, "neuron")
    expect(speech.locator("#neuron-text i")).to_have_count(20_000)


def test_an_open_fold_follows_the_text_once_it_is_written_and_a_closed_one_asks_nothing(speech):
    open_fold(speech, "surprise")
    asked = []
    speech.on("request", lambda request: asked.append(request.url) if "queue/join" in request.url else None)
    speech.locator("#length input[type=number]").fill("50")
    speech.locator("#seed input").fill("3")
    speech.locator("#generate").click()
    expect(speech.locator("#surprise-text i")).to_have_count(len(controls.PRIME.default) + 50)
    written = speech.locator(SPEECH_TEXT).inner_text()
    assert shown_text(speech, "surprise").replace("↵", "\n") == written
    assert len(asked) == 3  # the text, the button that is ready again, the open fold
