"""The accordions of the Batches tab: time steps, packed against unmasked results, the code."""

import re

import pytest
from playwright.sync_api import Page, expect

from charplay.data.batches import compare
from charplay.interpret import packing
from charplay.interpret.code_snippet import batch_code
from charplay.interpret.unmasked import compare_unmasked, has_flipped
from charplay.models import checkpoints
from charplay.ui import controls
from charplay.ui.html import percent
from tests.browser.conftest import expect_bottom, go_to_tab, toggle_accordion

NAMES = ["adylov", "solan", "hard", "san"]
HIDDEN_FRAMES = "#padded .shapelayer path[style*='stroke-dasharray']"


def open_accordion(page: Page, accordion: str) -> None:
    toggle_accordion(page, f"{accordion}-accordion")


def step_to(page: Page, step: int) -> None:
    page.locator("#step input[type=range]").fill(str(step))


def type_names(page: Page, names: list[str]) -> None:
    page.locator("#names textarea").fill("\n".join(names))


# [framed, veiled]: the steps of a plot whose marks are visible; the last step's mark comes first
MARKS = """plot => {
  const marks = [...document.querySelectorAll(`#${plot} .shape-group path:not([style*=dasharray])`)]
    .map(path => getComputedStyle(path)).reverse();
  const numbers = is => marks.flatMap((style, number) => is(style) ? [number] : []);
  return [numbers(style => style.strokeWidth === '4px'), numbers(style => style.fillOpacity === '0.5')];
}"""


def expect_marks(page: Page, framed: list[int], veiled: list[int]) -> None:
    for plot in ("padded", "packed", "strip"):
        page.wait_for_function(
            f"wanted => JSON.stringify(({MARKS})(wanted.plot)) === JSON.stringify(wanted.marks)",
            arg={"plot": plot, "marks": [framed, veiled]},
        )


def show_cells(page: Page, cells: str) -> None:
    """Chooses what the cells show, and waits for it."""
    page.get_by_label(cells).check()
    first, is_number = page.locator("#padded .heatmap-label").first, re.compile(r"^-?\d\.\d\d$")
    if cells == controls.CELLS.choices[0]:
        expect(first).not_to_have_text(is_number)
    else:
        expect(first).to_have_text(is_number)
    expect(page.locator(HIDDEN_FRAMES)).to_have_count(6 if cells == controls.HIDDEN else 0)


@pytest.mark.parametrize("order", controls.ORDER.choices)
def test_a_time_step_is_marked_in_all_plots_and_counted_without_a_request(use_page, order):
    page = use_page("tab=batches")
    page.get_by_label(order).check()
    for cells in controls.CELLS.choices:
        show_cells(page, cells)
        check_time_steps(page)


def check_time_steps(page: Page) -> None:
    """Opens the accordion of time steps on the initial names, moves through them, and closes it again."""
    expect_marks(page, [], [])
    open_accordion(page, "step")
    expect(page.locator("#step-counts [data-step='0']")).to_be_visible()
    expect_marks(page, [0], [1, 2, 3, 4, 5])
    requests = []
    page.on("request", note := lambda request: requests.append(request.url) if "queue/join" in request.url else None)
    step_to(page, 3)
    expect_marks(page, [3], [4, 5])
    shown = page.locator("#step-counts [data-step]").filter(visible=True)
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("16 updates: 15 useful, 1 wasted")
    expect(shown).to_contain_text("15 updates: all useful")
    step_to(page, 5)
    expect(shown).to_contain_text("24 updates: 18 useful, 6 wasted")
    assert not requests
    page.remove_listener("request", note)
    open_accordion(page, "step")  # and closes it again
    expect_marks(page, [], [])
    open_accordion(page, "step")
    expect(shown).to_contain_text("24 updates: 18 useful, 6 wasted")  # where its user was
    step_to(page, 0)
    expect_marks(page, [0], [1, 2, 3, 4, 5])
    open_accordion(page, "step")


def test_steps_follow_the_names_and_one_step_needs_no_slider(use_page):
    page = use_page("tab=batches")
    open_accordion(page, "step")
    step_to(page, 4)
    type_names(page, ["ghatmasala", "nicela", "chutpakodas"])
    expect(page.locator("#step input[type=range]")).to_have_attribute("max", "10")
    expect(page.locator("#step input[type=range]")).to_have_value("0")
    page.locator("#step input[type=number]").fill("10")
    shown = page.locator("#step-counts [data-step]").filter(visible=True)
    expect(shown).to_contain_text("33 updates: 27 useful, 6 wasted")
    page.locator("#step input[type=number]").fill("")
    expect(shown).to_contain_text("3 of 3 names have a character at time 0")
    type_names(page, ["x"])
    expect(shown).to_contain_text("1 of 1 name has a character at time 0")
    expect(page.locator("#step")).not_to_be_visible()
    expect_marks(page, [0], [])
    type_names(page, [])
    expect(page.locator("#step-counts")).to_contain_text("at least one name")


