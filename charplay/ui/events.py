"""Settings of a tab's own events, for `component.change(function, inputs, outputs, **QUIET)`."""

import json
from typing import Any

# No progress animation, no public endpoint. Inputs arrive unchecked and are checked against `charplay.limits`:
# Gradio's own check fails with a traceback on an emptied number box, and does not know models of the page itself.
# No component follows the events' progress either: at each message of any event Gradio would go through all components
# that ever were an output of one, and search its tree for each; a link has a hundred of them.
QUIET: dict[str, Any] = {
    "show_progress": "hidden",
    "show_progress_on": [],
    "api_visibility": "private",
    "preprocess": False,
}
# For controls that change faster than answers come: of the events that wait only the last is sent.
LATEST: dict[str, Any] = {**QUIET, "trigger_mode": "always_last"}

# JavaScript that takes away a sentence on why something was refused: its cause has changed.
CLEAR_PROBLEM = """shown => shown?.includes('class="problem"') ? '' : shown"""


def enabling(label: str) -> str:
    """JavaScript that gives a button its label back when what it started has ended: the page need not ask for that."""
    return f"() => ({{__type__: 'update', value: {json.dumps(label)}, interactive: true}})"
