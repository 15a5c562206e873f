"""The folds under the bars of the Names tab, as a visitor opens them and types."""

import re

import pytest
from playwright.sync_api import Page, expect

from charplay.inference.classify import classify
from charplay.models.checkpoints import SHIPPED_DIRECTORY, load
from charplay.ui import controls
from tests.browser.conftest import SIZES
from tests.browser.test_tabs import bars, choose

FOLDS = {"belief": "#belief td", "letters": "#gradients .bars path", "way": "#scores td", "cells": "#belief-lstm td"}
RESTS = "once there is one that can be read"


def open_fold(page: Page, fold: str) -> None:
    page.locator(f"#{fold}-fold button").first.click()
    expect(page.locator(FOLDS[fold]).first).to_be_visible()


def heads(page: Page, table: str) -> list[str]:
    return page.locator(f"{table} thead th").all_text_contents()[1:]


def column(page: Page, table: str, at: int) -> list[str]:
    """What pointing at the cells of a column tells, from the top."""
    cells = page.locator(f"{table} tbody tr td:nth-child({at + 2})")
    return [cell.get_attribute("aria-label") for cell in cells.all()]


def test_what_is_folded_is_asked_for_once_it_is_opened_and_no_longer_than_it_is_open(open_page):
    page = open_page()
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.method == "POST" else None)
    name, seen = page.locator("#name input"), page.locator("#seen .cells span")
    name.fill("Abe")
    expect(seen).to_have_count(3)
    page.wait_for_timeout(300)
    assert len(asked) == 1  # the bars'
    open_fold(page, "belief")
    assert len(asked) == 2
    name.fill("Abel")
    expect(page.locator("#belief thead th")).to_have_count(5)
    assert len(asked) == 4
    page.locator("#belief-fold button").first.click()
    name.fill("Ab")
    expect(seen).to_have_count(2)
    page.wait_for_timeout(300)
    assert len(asked) == 5


@pytest.mark.parametrize("size", SIZES)
def test_the_beliefs_last_column_is_the_bars_and_follows_what_is_typed(open_page, size):
    page = open_page(size)
    open_fold(page, "belief")
    for typed in ("Nguyen X", "O'Brien-Yamamoto", "<b>Li", "x", "y" * 64):
        page.locator("#name input").fill(typed)
        expect(page.locator("#seen .cells span")).to_have_count(len(typed))
        expect(page.locator("#belief thead th")).to_have_count(len(typed) + 1)
        assert heads(page, "#belief") == ["␣" if letter == " " else letter for letter in typed]
        last = column(page, "#belief", len(typed) - 1)
        told = [f"{country} after “{typed}”: {share:.1f} %" for country, share in bars(page).items()]
        assert last == told
    inner, content = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert content <= inner


def test_pointing_at_a_cell_tells_its_number(open_page):
    page = open_page()
    open_fold(page, "belief")
    cell = page.locator("#belief td").nth(3)
    cell.hover()
    told = page.evaluate("cell => getComputedStyle(cell, '::after').content", cell.element_handle())
    assert re.fullmatch(r'"Arabic after “Cost”: \d+\.\d %"', told)


def test_the_letter_that_decided_is_named_and_another_country_can_be_asked(open_page):
    page = open_page()
    open_fold(page, "letters")
    page.locator("#name input").fill("Nguyen")
    expect(page.locator("#left-out .xtick text")).to_have_count(6)
    says = page.locator("#letters-says .headline")
    expect(says).to_have_text(re.compile(r"^Vietnamese would fall from [\d.]+ % to [\d.]+ % without letter \d, .\.$"))
    changes = page.locator("#left-out .bartext").all_text_contents()
    at = min(range(6), key=lambda at: float(changes[at].replace("−", "-")))
    expect(says).to_contain_text(f"letter {at + 1}, {'Nguyen'[at]}")
    choose(page, "country", "Dutch")
    expect(says).to_contain_text("Dutch")
    assert page.locator("#left-out .bartext").all_text_contents() != changes
    choose(page, "model", "LSTM 2 x 96")
    expect(page.locator("#country input")).to_have_value(controls.LIKELIEST)
    [likeliest] = classify(load(SHIPPED_DIRECTORY / "names-lstm.safetensors"), ["Nguyen"])
    expect(says).to_contain_text(likeliest["country"])


def test_a_country_that_is_none_gets_a_sentence(open_page):
    page = open_page()
    open_fold(page, "letters")
    page.locator("#country input").fill("Atlantis")
    page.locator("#country input").press("Enter")
    expect(page.get_by_text("country must be one of Arabic")).to_be_visible()


def test_one_letter_has_no_shorter_name_and_says_so(open_page):
    page = open_page()
    open_fold(page, "letters")
    page.locator("#name input").fill("x")
    expect(page.locator("#letters-says")).to_contain_text("no shorter one")
    expect(page.locator("#left-out")).to_be_hidden()
    expect(page.locator("#gradients .bars path")).to_have_count(1)


