"""How browsers and phones treat what is typed: no correction, no marks under words, no list of earlier inputs.

A network reads characters as they are typed, and classroom machines are shared.
"""

from typing import Literal

import gradio as gr


def as_typed(capitals: Literal["words", "sentences", "off"] = "off") -> gr.InputHTMLAttributes:
    """Attributes of a text field; `capitals`: where a phone's keyboard begins with a capital letter."""
    return gr.InputHTMLAttributes(autocapitalize=capitals, autocorrect="off", spellcheck=False, autocomplete="off")
