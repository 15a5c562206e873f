"""The Train tab: a network of one's own, from a text or from rows, live."""

import gradio as gr

from charplay.checkpoints import Shelf
from charplay.ui import own_models


def build(shelf: Shelf, tabs: gr.Tabs, choices: dict[str, gr.Dropdown | None]) -> None:
    own_models.build(shelf, tabs, choices)