@pytest.mark.parametrize(
    ("size", "fold", "cell", "has_room"),
    [
        ("projector", "belief", "#belief td", True),
        ("projector", "cells", "#belief-gru td", False),
        ("phone", "belief", "#belief td", False),
        ("phone", "cells", "#belief-gru td", False),
    ],
)
def test_numbers_stand_in_the_cells_where_all_of_one_fits(open_page, size, fold, cell, has_room):
    page = open_page(size)
    open_fold(page, fold)
    for name, fits in (("Li", True), ("O'Brien-Yamamoto", has_room)):
        page.locator("#name input").fill(name)
        expect(page.locator(cell)).to_have_count(len(name) * len(DEFAULT.classes))
        size_shown = page.locator(cell).first.evaluate("e => getComputedStyle(e).fontSize")
        assert size_shown == ("16px" if fits else "0px")
        assert page.locator(cell).evaluate_all("cells => cells.every(e => e.scrollWidth <= e.clientWidth)") or not fits
    page.locator(cell).first.hover()
    says = page.locator(cell).first.evaluate("e => getComputedStyle(e, '::after').fontSize")
    assert says == "16px"


DEFAULT = load(SHIPPED_DIRECTORY / "names.safetensors")


@pytest.mark.parametrize("model", [f"{DEFAULT.label} (default)", "RNN 2 x 96", "LSTM 2 x 96", "GRU 2 x 96"])
def test_the_way_through_ends_in_the_bars_for_every_model(open_page, model):
    page = open_page()
    open_fold(page, "way")
    choose(page, "model", model)
    page.get_by_label("equally").check()
    page.locator("#name input").fill("O'Brien")
    expect(page.locator("#seen .cells span")).to_have_count(7)
    expect(page.locator("#way .xtick text")).to_have_count(7)
    expect(page.locator("#way .annotation")).to_have_count(7)  # codes, embedding, 2 layers of 2 directions, features
    width = re.search(r"2 x (\d+)", model)[1]
    expect(page.locator("#way .annotation").nth(2)).to_have_text(f"layer 1, forward → (1, 7, {width})")
    expect(page.locator("#scores thead th").last).to_have_text("p")
    shares = [float(text) for text in page.locator("#scores td:last-child").all_text_contents()]
    assert shares == pytest.approx(list(bars(page).values()), abs=0.11)  # two roundings
    says = page.get_by_text(f"averages {DEFAULT.config.members} networks of this shape")
    expect(says).to_have_count(1 if "averaged" in model else 0)


def test_three_cells_read_the_same_name_each_as_it_does_alone(open_page):
    page = open_page()
    open_fold(page, "cells")
    page.locator("#name input").fill("Yamamoto")
    found = []
    for cell in ("rnn", "gru", "lstm"):
        expect(page.locator(f"#belief-{cell} thead th")).to_have_count(9)
        [alone] = classify(load(SHIPPED_DIRECTORY / f"names-{cell}.safetensors"), ["Yamamoto"])
        top = sorted(alone["probabilities"].items(), key=lambda item: -item[1])[:3]
        shown = page.locator(f"#belief-{cell} li").all_text_contents()
        assert shown == [f"{country} {100 * share:.1f} %" for country, share in top]
        found.append(alone["country"])
    broadcast = len(set(found)) == 1
    expect(page.locator("#cells-says .headline")).to_contain_text("They broadcast" if broadcast else "They differ")


def test_a_name_that_cannot_be_read_rests_every_fold_and_the_next_one_wakes_them(open_page):
    page = open_page()
    for fold in FOLDS:
        open_fold(page, fold)
    for typed in ("", "한국"):
        page.locator("#name input").fill(typed)
        for fold, mark in FOLDS.items():
            expect(page.locator(f"#{fold}-fold")).to_contain_text(RESTS)
            expect(page.locator(mark)).to_have_count(0)
        page.locator("#name input").fill("Rossi")
        for mark in FOLDS.values():
            expect(page.locator(mark).first).to_be_visible()
    expect(page.get_by_text("Error")).to_have_count(0)


def test_markup_in_every_fold_is_shown_as_text(open_page):
    page = open_page()
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for fold in FOLDS:
        open_fold(page, fold)
    markup = "<img src=x onerror=alert(1)>"
    page.locator("#name input").fill(markup)
    letters = ["␣" if letter == " " else letter for letter in markup]
    for table in ("#belief", "#belief-rnn", "#belief-gru", "#belief-lstm"):
        expect(page.locator(f"{table} thead th")).to_have_count(len(markup) + 1)
        assert heads(page, table) == letters
    for plot in ("#left-out", "#gradients", "#way"):
        expect(page.locator(f"{plot} .xtick text")).to_have_count(len(markup))
        assert page.locator(f"{plot} .xtick text").all_text_contents() == letters
    assert page.locator("img[src=x]").count() == 0
    assert not dialogs


def test_a_name_typed_fast_with_every_fold_open_ends_at_its_last_letter(open_page):
    page = open_page()
    for fold in FOLDS:
        open_fold(page, fold)
    page.locator("#name input").fill("")
    page.locator("#name input").press_sequentially("Yamamoto", delay=15)
    expect(page.locator("#headline b")).to_have_text("Japanese")
    for table in ("#belief", "#belief-lstm"):
        expect(page.locator(f"{table} thead th")).to_have_count(9)
    for plot in ("#left-out", "#gradients", "#way"):
        expect(page.locator(f"{plot} .xtick text")).to_have_count(8)
