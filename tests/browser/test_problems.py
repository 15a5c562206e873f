"""A user error is a sentence beside what was requested; it stays as long as its cause, and what is older fades."""

from playwright.sync_api import expect

from tests.browser.conftest import go_to_tab, toggle_accordion

TOASTS = ".toast-body"
PLOT = ".main-svg >> nth=0"
LINE_HEIGHT = 60  # pixels, of two lines
FADED = "element => getComputedStyle(element).opacity < 0.5"


def test_a_problem_in_an_accordion_stands_in_it_and_goes_with_its_cause(use_page):
    page = use_page("tab=speech")
    toggle_accordion(page, "neuron-accordion")
    expect(page.locator("#neuron-text .selected")).to_be_visible()
    unit, problem = page.locator("#neuron input[type=number]"), page.locator("#neuron-accordion .problem")
    colored = page.locator("#neuron-accordion .block.part-output:has(.colored-text)")
    for typed in ("99999", "99998"):
        unit.fill(typed)
        expect(problem).to_have_count(1)
        expect(problem).to_be_visible()
        assert colored.evaluate(FADED)
        expect(page.locator(TOASTS)).to_have_count(0)
    unit.fill("9")
    expect(problem).to_have_count(0)
    assert not colored.evaluate(FADED)


def test_the_curves_of_earlier_settings_fade_beside_refused_ones(open_page):
    page = open_page()
    go_to_tab(page, "Teacher forcing")
    expect(page.locator("#second-decoder .decoded")).to_be_visible()
    seed, problem, plots = (page.locator(each) for each in ("#decoder-seed input", ".problem", "#decoders-plots"))
    seed.fill("-1")
    page.locator("#decoders-start").click()
    expect(problem.filter(visible=True)).to_have_count(1)
    assert plots.evaluate(FADED)
    seed.fill("3")
    expect(problem.filter(visible=True)).to_have_count(0)
    assert not plots.evaluate(FADED)


def test_a_refusal_is_seen_where_it_arises_and_moves_nothing(use_page):
    page = use_page("tab=batches")
    names, plots, problem = (page.locator(each) for each in ("#names textarea", "#padded", "#batch-message .problem"))
    expect(plots.locator(PLOT)).to_be_visible()
    top = plots.bounding_box()["y"]
    names.fill("adylov\nДост\nsan")
    expect(problem).to_be_in_viewport(ratio=1)
    assert abs(problem.bounding_box()["y"] - names.bounding_box()["y"]) < LINE_HEIGHT
    assert plots.bounding_box()["y"] == top
    go_to_tab(page, "Train")
    page.locator("#pasted-data textarea").fill("one column")
    expect(page.locator(".problem").filter(visible=True).first).to_be_visible()
    page.locator("#train-start").click()
    expect(page.locator("#train-status .problem")).to_be_visible()
    expect(page.locator("#losses")).to_be_hidden()  # no empty plot below it
    for tab, field, wrong, right, button, message, shown in (
        ("Speech", "#top-k input", "-2", "3", "#generate", "#speech-message", None),
        (
            "Invent",
            "#invent-seed textarea, #invent-seed input",
            "x",
            "7",
            "#invent-start",
            "#invent-message",
            "#invented",
        ),
    ):
        go_to_tab(page, tab)
        page.locator(field).first.fill(wrong)
        page.locator(button).click()
        expect(page.locator(f"{message} .problem")).to_be_visible()
        assert shown is None or page.locator(shown).evaluate(FADED)
        page.locator(field).first.fill(right)
        expect(page.locator(f"{message} .problem")).to_have_count(0)
        assert shown is None or not page.locator(shown).evaluate(FADED)
