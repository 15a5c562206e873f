"""What can be saved of a tab: that it is all there, and that what is saved can be made again."""

import json
from dataclasses import replace
from html.parser import HTMLParser

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charplay import limits
from charplay.inference.beam import beam_search
from charplay.inference.generate import generate, next_character
from charplay.inference.generation import make_request
from charplay.inference.held_units import HeldUnit
from charplay.library import LanguageModel
from charplay.ui import html, page
from charplay.ui.exports import table
from charplay.ui.speech import beams, steering, temperatures
from charplay.ui.speech.generated_text import MAX_CHANGES, parse_generated_text
from charplay.ui.speech.generation import empty_text
from charplay.ui.speech.generation_settings import of_beam, of_request, of_text
from charplay.ui.speech.text_html import stats_html
from tests.generated_again import generated_again


class Attributes(HTMLParser):
    """The attributes of an element with an attribute of a name."""

    def __init__(self, name: str):
        super().__init__()
        self.name, self.found = name, {}

    def handle_starttag(self, tag, attributes):
        if self.name in dict(attributes):
            self.found = dict(attributes)


def attributes_of(markup: str, name: str) -> dict:
    parser = Attributes(name)
    parser.feed(markup)
    return parser.found


def test_every_plot_of_the_page_can_be_saved_and_what_can_be_saved_is_there():
    blocks = page.build().blocks.values()
    elements = {block.elem_id for block in blocks}
    exports = [export for of_tab in table.BY_TAB.values() for export in of_tab]
    assert {export.place or export.element for export in exports} | {each.element for each in exports} <= elements
    plots = {block.elem_id for block in blocks if isinstance(block, gr.Plot)}
    assert plots <= {export.element for export in exports}


@given(st.lists(st.lists(st.text() | st.integers() | st.floats(allow_nan=False, allow_infinity=False))))
def test_rows_come_back_from_their_attribute_whatever_is_in_them(rows):
    parser = Attributes("data-rows")
    parser.feed(f"<div {html.rows_attribute(rows)} id='whole'>")
    assert json.loads(parser.found["data-rows"]) == rows
    assert parser.found["id"] == "whole"


PRIME = 'the "first" <b>words'


def settings_in(markup: str) -> dict:
    """What is saved with a text, as it is shown."""
    return json.loads(attributes_of(markup, "data-request")["data-request"])


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"temperature": 0.7, "length": 30, "seed": 5}, 30),
        ({"temperature": 1.5, "length": 40, "top_k": 3, "seed": 6, "prime_length": 4}, 12),  # stopped by hand
        ({"temperature": 1.5, "length": 200, "until": "e", "seed": 7}, 200),
    ],
)
def test_the_saved_settings_generate_the_text_again(language_model, settings, kept):
    text = LanguageModel(language_model).generate(PRIME, **settings)[: len(PRIME) + kept]
    request = make_request(PRIME, **settings)
    shown = replace(empty_text("speech", request), continuation=text.removeprefix(PRIME))
    assert generated_again(language_model, settings_in(stats_html(shown, request.length, 1.0, request))) == text


@pytest.mark.parametrize("first", [None, 1, 12, 13, 17, 19])
def test_a_text_written_one_by_one_keeps_how_each_character_was_sampled(language_model, first):
    until = "e"
    request = make_request(PRIME, 1.5, 12, 4, 5, 8)
    text = replace(empty_text("speech", request), continuation=generate(language_model, [request])[0])
    for temperature, top_k in [(1.5, 5), (0.2, 5), (0.2, 5), (1.8, 5), (1.8, 3), (1.8, 3), (1.5, 5)]:
        sampling = {"seed": text.seed, "temperature": temperature, "top_k": top_k}
        text = text.append(
            next_character(language_model, text.read, position=len(text.continuation), **sampling), temperature, top_k
        )
    text = parse_generated_text(text.as_field())
    assert [each.end for each in text.earlier] == [13, 15, 16, 18]
    if first is not None:
        text = text.first(first)
        assert len(text.earlier) == sum(end < first for end in (13, 15, 16, 18))
    saved = of_text(text, 200, until)
    assert generated_again(language_model, saved) == text.prime + text.continuation


def test_a_text_that_went_on_beyond_its_stop_mark_is_generated_again_without_it(language_model):
    request = make_request(PRIME, 1.5, 200, until="e", seed=7)
    text = replace(empty_text("speech", request), continuation=generate(language_model, [request])[0])
    assert of_text(text, 200, "e")["until"] == "e"
    position, sampling = len(text.continuation), (request.temperature, request.top_k)
    text = text.append(next_character(language_model, text.read, text.seed, position, *sampling), *sampling)
    assert generated_again(language_model, of_text(text, 200, "e")) == text.prime + text.continuation


def test_a_text_whose_sampling_changes_without_end_is_refused():
    text = empty_text("speech", make_request(PRIME, seed=1))
    for position in range(MAX_CHANGES + 1):
        text = text.append("a", 0.5 + position % 2, 128)
    assert len(text.as_field()) < limits.MAX_GENERATED_TEXT_CHARACTERS - limits.LENGTH.high - limits.PRIME_LENGTH.high
    assert parse_generated_text(text.as_field()) == text
    with pytest.raises(ValueError, match="Start over"):
        text.append("a", 0.1, 128)


@pytest.mark.parametrize(
    "earlier", [None, [1], [[0, 1, 0]], [[3, 1, 0]], [[2, 1, 0], [1, 1, 0]], [[1, 9, 0]], [[1, 1, -1]], [["1", 1, 0]]]
)
def test_samplings_that_no_text_has_are_refused(earlier):
    text = replace(empty_text("speech", make_request(PRIME, seed=1)), continuation="abc")
    parse_generated_text(replace(text, earlier=[[1, 1, 0], [2, 0.5, 3]]).as_field())
    with pytest.raises(ValueError, match="Generate"):
        parse_generated_text(replace(text, earlier=earlier).as_field())


def test_texts_of_temperatures_beams_and_a_held_unit_are_saved_with_what_generates_them(language_model):
    request = make_request(PRIME, 0.3, 20, 5, 4, 9, ".", held=HeldUnit(1, 3, 4.0))
    text = generate(language_model, [request])[0]
    settings = of_request("speech", request)
    for markup in (
        steering._text_html("held", text, "line ends", settings),
        temperatures._text_html(0.3, text, settings),
        beams._text_html("sampled", text, 1.0, settings),
    ):
        assert generated_again(language_model, settings_in(markup)) == PRIME + text
    found = beam_search(language_model, PRIME, 3, 15)
    markup = beams._text_html("beam", found["text"], 1.0, of_beam("speech", PRIME, 3, 15))
    assert generated_again(language_model, settings_in(markup)) == PRIME + found["text"]
