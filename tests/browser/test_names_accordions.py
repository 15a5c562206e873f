"""The accordions under the bars of the Names tab, opened and followed while a name is typed."""

import re

import pytest
from playwright.sync_api import Page, expect

from charplay.inference.classify import classify
from charplay.models.checkpoints import SHIPPED_DIRECTORY, load
from charplay.ui import controls
from tests.browser.conftest import SIZES, expect_network, toggle_accordion
from tests.browser.test_tabs import bars, choose

ACCORDIONS = {
    "prefixes": "#prefixes td",
    "attribution": "#gradients .bars path",
    "activations": "#scores td",
    "cells": "#prefixes-lstm td",
}
IDLE = "once there is one that can be read"


def open_accordion(page: Page, accordion: str) -> None:
    toggle_accordion(page, f"{accordion}-accordion")
    expect(page.locator(ACCORDIONS[accordion]).first).to_be_visible()


def heads(page: Page, table: str) -> list[str]:
    return page.locator(f"{table} thead th").all_text_contents()[1:]


def column(page: Page, table: str, index: int) -> list[str]:
    """The labels of the cells of a column, from the top."""
    cells = page.locator(f"{table} tbody tr td:nth-child({index + 2})")
    return [cell.get_attribute("aria-label") for cell in cells.all()]


@pytest.mark.usefixtures("new_page")
def test_an_accordion_sends_requests_from_when_it_is_opened_until_it_collapses(use_page):
    page = use_page("tab=names")
    requests = []
    page.on("request", lambda request: requests.append(request.url) if request.method == "POST" else None)
    name = page.locator("#name input")
    name.fill("Abe")
    expect_network(page, 3)
    page.wait_for_timeout(300)
    assert len(requests) == 1  # the bars'
    open_accordion(page, "prefixes")
    assert len(requests) == 2
    name.fill("Abel")
    expect(page.locator("#prefixes thead th")).to_have_count(5)
    assert len(requests) == 3  # one for everything
    toggle_accordion(page, "prefixes-accordion")
    name.fill("Ab")
    expect_network(page, 2)
    page.wait_for_timeout(300)
    assert len(requests) == 4


@pytest.mark.parametrize("size", SIZES)
def test_the_last_column_of_the_prefix_probabilities_is_the_bars(use_page, size):
    page = use_page("tab=names", size)
    open_accordion(page, "prefixes")
    for typed in ("Nguyen X", "O'Brien-Yamamoto", "<b>Li", "X", "Y" + "y" * 63):
        page.locator("#name input").fill(typed)
        expect_network(page, len(typed))
        expect(page.locator("#prefixes thead th")).to_have_count(len(typed) + 1)
        assert heads(page, "#prefixes") == ["␣" if letter == " " else letter for letter in typed]
        last = column(page, "#prefixes", len(typed) - 1)
        assert last == [f"{country} after “{typed}”: {share:.1f} %" for country, share in bars(page).items()]
    inner, content = page.evaluate("[innerWidth, document.documentElement.scrollWidth]")
    assert content <= inner


def test_pointing_at_a_cell_shows_its_number(use_page):
    page = use_page("tab=names")
    open_accordion(page, "prefixes")
    cell = page.locator("#prefixes td").nth(3)
    expect(cell).to_have_attribute("aria-label", re.compile("after “Cost”"))
    cell.hover()
    label = page.evaluate("cell => getComputedStyle(cell, '::after').content", cell.element_handle())
    assert re.fullmatch(r'"Arabic after “Cost”: \d+\.\d %"', label)


def test_the_letter_of_the_largest_change_is_named_for_any_country(use_page):
    page = use_page("tab=names")
    open_accordion(page, "attribution")
    page.locator("#name input").fill("Nguyen")
    expect(page.locator("#left-out .xtick text")).to_have_count(6)
    headline = page.locator("#attribution-headline .headline")
    expect(headline).to_have_text(
        re.compile(r"^Vietnamese would fall from [\d.]+ % to [\d.]+ % without letter \d, .\.$")
    )
    changes = page.locator("#left-out .bartext").all_text_contents()
    largest = min(range(6), key=lambda index: float(changes[index].replace("−", "-")))
    expect(headline).to_contain_text(f"letter {largest + 1}, {'Nguyen'[largest]}")
    choose(page, "country", "Dutch")
    expect(headline).to_contain_text("Dutch")
    assert page.locator("#left-out .bartext").all_text_contents() != changes
    of_best = headline.inner_text()
    choose(page, "model", "LSTM 2 x 96")
    expect(headline).not_to_have_text(of_best)
    expect(page.locator("#country input")).to_have_value("Dutch")
    choose(page, "country", controls.LIKELIEST)
    [likeliest] = classify(load(SHIPPED_DIRECTORY / "names-lstm.safetensors"), ["Nguyen"])
    expect(headline).to_contain_text(likeliest["country"])


def test_an_unknown_country_is_refused(use_page):
    page = use_page("tab=names")
    open_accordion(page, "attribution")
    page.locator("#country input").fill("Atlantis")
    page.locator("#country input").press("Enter")
    expect(page.get_by_text("must be one of Arabic")).to_be_visible()


def test_a_name_of_one_letter_has_gradients_only(use_page):
    page = use_page("tab=names")
    open_accordion(page, "attribution")
    page.locator("#name input").fill("x")
    expect(page.locator("#attribution-headline")).to_contain_text("no shorter one")
    expect(page.locator("#left-out")).to_be_hidden()
    expect(page.locator("#gradients .bars path")).to_have_count(1)


