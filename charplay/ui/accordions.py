"""Folds: parts of a tab that are closed at first, compute nothing while they are, and follow the tab while open."""

from collections.abc import Callable, Sequence

import gradio as gr

from charplay.ui.errors import as_gradio_error

# Whether to ask is decided in the browser: what is folded away costs the server not even a refusal.
_OPENED = "(turn) => [true, turn + 1]"
_CLOSED = "() => false"
_MOVED = "(isOpen, turn) => isOpen ? turn + 1 : turn"


def update_while_open(
    fold: gr.Accordion,
    triggers: Sequence[Callable],
    compute: Callable,
    inputs: Sequence[gr.components.Component],
    outputs: Sequence[gr.components.Component],
) -> None:
    """Has `outputs` show what `compute` makes of `inputs`, from when `fold` opens until it closes.

    Args:
        fold: the part of the page that opens.
        triggers: what happens when one of the inputs has changed, such as `name.change`.
        compute: is given the inputs' values; its mistakes are spoken.
        inputs, outputs: its components.
    """
    is_open = gr.Checkbox(False, visible="hidden")
    turn = gr.Number(0, visible="hidden")  # counts what there is to answer; each new one is asked once
    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    fold.expand(None, turn, [is_open, turn], js=_OPENED, **quiet)
    fold.collapse(None, None, is_open, js=_CLOSED, **quiet)
    gr.on(list(triggers), None, [is_open, turn], turn, js=_MOVED, **quiet)
    # What arrives is checked by whoever computes: of a model of the page's own Gradio would know nothing.
    answers = {"trigger_mode": "always_last", "preprocess": False}
    turn.change(as_gradio_error(compute), list(inputs), list(outputs), **answers, **quiet)
