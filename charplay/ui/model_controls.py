"""The controls of a tab in which a user model can be tried."""

from typing import NamedTuple

import gradio as gr


class ModelControls(NamedTuple):
    """What a tab offers to whoever selects a model in it."""

    choice: gr.Dropdown  # of a model
    text: gr.Textbox  # what the model is given: a name, or a prime
