"""The controls of a tab in which a user model can be tried."""

from typing import NamedTuple

import gradio as gr


class ModelControls(NamedTuple):
    """What a tab offers to whoever selects a model in it."""

    choice: gr.Dropdown  # of a model
    text: gr.Textbox | None  # what the model is given: a name, or a prime; None: no text
    is_for_user_models: bool = False  # whether the choice is shown only once the page has a model of its own
