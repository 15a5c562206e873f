"""Parts of a tab that are collapsed at first, compute nothing while they are, and follow the tab while open."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr

from charplay.ui.errors import with_problem
from charplay.ui.events import LATEST, QUIET

# The browser decides whether to send a request: a collapsed accordion costs the server nothing at all.
ON_EXPAND = "(version) => [true, version + 1]"
ON_COLLAPSE = "() => false"
ON_CHANGE = "(isOpen, version) => isOpen ? version + 1 : version"


def problem_of(accordion: gr.Accordion, outputs: Sequence[gr.components.Component]) -> gr.HTML:
    """Adds to the top of an accordion the place of its user error's sentence; while that is there `outputs` fade."""
    for output in outputs:
        if isinstance(output, gr.HTML | gr.Plot):
            output.elem_classes = [*output.elem_classes, "part-output"]
    with accordion:
        return gr.HTML(elem_classes=["part-problem"])


def update_while_open(
    accordion: gr.Accordion,
    triggers: Sequence[Callable[..., Any]],
    compute: Callable[..., Any],
    inputs: Sequence[gr.components.Component],
    outputs: Sequence[gr.components.Component],
) -> gr.HTML:
    """Shows in `outputs` what `compute` returns for `inputs`, from when the accordion is opened until it collapses.

    Returns the place of its user errors, for `errors.with_problem` of further events of the accordion.

    Args:
        accordion: the part of the page.
        triggers: events after which the inputs have changed, such as `name.change`.
        compute: gets the inputs' values, unchecked; the sentence of its user error is shown.
        inputs, outputs: its components.
    """
    is_open = gr.Checkbox(False, visible="hidden")
    version = gr.Number(0, visible="hidden")  # of what is to be shown; each new one is one request
    accordion.expand(None, version, [is_open, version], js=ON_EXPAND, **QUIET)
    accordion.collapse(None, None, is_open, js=ON_COLLAPSE, **QUIET)
    gr.on(list(triggers), None, [is_open, version], version, js=ON_CHANGE, **QUIET)
    problem = problem_of(accordion, outputs)
    version.change(with_problem(compute, len(outputs)), list(inputs), [*outputs, problem], **LATEST)
    return problem
