"""A set-up of each tab, made by hand as a visitor makes it, and what the page then shows, to compare two pages."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import parse_qsl

from playwright.sync_api import Frame, Page, expect

from charplay.ui import controls

NONE: Mapping[str, Any] = MappingProxyType({})
ANSWER_SECONDS = 30  # until two pages show the same on a busy machine
PATIENT = 90_000  # ms until a page shows all answers about a text on such a machine


class SetUp(NamedTuple):
    """What is done on a tab."""

    label: str  # of the tab
    values: dict[str, Any]  # name of a control -> what is set, as the page shows it
    settled: str  # expression of JavaScript: true once all of it is shown
    press: str = ""  # id of the button that is pressed after that
    after: Mapping[str, Any] = NONE  # what is set then, since pressing it sets it, too
    is_pressed_again: bool = False  # a link does not press Start: training takes a minute
    characters: Mapping[str, int] = NONE  # id of a coloured text -> number of the character that is chosen, from 1


class Made(NamedTuple):
    """The page on which all set-ups are made, and the links that it copies."""

    page: Page
    links: dict[str, str]  # tab -> link


SET_UPS = {
    "names": SetUp(
        "Names",
        {"name": "Kowalski", "model": "LSTM 2 x 96", "prior": "all equal", "country": "Czech"},
        "shows('#seen .network[data-letters=\"8\"]') && shows('#prefixes-lstm td') && shows('#names-code pre')",
    ),
    "invent": SetUp(
        "Invent",
        {
            "invent-country": "Japanese",
            "mixed-with": "Italian",
            "mixed-share": "0.3",
            "invent-temperature": "0.5",
            "invent-count": "4",
            "invent-seed": "3",
        },
        "says('#invent-seed-used', /^3$/) && says('#invent-start', /^Invent$/) && shows('#invent-code pre')",
        press="invent-start",
    ),
    "speech": SetUp(
        "Speech",
        {
            "prime": "We will win",
            "prime-length": "4",
            "temperature": "0.5",
            "length": "40",
            "seed": "5",
            "speech-model": "RNN 1 x 256",
            "top-k": "9",
            "stop-at": "the end of a line",
            "temperature-1": "0.1",
            "temperature-2": "0.6",
            "temperature-3": "1.7",
            "beam-width": "3",
            "step-speed": "7",
            "influence-method": "gradient norm",
        },
        "says('#seed-used', /^5$/) && says('#generate', /^Generate$/) && "
        "['surprisal', 'candidates', 'neuron', 'influence'].every(reads)",
        press="generate",
        after={"neuron": "5"},
        characters={"surprisal-text": 7, "candidates-text": 8, "neuron-text": 9, "influence-text": 10},
    ),
    "batches": SetUp(
        "Batches",
        {"names": "Rossi\nKowalczyk\nNg", "order": "as typed", "cells": "hidden state", "unit": "5", "step": "3"},
        "says('#step-counts', /time 3/) && shows('#unmasked tbody td') && shows('#code pre')",
    ),
    "teacher-forcing": SetUp(
        "Teacher forcing",
        {
            "target": "banana",
            "decoder-cell": "lstm",
            "decoder-size": "24",
            "decoder-rate": "0.01",
            "decoder-seed": "4",
            "ratio": "0.5",
            "decoder-speed": "3",
        },
        "says('#verdict', /Epoch 1\\b/) && shows('#decoders-code pre')",
        press="decoders-one-epoch",
        is_pressed_again=True,
    ),
    "train": SetUp(
        "Train",
        {
            "merge-case": True,
            "delimiter": "comma",
            "header": "a row of data",
            "preset": "medium",
            "cell": "lstm",
            "hidden-size": "64",
            "layers": "2",
            "epochs": "3",
            "batch-size": "8",
            "learning-rate": "0.002",
            "training-seed": "9",
        },
        "shows('#data-summary .facts') && shows('#training-code pre')",
    ),
}

HELPERS = """
  const shows = selector => Boolean(document.querySelector(selector)?.checkVisibility());
  const says = (selector, pattern) => pattern.test(document.querySelector(selector)?.innerText ?? '');
  // Whether a text with colours is the generated one.
  const reads = name => {
    const cells = [...document.querySelectorAll(`#${name}-text i`)].map(each => each.textContent);
    const text = cells.join('').replaceAll('↵', '\\n').replace('▯', '');
    return text && document.querySelector('#generated-text :is(textarea, input)').value.endsWith(text);
  };
