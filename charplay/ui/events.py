"""Settings of a tab's own events, for `component.change(function, inputs, outputs, **QUIET)`."""

import json
from typing import Any

import gradio as gr
from gradio.events import Dependency

# No progress animation, no public endpoint. Inputs arrive unchecked and are checked against `charplay.limits`:
# Gradio's own check fails with a traceback on an emptied number box, and does not know models of the page itself.
# No component follows the events' progress either: at each message of any event Gradio would go through all components
# that ever were an output of one, and search its tree for each; a link has a hundred of them.
QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "show_progress_on": [],
    "api_visibility": "private",
    "preprocess": False,
    # One queue for all: Gradio takes the first of one queue after another in random order, and a page whose settings
    # were changed within a moment would show what they were before the last change.
    "concurrency_id": "page",
}
# For what is not a press, which may change faster than answers come: of the events that wait the last is sent. With
# QUIET they would be dropped while an answer is under way, and the page would show what was set before.
LATEST: dict[str, Any] = {**QUIET, "trigger_mode": "always_last"}

# JavaScript that takes away a sentence on why something was refused: its cause has changed.
CLEAR_PROBLEM = """shown => shown?.includes('class="problem"') ? '' : shown"""


def enable_after(running: Dependency, button: gr.Button, label: str) -> Dependency:
    """Gives a button its label back when what it started has ended, been stopped or failed; returns the event of that.

    Without a request. Not before: while Gradio still ends what was stopped it drops a press on the button.
    """
    enable = f"() => ({{__type__: 'update', value: {json.dumps(label)}, interactive: true}})"
    running.failure(None, None, button, js=enable, **QUIET)
    return running.then(None, None, button, js=enable, **QUIET)


def press(button: gr.Button) -> str:
    """JavaScript that presses a button, which does nothing while it cannot be pressed."""
    return f"() => document.getElementById({json.dumps(button.elem_id)}).click()"