def test_five_hundred_names_are_counted_and_the_plotted_ones_marked(use_page):
    names = ["Li", "Rossi"] * 249 + ["Papadopoulos", "Ng"]
    page = use_page("tab=batches")
    type_names(page, names)
    expect(page.locator("#batch-message")).to_contain_text("the first 32 of 500")
    open_accordion(page, "step")
    expect(page.locator("#step input[type=range]")).to_have_attribute("max", "11")
    step_to(page, 7)
    shown = page.locator("#step-counts [data-step]").filter(visible=True)
    useful = sum(min(len(name), 8) for name in names)
    expect(shown).to_contain_text("1 of 500 names have a character at time 7. No name that is drawn is so long.")
    expect(shown).to_contain_text(f"4,000 updates: {useful:,} useful, {4000 - useful:,} wasted")
    expect_marks(page, [], [])
    step_to(page, 4)
    expect_marks(page, [4], [])
    open_accordion(page, "unmasked")
    expect(page.locator("#unmasked tbody tr")).to_have_count(500, timeout=60_000)
    box = page.locator("#unmasked .bounded").bounding_box()
    assert box["height"] <= 400
    changed = page.locator("#unmasked .mark").count()
    expect(page.locator("#unmasked .headline b")).to_have_text(f"{changed} of 500")
    first = page.locator(f"#unmasked tbody tr:nth-child(-n+{changed}) .mark")
    assert first.count() == changed > 0


@pytest.mark.parametrize("size", ["projector", "phone"])
def test_the_slider_stays_in_view_beside_plots_of_many_names(use_page, size):
    page = use_page("tab=batches", size)
    type_names(page, ["Rossi", "Kowalczyk"] * 16)
    expect(page.locator("#padded .ytick text")).to_have_count(32)
    open_accordion(page, "step")
    expect(page.locator("#step-counts .update-counts").first).to_be_visible()
    page.mouse.wheel(0, 900)
    page.wait_for_function("scrollY > 500")
    expect(page.locator("#step input[type=range]")).to_be_in_viewport()
    expect(page.locator("#step-counts [data-step]").filter(visible=True)).to_be_in_viewport()


def test_the_names_whose_country_changes_are_counted_and_come_first(use_page):
    checkpoint = checkpoints.load_all(checkpoints.SHIPPED_DIRECTORY).default("names")
    names = [*NAMES, "O'Brien", "<b>Li"]
    compared = compare_unmasked(checkpoint, packing.normalize_names(names), time=7)
    flipped = [each["name"] for each in compared if has_flipped(each)]
    assert flipped
    page = use_page("tab=batches")
    page.get_by_label("as typed").check()
    type_names(page, names)
    open_accordion(page, "unmasked")
    expect(page.locator("#unmasked tbody tr")).to_have_count(6)
    expect(page.locator("#unmasked .headline b")).to_have_text(f"{len(flipped)} of 6")
    first = page.locator("#unmasked tr:has(.mark) td:first-child").all_text_contents()
    assert first == [f"{name} changes" for name in flipped]
    rows = page.locator("#unmasked tbody tr").all_inner_texts()
    for each in compared:
        [row] = [row for row in rows if row.startswith(each["name"])]
        assert f"{each['country']} {percent(each['probability'])}" in row
        assert f"{each['naive_country']} {percent(each['naive_probability'])}" in row
    type_names(page, ["anna", "otto"])
    expect(page.locator("#unmasked")).to_contain_text("Nothing is padded here")


@pytest.mark.parametrize("is_secure", [True, False])
def test_the_code_is_copied_as_it_stands_over_plain_http_too(open_page, is_secure):
    # Others each time, since what was copied before is still there to be pasted.
    names = ["O'Brien", 'd"Arc', "a\\b", "<b>Li</b>", "${1 + 1}", "{{x}}", f"is secure {is_secure}"]
    page = open_page()
    go_to_tab(page, "Batches")
    if is_secure:
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    else:  # what a browser offers to a page from another machine
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    open_accordion(page, "code")
    type_names(page, names)
    code = page.locator("#code pre")
    expect(code).to_contain_text("a\\\\b")
    assert code.text_content() == batch_code(names, sort=True)
    page.locator("#copy-code").click()
    expect(page.locator("#code-copied")).to_have_text("Copied.")
    page.locator("#names textarea").fill("")
    page.locator("#names textarea").focus()
    page.keyboard.press("Control+V")
    pasted = re.compile(re.escape(batch_code(names, sort=True).rstrip()) + r"\n?")
    expect(page.locator("#names textarea")).to_have_value(pasted)


def test_the_code_of_rows_as_typed_does_not_enforce_sorting(use_page):
    page = use_page("tab=batches")
    page.get_by_label("as typed").check()
    open_accordion(page, "code")
    expect(page.locator("#code pre")).to_contain_text("enforce_sorted=False")
    assert page.locator("#code pre").text_content() == batch_code(NAMES, sort=False)


def test_the_plots_of_the_last_valid_batch_fade_behind_a_problem(use_page):
    page = use_page("tab=batches")
    expect(page.locator("#batch-plots")).to_have_css("opacity", "1")
    type_names(page, ["Rossi", "한국"])
    expect(page.locator("#batch-message")).to_contain_text("Name 2")
    expect(page.locator("#batch-plots")).to_have_css("opacity", "0.35")
    type_names(page, ["Rossi"])
    expect(page.locator("#batch-plots")).to_have_css("opacity", "1")


def test_every_content_of_the_cells_fits_one_screen_of_a_projector(use_page):
    page = use_page("tab=batches")
    for cells in controls.CELLS.choices:
        show_cells(page, cells)
        expect_bottom(page, "#facts", 720)
        assert compare(NAMES).names == page.locator("#padded .ytick text").all_text_contents()
