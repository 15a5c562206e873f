"""The Train tab and data that cannot be used, or are read otherwise than meant."""

import re

from playwright.sync_api import expect

from charplay import limits
from charplay.ui import controls
from charplay.ui.example_data import EXAMPLES
from tests.browser.conftest import toggle_accordion
from tests.browser.test_train import (
    PATIENT,
    ROWS,
    TEXT,
    choose,
    learn_from,
    paste,
    set_epochs,
    train,
    train_tab,
)

UNUSABLE = {  # kind of data -> what is pasted -> what is said of it
    controls.TEXT: {
        "": "The box is empty",
        "x": "must have 200 to 5,000,000 characters",
        "\u200b" * 300: "must have 200 to 5,000,000 characters",
    },
    controls.ROWS: {
        "just a line\nand one more": "one column",
        "a,same\nb,same\nc,same": "needs two labels",
        "a,x\nb,x\nc,y\nd,y\ne,lonely": "line 5: it is the only row labelled “lonely”",
        "a,x\nb,x\nc,y,z\nd,y\ne,y": "line 3: it has 3 columns",
    },
}


def test_data_that_cannot_be_used_is_a_user_error(open_page):
    page = train_tab(open_page())
    box = page.locator("#pasted-data textarea")
    for kind, messages in UNUSABLE.items():
        box.fill("")  # a pasted text would stay
        learn_from(page, kind)
        for pasted, message in messages.items():
            box.fill(pasted)
            shown = page.locator("#data-summary, #data-problem").filter(has_text=re.compile(message))
            expect(shown).to_be_visible(timeout=PATIENT)


def test_what_was_pasted_outlives_an_example_unless_its_user_agrees(open_page):
    page = train_tab(open_page())
    box = page.locator("#pasted-data textarea")
    box.fill(ROWS)
    expect(page.locator("#data-summary")).to_contain_text("consonants 12", timeout=PATIENT)
    page.locator("a.example", has_text="names and countries").click()
    expect(page.locator("#data-summary")).to_contain_text("18 classes", timeout=PATIENT)
    asked = []
    page.once("dialog", lambda dialog: (asked.append(dialog.message), dialog.dismiss()))
    page.locator("a.example", has_text="words of three languages").click()
    expect(page.locator("#source").get_by_label("built-in")).to_be_checked()
    choose(page, "source", "paste")
    expect(box).to_have_value(ROWS)
    assert len(asked) == 1
    page.once("dialog", lambda dialog: dialog.accept())
    page.locator("a.example", has_text="words of three languages").click()
    expect(box).to_have_value(EXAMPLES[controls.ROWS])


def test_files_that_cannot_be_used_are_user_errors_and_the_trained_model_stays(open_page, tmp_path):
    page = train_tab(open_page())
    paste(page, controls.ROWS, ROWS, "vowels 12")
    set_epochs(page, 1)
    train(page)
    binary, large, huge = tmp_path / "binary.txt", tmp_path / "large.txt", tmp_path / "huge.txt"
    binary.write_bytes(bytes(range(256)) * 10)
    large.write_bytes(b"a" * (limits.MAX_USER_DATA_BYTES + 1))
    with huge.open("wb") as file:
        file.truncate(100_000_000)
    choose(page, "source", controls.UPLOAD)
    problem = page.locator("#data-problem")
    expect(problem).to_contain_text("Drop a file first", timeout=PATIENT)
    page.locator("#file input[type=file]").set_input_files(binary)
    expect(problem).to_contain_text("no text but a binary file", timeout=PATIENT)
    page.locator("#file input[type=file]").set_input_files(large)
    expect(problem).to_contain_text("at most 5,000,000")
    expect(page.locator("#data-summary")).to_have_text("")  # no older summary passes for that of this file
    choose(page, "source", controls.PASTE)  # another source: what was wrong with the file is not said any more
    expect(problem).to_have_text("", timeout=PATIENT)
    expect(page.locator("#data-summary .tiles")).to_be_visible()
    choose(page, "source", controls.UPLOAD)
    expect(problem).not_to_have_text("", timeout=PATIENT)
    toast = page.locator(".toast-body")
    page.locator("#file input[type=file]").set_input_files(huge)
    expect(toast.last).to_contain_text("maximum allowed size")
    with page.expect_file_chooser() as chooser:
        page.locator("#load").click()
    chooser.value.set_files(binary)
    expect(page.locator("#user-model-problem")).to_contain_text("binary.txt")
    expect(page.locator("#user-model-description")).to_contain_text("2 classes")
    page.locator("#try").click()
    expect(page.locator("#bars th")).to_have_text(["consonants", "vowels"])


def test_an_absurd_learning_rate_ends_the_training_with_an_explanation(open_page):
    page = train_tab(open_page())
    paste(page, controls.TEXT, TEXT, "characters: ")
    toggle_accordion(page, "settings-accordion")
    rate = page.locator("#learning-rate input")
    rate.fill("-1")
    rate.press("Enter")
    expect(page.locator("#settings-problem")).to_contain_text("must be a number from")
    rate.fill("100")
    rate.press("Enter")
    expect(page.locator("#changes textarea, #changes input").first).to_have_value(re.compile("learning_rate"))
    page.locator("#train-start").click()
    expect(page.locator("#train-status")).to_contain_text("smaller learning rate", timeout=PATIENT)


def test_the_detected_row_format_can_be_changed(open_page):
    page = train_tab(open_page())
    paste(page, controls.ROWS, "1;one;x\n2;two;x\n3;three;y\n4;four;y\n", "column 3")
    toggle_accordion(page, "row-format-accordion")
    page.locator("#label-column input").click()
    page.get_by_role("option", name="column 1").click()
    expect(page.locator("#data-problem, #data-summary").filter(has_text="the only row labelled")).to_be_visible(
        timeout=PATIENT
    )
    page.locator("#delimiter input").click()
    page.get_by_role("option", name="tab", exact=True).click()
    expect(page.locator("#data-problem")).to_contain_text("one column", timeout=PATIENT)


def test_the_encoding_of_a_file_is_shown_and_can_be_changed(open_page, tmp_path):
    file = tmp_path / "names.csv"
    file.write_bytes("Nowak,mąż\nWiśniewski,mąż\nŁukaszewicz,żona\nGołębiowska,żona\n".encode("cp1250"))
    page, summary = train_tab(open_page()), "#data-summary"
    choose(page, "source", controls.UPLOAD)
    page.locator("#file input[type=file]").set_input_files(file)
    expect(page.locator(summary)).to_contain_text("Windows-1250", timeout=PATIENT)
    expect(page.locator(summary)).to_contain_text("Wiśniewski → mąż")
    page.locator("#encoding input").click()
    page.get_by_role("option", name="Mac Roman", exact=True).click()
    expect(page.locator(summary)).to_contain_text("Mac Roman", timeout=PATIENT)
    expect(page.locator(summary)).not_to_contain_text("mąż")


def test_json_lines_and_merged_labels(open_page):
    page = train_tab(open_page())
    rows = "".join(f'{{"label": "{label}", "text": "name {n}"}}\n' for n, label in enumerate(["it", "IT", "ru"] * 2))
    paste(page, controls.ROWS, rows, "JSON Lines")
    expect(page.locator("#data-summary")).to_contain_text("3 classes")
    toggle_accordion(page, "row-format-accordion")
    page.locator("#merge-case input").check()
    expect(page.locator("#data-summary")).to_contain_text("2 classes", timeout=PATIENT)
