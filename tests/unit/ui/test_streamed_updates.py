"""What an event sends of its latest values, as a page applies it that has not shown the values before yet."""

from copy import deepcopy
from types import SimpleNamespace
from typing import Any

import gradio as gr
import pytest

from charplay.ui.blocks import PageBlocks

PLOT = {"type": "plotly", "plot": '{"data": [1, 2]}'}
SHOWN, SKIPPED = gr.update(visible=True), gr.skip()


def apply(value: Any, edits: list) -> Any:
    """As Gradio's page does: in place, but for what is replaced or appended as a whole."""
    for action, path, new in edits:
        if not path:
            value = new if action == "replace" else value + new
            continue
        *parents, last = path
        holder = value
        for step in parents:
            holder = holder[step]
        if action == "delete":
            del holder[last]
        else:
            holder[last] = holder[last] + new if action == "append" else new
    return value


@pytest.mark.parametrize(
    "values",
    [
        [SHOWN, SKIPPED, SKIPPED],
        [gr.update(value="Training", interactive=False), SKIPPED],
        [gr.update(value=PLOT, visible=True), SKIPPED, gr.update(visible=False)],
        [PLOT, SKIPPED, PLOT | {"plot": '{"data": [1, 2, 3]}'}],
        ["We", "We the", "We the people"],
    ],
)
def test_a_later_message_changes_no_earlier_one(values):
    with PageBlocks() as demo:
        pass
    block = SimpleNamespace(outputs=[None])
    shown: list[Any] = []
    for number, value in enumerate(values):
        [sent] = demo.handle_streaming_diffs(block, [deepcopy(value)], session_hash="a", run="b", final=False)
        shown.append(apply(shown[-1], sent) if number else sent)
    assert shown == values


def test_what_has_not_changed_is_not_sent_again():
    with PageBlocks() as demo:
        pass
    sent = [
        demo.handle_streaming_diffs(SimpleNamespace(outputs=[None] * 2), [dict(PLOT), "x"], "a", "b", False)
        for _ in range(2)
    ]
    assert sent == [[PLOT, "x"], [[], []]]
