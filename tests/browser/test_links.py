"""Links: what one sets, hides and follows; hostile ones. That a copied one opens the same: test_set_ups.py."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from playwright.sync_api import expect

from charplay.ui import controls, links
from tests.browser.conftest import go_to_tab
from tests.browser.set_ups import copied_link
from tests.unit.ui.test_links import CARRIED, values_of


def test_a_link_shows_an_epoch_of_the_example(open_page):
    page = open_page(link="#tab=teacher-forcing&shown-epoch=12&decoder-speed=3")
    expect(page.locator("#verdict")).to_contain_text("Epoch 12.")
    expect(page.locator("#shown-epoch input[type=number]")).to_have_value("12")
    expect(page.locator("#decoder-speed input[type=number]")).to_have_value("3")


def test_a_tab_that_is_pressed_while_a_link_is_opened_stays(context, app_url):
    page, held = context.new_page(), []
    page.route("**/queue/join*", lambda route: held.append(route), times=1)  # the link's
    page.goto(f"{app_url}#tab=speech&name=Rossi")
    go_to_tab(page, "Batches")
    held[0].continue_()
    expect(page.locator("#name input")).to_have_value("Rossi")
    page.wait_for_function("location.hash === '#tab=batches&name=Rossi'")
    page.close()


def test_the_browser_formats_a_link_as_python_reads_it(open_page):
    page = open_page()
    carried = [control for control in CARRIED if control.element is None and control.default is not None]
    table = {
        "maxCharacters": 10**6,
        "controls": [
            {
                "name": control.name,
                "tab": links.TAB_OF[control.name],
                "default": object.__name__,
                "isCarried": True,
                "isNumber": control.limit is not None,
                "takesText": control.takes_text,
                "tokens": [[choice, name] for name, choice in links.tokens(control, control.choices).items()] or None,
                "maxCharacters": control.max_characters,
            }
            for control in carried
        ],
    }
    drawn: list[list] = []

    @settings(max_examples=100, database=None, suppress_health_check=list(HealthCheck), deadline=None)
    @given(st.tuples(*(values_of(control) for control in carried)))
    def draw(values):
        drawn.append(list(values))

    draw()
    made = page.evaluate(
        "([table, drawn]) => drawn.map(values => charplayLinks.format(table, values, null).text)", [table, drawn]
    )
    for values, text in zip(drawn, made, strict=True):
        expected = {control.name: value for control, value in zip(carried, values, strict=True)}
        link = links.parse(text)
        if expected["seed"] == "":  # the browser may name the seed of the text that is shown
            expected["seed"] = link.values.get("seed", "")
            link.values.setdefault("seed", "")
        assert json.loads(json.dumps(link.values)) == expected
        assert not link.ignored


def test_the_address_bar_follows_without_a_request_and_back_leaves_the_page(open_page):
    page = open_page()
    entries = page.evaluate("history.length")
    joined = []
    page.on("request", lambda request: joined.append(request.url) if "queue/join" in request.url else None)
    page.locator("#name input").fill("Rossi")
    page.wait_for_function("location.hash === '#name=Rossi'")
    assert len(joined) == 1  # that of the bars
    assert page.evaluate("history.length") == entries
    page.reload()
    expect(page.locator("#name input")).to_have_value("Rossi")
    expect(page.locator("#headline b")).to_have_text("Italian")


def test_a_link_that_is_pasted_into_an_open_page_sets_it_and_what_it_leaves_out_is_as_at_first(open_page):
    page = open_page(link="#name=Rossi&prior=uniform")
    expect(page.locator("#headline b")).to_have_text("Italian")
    page.evaluate("location.hash = '#tab=names&name=Yamamoto'")
    expect(page.locator("#headline b")).to_have_text("Japanese")
    expect(page.locator("#prior input:checked")).to_have_value(controls.AS_IN_THE_DATA)


def test_an_example_sets_its_controls_and_leaves_the_others(open_page):
    page = open_page(link="#prior=uniform&open=prefixes")
    expect(page.locator("#prior input:checked")).to_have_value(controls.ALL_EQUAL)
    example = page.locator("a.example").first
    name = example.inner_text()
    example.press("Enter")
    expect(page.locator("#name input")).to_have_value(name)
    expect(page.locator("#seen .network")).to_have_attribute("data-letters", str(len(name)))
    expect(page.locator("#prior input:checked")).to_have_value(controls.ALL_EQUAL)
    expect(page.locator("#prefixes-accordion .label-wrap.open")).to_have_count(1)


def test_bad_values_are_named_and_the_rest_holds_and_markup_stays_text(open_page):
    page = open_page(link="#name=<img src=x onerror=window.bad=1>&temperature=9&<b>x</b>=1&prior=uniform&colour=red")
    note = page.locator("#link-note")
    for name in ("temperature", "<b>x</b>", "colour"):
        expect(note).to_contain_text(name)
    expect(page.locator("#name input")).to_have_value("<img src=x onerror=window.bad=1>")
    expect(page.locator("#prior input:checked")).to_have_value(controls.ALL_EQUAL)
    assert not page.evaluate("'bad' in window")
    assert page.locator("#link-note :is(img, b)").count() == 0


def test_a_link_hides_controls_and_tabs_and_the_checklist_makes_such_a_link(open_page):
    page = open_page(link="#hide=prior,train-tab,attribution")
    expect(page.locator("#model")).to_be_visible()
    expect(page.locator("#prior")).to_be_hidden()
    expect(page.locator("#attribution-accordion")).to_be_hidden()
    expect(page.get_by_role("tab", name="Train", exact=True)).to_have_count(0)
    page.locator("#link-options summary").click()
    page.get_by_label("Prior", exact=True).last.check()
    page.get_by_label("Batches", exact=True).uncheck()
    expect(page.locator("#prior")).to_be_visible()
    assert set(links.parse(copied_link(page)).ignored) == set()
    page.wait_for_function("new URLSearchParams(location.hash.slice(1)).get('hide').includes('batches-tab')")


def test_only_keeps_what_it_names(open_page):
    page = open_page(link="#only=speech-tab,names")
    expect(page.get_by_role("tab")).to_have_text(["Speech", "Batches"])
    expect(page.get_by_role("tab", selected=True)).to_have_text("Speech")
    page.get_by_role("tab", name="Batches").click()
    expect(page.locator("#names")).to_be_visible()
    expect(page.locator("#order")).to_be_hidden()


PLOTS = {"Names": "#bars", "Speech": "#text", "Batches": "#padded", "Teacher forcing": "#curves", "Train": "#lengths"}
TAB_HEIGHT = "() => document.querySelector('[role=tab][aria-selected=true]').getBoundingClientRect().height"
IN_VIEW = "selector => document.querySelector(selector).getBoundingClientRect().bottom <= innerHeight + 1"


def test_presenting_enlarges_letters_and_keeps_a_plot_of_each_tab_in_view(open_page):
    page = open_page(link="#present=1")
    expect(page.locator("footer")).to_be_hidden()
    for label, plot in PLOTS.items():
        go_to_tab(page, label)
        expect(page.locator(plot)).to_be_visible()
        page.wait_for_function(IN_VIEW, arg=plot)
    large = page.evaluate(TAB_HEIGHT)
    page.evaluate("location.hash = '#present=0'")
    page.wait_for_function(f"large => Math.abs(({TAB_HEIGHT})() * 4 / 3 - large) < 2", arg=large)


def test_an_address_changed_by_hand_is_not_overwritten_before_it_is_read(open_page):
    page = open_page(link="#name=Costa&present=1")
    page.wait_for_function("location.hash === '#present=1'")  # the link is opened: what is as at first is left out
    # The event of the new address comes after the script that changes it; the page may write the old one in between.
    page.evaluate("location.hash = '#present=0'; charplayLinks.follow([])")
    expect(page.locator("footer")).to_be_visible()
