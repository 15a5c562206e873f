"""What can be saved of a tab: that it is all there, and that what is saved can be made again."""

import json
from html.parser import HTMLParser

import gradio as gr
import pytest
from hypothesis import given
from hypothesis import strategies as st

from charplay.inference.generation import make_request
from charplay.library import LanguageModel
from charplay.ui import html, page
from charplay.ui.exports import table
from charplay.ui.speech.generated_text import GeneratedText
from charplay.ui.speech.text_html import stats_html


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


@pytest.mark.parametrize(
    ("settings", "kept"),
    [
        ({"temperature": 0.7, "length": 30, "seed": 5}, 30),
        ({"temperature": 1.5, "length": 40, "top_k": 3, "seed": 6, "prime_length": 4}, 12),  # stopped by hand
        ({"temperature": 1.5, "length": 200, "until": "e", "seed": 7}, 200),
    ],
)
def test_the_saved_settings_generate_the_text_again(language_model, settings, kept):
    prime = 'the "first" <b>words'
    text = LanguageModel(language_model).generate(prime, **settings)[: len(prime) + kept]
    request = make_request(prime, **settings)
    shown = GeneratedText(
        "speech", prime, request.prime_length, request.temperature, request.seed, text.removeprefix(prime)
    )
    saved = json.loads(attributes_of(stats_html(shown, request.length, 1.0, request), "data-request")["data-request"])
    assert saved.pop("model") == "speech"
    assert LanguageModel(language_model).generate(**saved) == text
