"""A text of one's own in the accordions of the Speech tab that analyze one."""

import re

from playwright.sync_api import Page, expect

from charplay.ui import controls
from tests.browser.conftest import toggle_accordion
from tests.browser.test_speech_inside import ACCORDIONS, INITIAL_CHARACTERS, open_accordion
from tests.browser.test_tabs import choose

# A text as it comes out of a browser's clipboard, and as it is after normalisation.
PASTED = "Über uns\r\n\r\n\r\n  “Wir lesen – und schreiben…”\t© 2031 {Firma} 한국\\"
NORMALIZED = 'Uber uns\n\n"Wir lesen - und schreiben..." 2031 {Firma} '


def analyze(page: Page, text: str) -> None:
    page.get_by_label(controls.USER_TEXT_CHOICE).check()
    page.locator("#user-text textarea").fill(text)
    page.locator("#read-this").click()


def test_a_pasted_text_is_analyzed_and_a_note_says_what_was_changed(speech):
    for name in ACCORDIONS:
        open_accordion(speech, name)
    analyze(speech, PASTED)
    for name in ACCORDIONS:
        expect(speech.locator(f"#{name}-text .colored-text")).to_have_text(
            NORMALIZED.replace("\n", "↵") + ("▯" if name == "candidates" else ""), use_inner_text=False
        )
    note = speech.locator("#user-text-note")
    expect(note).to_contain_text(f"{len(NORMALIZED)} characters are read.")
    expect(note).to_contain_text("brought to ASCII")
    expect(note).to_contain_text("4 characters have no ASCII form")
    expect(note).to_contain_text("Training never showed {")
    speech.get_by_label(controls.GENERATED_TEXT).check()
    expect(speech.locator("#surprisal-mean")).to_contain_text(f"over {INITIAL_CHARACTERS}")
    expect(speech.locator("#user-text")).to_be_hidden()


def test_markup_is_shown_as_text_in_every_accordion(speech):
    markup = '<img src=x onerror=alert(1)><script>alert(2)</script>"${1+1}`{{x}}&amp;'
    dialogs = []
    speech.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for name in ACCORDIONS:
        open_accordion(speech, name)
    analyze(speech, markup)
    for name in ACCORDIONS:
        expect(speech.locator(f"#{name}-text .colored-text")).to_contain_text(markup)
    box = speech.locator("#candidates-text .colored-text")
    box.focus()
    box.press("End")
    expect(speech.locator("#candidates")).to_contain_text(f"After …{markup[-24:]} the text ends")
    speech.locator("#most-surprising summary").click()
    expect(speech.locator("#most-surprising tbody tr")).to_have_count(10)
    assert not dialogs
    assert speech.locator("img[src=x]").count() == 0


def test_one_letter_has_no_bits_and_candidates_for_what_comes_next(speech):
    for name in ACCORDIONS:
        open_accordion(speech, name)
    analyze(speech, "T")
    expect(speech.locator("#surprisal-mean")).to_contain_text("A single character has no surprisal")
    expect(speech.locator("#surprisal-text .readout")).to_have_text("Character 1, “T”: the first, without a prediction")
    expect(speech.locator("#candidates-text .readout")).to_have_text("After the last character")
    expect(speech.locator("#candidates")).to_contain_text("After T the text ends")
    expect(speech.locator("#neuron-text .readout")).to_have_text(re.compile(r"^Character 1, “T”: activation"))
    assert speech.locator("#found label").count() == 0


def test_a_text_that_cannot_be_used_is_explained_and_empties_the_accordions(speech, capfd):
    for name in ACCORDIONS:
        open_accordion(speech, name)
    for text, message in (
        ("", "Paste a text"),
        ("오늘 우리는 모였습니다.", "Latin alphabet"),
        ("x" * 20_001, "at most 20,000 characters"),
    ):
        analyze(speech, text)
        expect(speech.locator("#user-text-note")).to_contain_text(message)
        for name in ACCORDIONS:
            expect(speech.locator(f"#{name}-text i")).to_have_count(0)
        expect(speech.locator("#candidates")).to_be_empty()
        analyze(speech, "We")
        expect(speech.locator("#surprisal-text i")).to_have_count(2)
    assert "Traceback" not in capfd.readouterr().err


def test_twenty_thousand_characters_are_coloured_each(speech):
    text = ("Ask not what your country can do for you. " * 500)[:19_999] + "."
    open_accordion(speech, "surprisal")
    analyze(speech, text)
    expect(speech.locator("#surprisal-text i")).to_have_count(
        20_000, timeout=60_000
    )  # such a question is answered at low priority
    assert speech.locator("#surprisal-text i[class^=l]").count() == 19_999
    expect(speech.locator("#surprisal-mean")).to_contain_text("over 20,000")
    open_accordion(speech, "neuron", timeout=60_000)
    expect(speech.locator("#neuron-text i")).to_have_count(20_000)


def test_a_text_is_read_twice_and_the_copy_that_learns_needs_fewer_bits(speech):
    choose(speech, "speech-model", "RNN 1 x 256")
    toggle_accordion(speech, "dynamic-accordion")
    start, status = speech.locator("#dynamic-start"), speech.locator("#dynamic-status")
    analyze(speech, "short")
    start.click()
    expect(status.locator(".problem")).to_contain_text("characters")
    speech.locator("#dynamic-accordion a.example").click()
    expect(speech.locator("#user-text-note")).to_contain_text(re.compile(r"\d,\d{3} characters are read"))
    start.click()
    expect(speech.locator("#dynamic-bits")).to_be_visible(timeout=120_000)
    fixed, learning = (float(speech.locator(f"#{name}-bits").inner_text()) for name in ("fixed", "dynamic"))
    assert learning < 0.9 * fixed
    expect(speech.locator("#dynamic-curves .scatterlayer .js-line")).to_have_count(2)
    written = [speech.locator(f"#dynamic-{name} .sample").inner_text() for name in ("fixed", "dynamic")]
    assert all(len(each) > 200 for each in written)
    assert written[0] != written[1]
