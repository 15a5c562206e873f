"""One event of a tab for everything that follows its controls."""

import asyncio
import json

import gradio as gr
import pytest

from charplay.bench.timing import on_own_thread
from charplay.ui.tab_event import TabEvent


@pytest.fixture
def tab():
    """A tab with one control, what always follows it, and an accordion; `computed` lists what was computed."""
    computed = []

    async def always(page, text):
        computed.append("always")
        return text.upper(), len(text)

    async def inside(page, text):
        computed.append("accordion")
        if text == "bad":
            raise ValueError("no such text")
        return text[::-1]

    with gr.Blocks() as demo:
        text, upper, length = gr.Textbox(), gr.Textbox(), gr.Number()
        event = TabEvent()
        event.always(always, [text], [upper, length])
        with gr.Accordion(open=False) as accordion:
            reverse = gr.Textbox()
        event.while_open(accordion, inside, [text], [reverse])
        event.wire([text.change])
    answering = [each for each in demo.fns.values() if each.fn is not None]
    return answering, computed


def ask(function, *values):
    """The values of the outputs; those that stay as they are, None."""
    # On a thread of its own: pytest's has the event loop of the browser, where that was started.
    shown, *values = on_own_thread(lambda: asyncio.run(function.fn(None, *values)))
    return shown, [None if isinstance(value, dict) else value for value in values]


def test_one_event_answers_for_all_that_is_open(tab):
    [function], computed = tab
    shown, values = ask(function, "", False, "abc")
    assert (values, computed) == (["ABC", 3, None, None], ["always"])
    assert ask(function, shown, True, "abcd")[1] == ["ABCD", 4, "dcba", ""]
    assert len(function.targets) == 2


def test_what_is_shown_already_is_neither_computed_nor_sent(tab):
    [function], computed = tab
    shown, _ = ask(function, "", False, "abc")
    shown, values = ask(function, shown, True, "abc")  # the accordion has been opened
    assert (values, computed) == ([None, None, "cba", ""], ["always", "accordion"])
    assert ask(function, shown, True, "abc") == (shown, [None, None, None, None])


@pytest.mark.parametrize("field", [None, "", "{", "5", json.dumps([["abc"]]), 7, ["abc"]])
def test_where_it_is_not_known_what_is_shown_all_is_computed(tab, field):
    [function], _ = tab
    assert ask(function, field, True, "abc")[1] == ["ABC", 3, "cba", ""]


def test_the_problem_of_a_part_is_shown_in_it_and_stays_as_long_as_its_cause(tab):
    [function], _ = tab
    shown, values = ask(function, "", True, "abc")
    assert values == ["ABC", 3, "cba", ""]
    shown, [upper, length, reverse, problem] = ask(function, shown, True, "bad")
    assert (upper, length, reverse) == ("BAD", 3, None)
    assert "no such text" in problem
    assert ask(function, shown, True, "abc")[1] == ["ABC", 3, "cba", ""]