"""
OPEN_TAB = (
    "label => [...document.querySelectorAll('[role=tab]')].find(each => each.innerText.trim() === label)?.click()"
)

# Names of controls -> their values; null: there is no such control.
VALUES = """names => Object.fromEntries(names.map(name => {
  const box = document.getElementById(name);
  if (!box) return [name, null];
  const radio = box.querySelector('input[type=radio]');
  if (radio) return [name, box.querySelector('input:checked')?.value];
  const check = box.querySelector('input[type=checkbox]');
  if (check) return [name, check.checked];
  return [name, box.querySelector('textarea, input:not([type=range])')?.value];
}))"""
# Of the visible tab: each visible control's value, and what each part of it shows, by their ids: words, colours, sizes
# of bars, and numbers of plots. A speed is another one each time.
STATE = (
    f"([names, panels]) => {{ const valuesOf = {VALUES};"
    """
  const panel = [...document.querySelectorAll('[role=tabpanel]')].find(each => each.checkVisibility());
  const controls = valuesOf(names.filter(name => document.getElementById(name)?.checkVisibility()));
  const opened = panels.filter(id => document.querySelector(`#${id} .label-wrap.open`));
  // The whole text: what is out of sight in a long one is not rendered.
  const words = element => {
    const copy = element.cloneNode(true);
    copy.querySelectorAll('.js-plotly-plot, [data-testid=status-tracker]').forEach(each => each.remove());
    return copy.textContent.replace(/[\\d,]+ characters\\/s/g, '').replace(/\\s+/g, ' ').trim();
  };
  const styled = element => [...element.querySelectorAll('[style], [aria-valuenow]')]
    .filter(each => !each.closest('.js-plotly-plot'))
    .map(({style, ariaValueNow}) => [ariaValueNow, style.background, style.backgroundColor, style.width])
    .map(each => each.join(' ').trim())
    .filter(Boolean); // what has other styles alone, such as an open list, is Gradio's own
  const plotted = element => [...element.querySelectorAll('.js-plotly-plot')].map(plot => JSON.stringify(plot.data));
  const shown = {};
  for (const block of panel.querySelectorAll('.block[id]')) {
    const isNamed = block.id && !block.id.startsWith('component-');
    if (!isNamed || names.includes(block.id) || !block.checkVisibility()) continue;
    shown[block.id] = [words(block), styled(block), plotted(block)];
  }
  return {controls, opened, shown};
}"""
)


def set_by_hand(page: Page, name: str, value: Any) -> None:
    """Sets a control as a visitor does."""
    box = page.locator(f"#{name}")
    if isinstance(value, bool):
        box.locator("input").set_checked(value)
    elif box.locator("input[type=radio]").count():
        box.locator("label", has_text=value).filter(visible=True).first.click()
    elif box.locator("input[role=combobox]").count():
        field = box.locator("input")
        field.click()
        options = page.locator(f"#{field.get_attribute('aria-controls')}")
        # The list may lie over what it does not cover on the screen: the press goes to the option itself.
        options.get_by_role("option", name=value, exact=True).dispatch_event("mousedown")
    else:
        box.locator("textarea, input:not([type=range])").first.fill(value)
        box.locator("textarea, input:not([type=range])").first.press("Tab")


def make(page: Page, tab: str) -> None:
    """Makes the set-up of a tab on a page, all its accordions open.

    They are opened once all outside of them is set: what is open is computed again at every setting.
    """
    set_up, accordions = SET_UPS[tab], controls.ACCORDIONS[tab].values()
    page.evaluate(OPEN_TAB, set_up.label)
    for element in accordions:
        expect(page.locator(f"#{element} .label-wrap")).to_be_visible()
    outside = [name for name in set_up.values if page.locator(f"#{name}").is_visible()]
    for name in outside:
        set_by_hand(page, name, set_up.values[name])
    if set_up.press:
        page.locator(f"#{set_up.press}").click()
    for element in accordions:
        page.locator(f"#{element} .label-wrap").press("Enter")  # what those above it get moves it while it is clicked
        expect(page.locator(f"#{element} .label-wrap.open")).to_be_visible()
    for name, value in set_up.values.items():
        if name not in outside:
            set_by_hand(page, name, value)
    wait_until_settled(page, tab)
    for name, value in set_up.after.items():
        set_by_hand(page, name, value)
    for element, number in set_up.characters.items():
        choose_character(page, element, number)


def choose_character(page: Page, element: str, number: int) -> None:
    """Presses a character of a text."""
    page.locator(f"#{element} i").nth(number - 1).click()
    expect(page.locator(f'#{element} [aria-valuenow="{number}"]')).to_have_count(1)


def wait_until_settled(page: Page | Frame, tab: str) -> None:
    """Waits until the tab shows all of its set-up."""
    page.wait_for_function(f"() => {{ {HELPERS} return {SET_UPS[tab].settled}; }}", timeout=PATIENT)


def state(page: Page | Frame, tab: str) -> dict[str, Any]:
    """What the visible tab shows, which is this one."""
    names = [each.name for each in controls.BY_TAB[tab] if each.element is None]
    return page.evaluate(STATE, [names, list(controls.ACCORDIONS[tab].values())])


def expect_same(made: Made, page: Page | Frame, tab: str) -> None:
    """Asserts that the visible tab comes to show what it shows on the page where it was made, element by element."""
    made.page.bring_to_front()  # behind another page it would have a frame a second
    made.page.evaluate(OPEN_TAB, SET_UPS[tab].label)
    wait_until_settled(made.page, tab)
    (page.page if isinstance(page, Frame) else page).bring_to_front()
    if SET_UPS[tab].is_pressed_again:
        page.locator(f"#{SET_UPS[tab].press}").click()
    wait_until_settled(page, tab)
    for _ in range(10 * ANSWER_SECONDS):
        if (found := state(page, tab)) == (expected := state(made.page, tab)):  # an answer may be on its way to either
            break
        page.wait_for_timeout(100)
    assert found["controls"] == expected["controls"], tab
    assert found["opened"] == expected["opened"], tab
    names = found["shown"] | expected["shown"]
    pairs = {name: [each["shown"].get(name) for each in (found, expected)] for name in names}
    differing = {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}
    assert not differing, f"{tab}: {differing}"


def copied_link(page: Page) -> str:
    """The link that Copy link copies, by keyboard."""
    page.evaluate("navigator.clipboard.writeText = async text => { window.copied = text; }; window.copied = ''")
    page.locator("#copy-link").press("Enter")
    return page.wait_for_function("window.copied").json_value()


def make_all(page: Page) -> Made:
    """Makes the set-up of each tab, one after the other, and copies its link."""
    copied = {}
    for tab in SET_UPS:
        make(page, tab)
        copied[tab] = copied_link(page)
    return Made(page, copied)


def joined(made: Made) -> dict[str, str]:
    """The fields of one link of all the copied ones, which opens the first tab."""
    fields: dict[str, str] = {}
    opened = []
    for link in reversed(made.links.values()):
        of_tab = dict(parse_qsl(link.partition("#")[2], keep_blank_values=True))
        opened.append(of_tab.pop("open"))
        fields |= of_tab
    return fields | {"open": ",".join(opened)}


def expect_all(made: Made, page: Page | Frame) -> None:
    """Asserts that a page or a frame that is opened by the link of all of them shows every set-up."""
    page.locator("#bars .share").first.wait_for()
    for tab in SET_UPS:
        page.evaluate(OPEN_TAB, SET_UPS[tab].label)
        expect_same(made, page, tab)
