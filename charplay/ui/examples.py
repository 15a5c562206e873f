"""Examples to click on each tab: links that set some of its controls and leave the others. Imports no gradio.

What is said of them is checked against the shipped models (`tests/shipped/test_examples.py`).
"""

from collections.abc import Mapping
from html import escape
from typing import Any, NamedTuple

from charplay.ui import controls, links
from charplay.ui.control import Control


class Example(NamedTuple):
    """One example: what it is called, and the controls that it sets."""

    label: str
    values: Mapping[Control, Any]


DIVIDING_NAMES = ("Martin", "Simon", "Ramos")  # RNN, GRU and LSTM each answer another country
LOOPING_PRIME = "The people of "  # at temperature 0 its continuation repeats itself
LINE_PRIME, LINE_SEED = "Thank you", "2"  # at the default temperature they give applause, and its line ends
FLIPPING_BATCHES = ("Rossi\nSmith\nKowalczyk", "Ng\nRuiz\nWolkenstein")
DERAILING_TARGETS = ("abracadabra", "to be or not to be", "mississippi")  # worse free-running than teacher-forced
DERAILING_EPOCH = 80  # at which that is so

LEADS = {
    "names": "Names that divide RNN, GRU and LSTM:",
    "invent": "Try:",
    "speech": "Try:",
    "batches": "Names that change their country when their pads are read:",
    "teacher-forcing": "Targets that derail once a decoder reads its own output:",
    "train": "Examples:",
}
_MIXED = {controls.INVENT_COUNTRY: "Japanese", controls.MIXED_WITH: "Italian", controls.MIXED_SHARE: 0.5}
_INVENT_AT_ZERO = {controls.INVENT_TEMPERATURE: 0, controls.INVENT_COUNT: 5}
_INVENT_MANY = {
    controls.INVENT_COUNTRY: "Russian",
    controls.MIXED_WITH: controls.NOTHING,
    controls.INVENT_COUNT: 50,
    controls.INVENT_TEMPERATURE: 0.8,
}
_AT_ZERO = {controls.PRIME: LOOPING_PRIME, controls.TEMPERATURE: 0, controls.SEED: "1"}
_AT_ONE = {controls.PRIME: LOOPING_PRIME, controls.TEMPERATURE: 1, controls.SEED: "1"}
_LINE = {
    controls.PRIME: LINE_PRIME,
    controls.TEMPERATURE: controls.TEMPERATURE.default,
    controls.STOP_AT: controls.AT_THE_LINE_END,
    controls.SEED: LINE_SEED,
}
_ROWS = {controls.DATA_KIND: controls.ROWS, controls.ROWS_GOAL: controls.CLASSIFY}
_TO_INVENT = _ROWS | {controls.ROWS_GOAL: controls.INVENT}
_TEXT = {controls.DATA_KIND: controls.TEXT}
EXAMPLES: dict[str, tuple[Example, ...]] = {
    "names": tuple(Example(name, {controls.NAME: name}) for name in DIVIDING_NAMES),
    "invent": (
        Example("half Japanese, half Italian", _MIXED),
        Example("temperature 0", _INVENT_AT_ZERO),
        Example("50 Russian names", _INVENT_MANY),
    ),
    "speech": (
        Example("temperature 0, which repeats itself", _AT_ZERO),
        Example("the same at 1", _AT_ONE),
        Example("one line of applause", _LINE),
    ),
    "batches": tuple(
        Example(names.replace("\n", ", "), {controls.NAMES: names, controls.ORDER: controls.SORTED})
        for names in FLIPPING_BATCHES
    ),
    "teacher-forcing": tuple(Example(target, {controls.TARGET: target}) for target in DERAILING_TARGETS),
    "train": (
        Example("words of three languages", _ROWS | {controls.SOURCE: controls.PASTE}),
        Example("names and countries", _ROWS | {controls.SOURCE: controls.BUILT_IN}),
        Example("names to invent", _TO_INVENT | {controls.SOURCE: controls.BUILT_IN}),
        Example("words to invent", _TO_INVENT | {controls.SOURCE: controls.PASTE}),
        Example("a text that adds numbers", _TEXT | {controls.SOURCE: controls.PASTE}),
        Example("speeches", _TEXT | {controls.SOURCE: controls.BUILT_IN}),
    ),
}


_NAMED_BY_TEXT = ("names", "batches", "teacher-forcing")  # tabs whose examples are called by the text that they set


def link_of(tab: str, example: Example) -> str:
    """The part after "#" of an example's link."""
    return links.format_link(tab, {control.name: value for control, value in example.values.items()})


def examples_html(tab: str) -> str:
    """The examples of a tab as a line of links; `links.js` applies them without leaving out what they do not set."""
    attributes = 'class="example"' + (' translate="no"' if tab in _NAMED_BY_TEXT else "")
    listed = " ".join(
        f'<a {attributes} href="#{escape(link_of(tab, each))}">{escape(each.label)}</a>' for each in EXAMPLES[tab]
    )
    return f'<p class="caption note examples">{LEADS[tab]} {listed}</p>'
