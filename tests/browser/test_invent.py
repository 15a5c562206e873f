"""The Invent tab: names of a country, judged by the classifier."""

import re

from playwright.sync_api import Page, expect

from charplay.ui import controls
from tests.browser.conftest import expect_network, go_to_tab
from tests.browser.test_train import ROWS, paste, set_epochs, train, train_tab

NAMES = "#invented button.invented"


def names_of(page: Page) -> list[str]:
    return page.locator(f"{NAMES} b").all_text_contents()


def expect_names(page: Page, count: int, seed: str) -> list[str]:
    expect(page.locator("#invent-seed-used")).to_have_text(seed)
    expect(page.locator(NAMES)).to_have_count(count)
    expect(page.locator("#invent-start")).to_have_text("Invent")
    return names_of(page)


def expect_drawing(page: Page, name: str) -> None:
    expect(page.locator("#writing .chosen-name b")).to_have_text(name)
    expect(page.locator("#writing .fed-back")).to_have_count(len(name))


def test_names_are_invented_judged_drawn_and_taken_to_other_tabs(open_page):
    page = open_page()
    go_to_tab(page, "Invent")
    opening = expect_names(page, controls.INVENT_COUNT.default, str(controls.EXAMPLE_SEED))
    expect_drawing(page, opening[0])

    page.locator("#invent-seed input").fill("11")
    page.locator("#invent-count input[type=number]").fill("30")
    page.locator("#invent-start").click()
    invented = expect_names(page, 30, "11")
    expect_drawing(page, invented[0])
    expect(page.locator(f"{NAMES} .answer")).to_have_count(30)
    answers = page.locator(f"{NAMES} .answer").all_text_contents()
    assert sum("Italian" in answer for answer in answers) > 15
    assert all(re.search(r"\d+ %$", answer) for answer in answers)

    page.locator(NAMES).nth(3).click()
    expect_drawing(page, invented[3])
    expect(page.locator(f"{NAMES}[aria-pressed=true]")).to_have_count(1)
    page.keyboard.press("ArrowLeft")
    expect_drawing(page, invented[2])
    page.keyboard.press("ArrowRight")
    expect_drawing(page, invented[3])

    page.locator("#invent-seed input").fill("much")
    page.locator("#invent-start").click()
    expect(page.locator("#invent-message .problem")).to_be_visible()
    assert names_of(page) == invented

    page.locator("#writing a", has_text="All in Batches").click()
    lines = page.locator("#names textarea")
    expect(lines).to_be_visible()
    expect(lines).to_have_value("\n".join(dict.fromkeys(invented)))
    go_to_tab(page, "Invent")
    page.locator("#writing a", has_text="Open in Names").click()
    expect(page.locator("#name input")).to_have_value(invented[3])
    expect_network(page, len(invented[3]))


def test_a_link_invents_its_mixture(open_page):
    link = "#tab=invent&invent-country=japanese&mixed-with=italian&mixed-share=0.25&invent-count=5&invent-seed=3"
    page = open_page("phone", link=link)
    expect_names(page, 5, "3")
    expect(page.locator("#writing .given")).to_contain_text("Italian")
    expect(page.locator("#writing .given")).to_contain_text("Japanese")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_rows_are_invented_too_in_their_own_classes_and_the_model_loads_again(open_page, tmp_path):
    page = train_tab(open_page(link="#tab=train&rows-goal=invent"))
    expect(page.locator("#rows-goal").get_by_label(controls.INVENT)).to_be_checked()
    markup = "<b>vowels & more"
    rows = ROWS.replace("vowels", markup)
    paste(page, controls.ROWS, rows, f"{markup} 12")
    expect(page.locator("#data-summary .tiles")).to_contain_text("n-grams")
    set_epochs(page, 4)
    train(page)
    samples = page.locator("#sample .facts")
    expect(samples.locator("dt")).to_have_text([markup, "consonants"])
    expect(page.locator("#runs tbody")).to_contain_text("n-gram")
    with page.expect_download() as download:
        page.locator("#download").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    with page.expect_file_chooser() as chooser:
        page.locator("#load").click()
    chooser.value.set_files(path)
    expect(page.locator("#user-model input")).to_have_value(re.compile("^yours 2: .*Invent"))
    page.locator("#try").click()
    expect(page.locator("#invent-model input")).to_have_value(re.compile("^yours 2"))
    expect(page.locator("#invent-country input")).to_have_value(markup)
    expect(page.locator("#invented button.invented")).to_have_count(controls.INVENT_COUNT.default)
    expect(page.locator("#invent-stats")).not_to_contain_text("Italian")
    letters = set("".join(page.locator("#invented button.invented b").all_text_contents()))
    assert letters <= set("oart")
    expect(page.locator("#writing .chosen-name b")).to_be_visible()
