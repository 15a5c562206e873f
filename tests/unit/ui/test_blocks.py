"""What the page's Blocks send for what an event returns: as Gradio does, without its cost."""

from collections.abc import Callable
from copy import deepcopy
from typing import Any

import gradio as gr
import pytest
from gradio.blocks import BlockFunction
from gradio.state_holder import SessionState

from charplay.ui.blocks import PageBlocks

RETURNED: list[Any] = [
    gr.skip(),
    ["<b>one</b>", gr.skip(), gr.skip(), True, gr.skip(), gr.skip()],
    [gr.skip(), 3, "two", gr.skip(), {"kept": 1}, gr.update(choices=["a", "b"])],
    [None, gr.update(value=2.5), None, False, gr.skip(), "b"],
    [gr.update(value="<i>three</i>", visible=False), gr.skip(), gr.update(interactive=False), gr.skip(), 4, "c"],
]


def make(kind: type[gr.Blocks]) -> tuple[gr.Blocks, BlockFunction]:
    with kind() as demo:
        outputs = [gr.HTML(), gr.Number(), gr.Textbox(), gr.Checkbox(), gr.State(), gr.Dropdown(["a", "b", "c"])]
        gr.Button().click(lambda: None, None, outputs)
    [function] = demo.fns.values()
    return demo, function


def send(run_async: Callable[..., Any], kind: type[gr.Blocks], returned: Any) -> tuple[list[Any], Any]:
    """What is sent, and what the session keeps."""
    demo, function = make(kind)
    state = SessionState(demo)
    sent = run_async(demo.postprocess_data(function, deepcopy(returned), state))
    return sent, [state[block._id] for block in function.outputs if block.stateful]


def without_type(sent: list[Any]) -> list[Any]:
    """Gradio sends the type of an update again, as a property of the component of HTML."""
    return [
        {key: each for key, each in value.items() if key != "props"} if isinstance(value, dict) else value
        for value in sent
    ]


@pytest.mark.parametrize("returned", RETURNED)
def test_what_is_sent_is_what_gradio_sends(run_async, returned):
    (sent, kept), (expected, expected_kept) = (
        send(run_async, PageBlocks, returned),
        send(run_async, gr.Blocks, returned),
    )
    assert (without_type(sent), kept) == (without_type(expected), expected_kept)


def test_a_single_output_needs_no_list(run_async):
    for value in ("text", gr.skip(), gr.update(value="text", visible=False)):
        sent = []
        for kind in (PageBlocks, gr.Blocks):
            with kind() as demo:
                gr.Button().click(lambda: None, None, gr.HTML())
            [function] = demo.fns.values()
            sent.append(run_async(demo.postprocess_data(function, deepcopy(value), SessionState(demo))))
        assert without_type(sent[0]) == without_type(sent[1])


def test_what_is_skipped_makes_no_component_anew(run_async, monkeypatch):
    demo, function = make(PageBlocks)
    state = SessionState(demo)
    monkeypatch.setattr(gr.HTML, "__init__", None)
    monkeypatch.setattr(SessionState, "_update_config", None)
    sent = run_async(demo.postprocess_data(function, ["<b>", *[gr.skip()] * 5], state))
    assert sent == ["<b>", *[gr.skip()] * 3, None, gr.skip()]


def test_too_few_values_are_refused_as_ever(run_async):
    demo, function = make(PageBlocks)
    with pytest.raises(ValueError, match="6"):
        run_async(demo.postprocess_data(function, ["one"], SessionState(demo)))
