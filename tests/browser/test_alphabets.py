"""Data in other alphabets than the Latin one: trained on the Train tab, tried, saved, and loaded again."""

import re
from pathlib import Path

from playwright.sync_api import Page, expect

from charplay.models import checkpoints
from charplay.ui import controls
from tests.browser.conftest import expect_network, go_to_tab
from tests.browser.test_train import paste, set_epochs, train, train_tab

GREEK = "Σε γνωρίζω από την κόψη του σπαθιού την τρομερή,\nσε γνωρίζω από την όψη. " * 8
SURNAMES = [f"{stem}{ending}" for stem in ("Иван", "Петр", "Сидор", "Федор") for ending in ("ов", "ова")]
CYRILLIC = "фамилия,пол\n" + "".join(f"{name},{'ж' if name.endswith('а') else 'м'}\n" for name in SURNAMES)


def download(page: Page, directory: Path) -> Path:
    with page.expect_download() as downloaded:
        page.locator("#download").click()
    saved = directory / downloaded.value.suggested_filename
    downloaded.value.save_as(saved)
    return saved


def load(page: Page, saved: Path) -> None:
    with page.expect_file_chooser() as chooser:
        page.locator("#load").click()
    chooser.value.set_files(saved)
    expect(page.locator("#try")).to_be_enabled()


def generate_with_seed(page: Page) -> str:
    """The text from the opening words that stand there, once Try has generated one: meanwhile a press is ignored."""
    expect(page.locator("#seed-used")).not_to_have_text(str(controls.EXAMPLE_SEED))
    expect(page.locator("#generate")).to_be_enabled()
    page.locator("#length input[type=number]").fill("50")
    page.locator("#seed input, #seed textarea").first.fill("5")
    page.locator("#generate").click()
    expect(page.locator("#stats")).to_contain_text("50 of 50")
    expect(page.locator("#seed-used")).to_have_text("5")
    return page.locator("#text .text").inner_text()


def test_a_greek_text_is_trained_continued_in_speech_saved_and_loaded_again(open_page, tmp_path):
    page = train_tab(open_page())
    paste(page, controls.TEXT, GREEK, "characters: ")
    set_epochs(page, 1)
    train(page)
    saved = download(page, tmp_path)
    assert set(checkpoints.load(saved).alphabet) <= set(GREEK)
    page.locator("#try").click()
    expect(page.locator("#prime textarea")).to_have_value(re.compile("[α-ω]"))
    prime = page.locator("#prime textarea").input_value()
    assert prime in GREEK
    expect(page.locator("#next-characters .given").last).to_have_text("␣")
    text = generate_with_seed(page)
    assert set(text) <= set(GREEK)
    page.locator("#prime textarea").fill("γη 漢z")
    expect(page.locator("#speech-message b")).to_have_text(["漢", "z"])  # it never saw them

    other = train_tab(open_page())
    load(other, saved)
    other.locator("#try").click()
    expect(other.locator("#prime textarea")).to_have_value(prime)
    assert generate_with_seed(other) == text


def test_cyrillic_surnames_are_trained_classified_and_batched_saved_and_loaded_again(open_page, tmp_path):
    page = train_tab(open_page())
    paste(page, controls.ROWS, CYRILLIC, "ж 4")
    set_epochs(page, 1)
    train(page)
    saved = download(page, tmp_path)
    page.locator("#try").click()
    expect(page.locator("#bars th")).to_have_text(["ж", "м"])
    assert page.locator("#name input").input_value() in SURNAMES
    page.locator("#name input").fill("Орлова")
    expect_network(page, 6)
    expect(page.locator("#headline .read-as b")).to_have_text(["О", "л"])  # the data have no such letters
    shares = page.locator("#bars .share").all_text_contents()

    other = train_tab(open_page())
    load(other, saved)
    other.locator("#try").click()
    expect(other.locator("#bars th")).to_have_text(["ж", "м"])
    other.locator("#name input").fill("Орлова")
    expect_network(other, 6)
    assert other.locator("#bars .share").all_text_contents() == shares
    go_to_tab(other, "Batches")
    other.locator("#batch-model input").click()
    other.get_by_role("option", name=re.compile("^yours 1")).click()
    other.locator("#names textarea").fill("Иванова\nПетров")
    expect(other.locator("#padded .ytick text")).to_have_text(["Иванова", "Петров"])
    expect(other.locator("#facts")).to_contain_text("(2, 2)")