@pytest.mark.parametrize(
    ("size", "accordion", "cell", "has_room"),
    [
        ("projector", "prefixes", "#prefixes td", True),
        ("projector", "cells", "#prefixes-gru td", False),
        ("phone", "prefixes", "#prefixes td", False),
        ("phone", "cells", "#prefixes-gru td", False),
    ],
)
def test_numbers_are_in_the_cells_where_they_have_room(use_page, size, accordion, cell, has_room):
    page = use_page("tab=names", size)
    open_accordion(page, accordion)
    for name, fits in (("Li", True), ("O'Brien-Yamamoto", has_room)):
        page.locator("#name input").fill(name)
        expect(page.locator(cell)).to_have_count(len(name) * len(DEFAULT.classes))
        size_shown = page.locator(cell).first.evaluate("e => getComputedStyle(e).fontSize")
        assert size_shown == (("18px" if size == "projector" else "16px") if fits else "0px")
        assert page.locator(cell).evaluate_all("cells => cells.every(e => e.scrollWidth <= e.clientWidth)") or not fits
    page.locator(cell).first.hover()
    label_size = page.locator(cell).first.evaluate("e => getComputedStyle(e, '::after').fontSize")
    assert label_size in ("16px", "18px")


DEFAULT = load(SHIPPED_DIRECTORY / "names.safetensors")


@pytest.mark.parametrize("model", ["Best", "RNN 2 x 96", "LSTM 2 x 96", "GRU 2 x 96"])
def test_the_activations_of_every_model_end_in_the_bars(use_page, model):
    page = use_page("tab=names")
    open_accordion(page, "activations")
    choose(page, "model", model)
    page.get_by_label(controls.ALL_EQUAL).check()
    page.locator("#name input").fill("O'Brien")
    expect_network(page, 7)
    expect(page.locator("#activations .xtick text")).to_have_count(7)
    expect(page.locator("#activations .annotation")).to_have_count(
        7
    )  # codes, embedding, 2 layers of 2 directions, features
    width = re.search(r"2 x (\d+)", DEFAULT.label if model == "Best" else model)[1]
    expect(page.locator("#activations .annotation").nth(2)).to_have_text(f"layer 1, forward → (1, 7, {width})")
    expect(page.locator("#scores thead th").last).to_have_text("p")
    shares = [float(text) for text in page.locator("#scores td:last-child").all_text_contents()]
    assert shares == list(bars(page).values())


def test_each_cell_type_gives_what_its_model_gives(use_page):
    page = use_page("tab=names")
    open_accordion(page, "cells")
    page.locator("#name input").fill("Yamamoto")
    countries = []
    for cell in ("rnn", "gru", "lstm"):
        expect(page.locator(f"#prefixes-{cell} thead th")).to_have_count(9)
        [result] = classify(load(SHIPPED_DIRECTORY / f"names-{cell}.safetensors"), ["Yamamoto"])
        top = sorted(result["probabilities"].items(), key=lambda item: -item[1])[:3]
        shown = page.locator(f"#prefixes-{cell} li").all_text_contents()
        assert shown == [f"{country} {100 * share:.1f} %" for country, share in top]
        countries.append(result["country"])
    agree = len(set(countries)) == 1
    expect(page.locator("#cells-headline .headline")).to_contain_text("They agree" if agree else "They differ")


def test_after_an_invalid_name_every_accordion_is_idle_until_the_next_valid_one(use_page):
    page = use_page("tab=names")
    for accordion in ACCORDIONS:
        open_accordion(page, accordion)
    for typed in ("", "한국"):
        page.locator("#name input").fill(typed)
        for accordion, mark in ACCORDIONS.items():
            expect(page.locator(f"#{accordion}-accordion")).to_contain_text(IDLE)
            expect(page.locator(mark)).to_have_count(0)
        page.locator("#name input").fill("Rossi")
        for mark in ACCORDIONS.values():
            expect(page.locator(mark).first).to_be_visible()
    expect(page.get_by_text("Error")).to_have_count(0)


def test_markup_in_every_accordion_is_shown_as_text(use_page):
    page = use_page("tab=names")
    dialogs = []
    page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    for accordion in ACCORDIONS:
        open_accordion(page, accordion)
    markup = "<img src=x onerror=alert(1)>"
    page.locator("#name input").fill(markup)
    letters = ["␣" if letter == " " else letter for letter in markup]
    for table in ("#prefixes", "#prefixes-rnn", "#prefixes-gru", "#prefixes-lstm"):
        expect(page.locator(f"{table} thead th")).to_have_count(len(markup) + 1)
        assert heads(page, table) == letters
    for plot in ("#left-out", "#gradients", "#activations"):
        expect(page.locator(f"{plot} .xtick text")).to_have_count(len(markup))
        assert page.locator(f"{plot} .xtick text").all_text_contents() == letters
    assert page.locator("img[src=x]").count() == 0
    assert not dialogs


def test_a_name_typed_fast_with_every_accordion_open_ends_at_its_last_letter(use_page):
    page = use_page("tab=names")
    for accordion in ACCORDIONS:
        open_accordion(page, accordion)
    page.locator("#name input").fill("")
    page.locator("#name input").press_sequentially("Yamamoto", delay=15)
    expect(page.locator("#headline b")).to_have_text("Japanese")
    for table in ("#prefixes", "#prefixes-lstm"):
        expect(page.locator(f"{table} thead th")).to_have_count(9)
    for plot in ("#left-out", "#gradients", "#activations"):
        expect(page.locator(f"{plot} .xtick text")).to_have_count(8)
