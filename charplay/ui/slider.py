"""A slider whose number box may be left empty or hold anything: the limits judge it, not the component."""

from typing import Any

import gradio as gr


class Slider(gr.Slider):
    """`gr.Slider` without the button that resets it.

    Gradio's own check of what arrives fails on an emptied number box with a traceback, before any function of ours
    runs; here everything passes, and the function's `limits` answer with a sentence.
    """

    is_template = True  # the same component on the page

    def __init__(self, *args: Any, **kwargs: Any):
        super().__init__(*args, **{"buttons": [], **kwargs})

    def preprocess(self, payload: Any) -> Any:
        """Passes on what the page sent."""
        return payload
