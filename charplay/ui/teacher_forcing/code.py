"""The accordion of the Teacher forcing tab with the code that trains both decoders."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import gradio as gr
from gradio.components import Component

from charplay.interpret.code_snippet import decoders_code
from charplay.training.teacher_forcing import EMBEDDING_SIZE, make_settings
from charplay.ui import accordions, code_panel, controls
from charplay.ui.link_events import TabLink


def build(settings: Sequence[Component], shown_epoch: gr.Slider, link: TabLink) -> None:
    """Adds the accordion to the current Blocks; `settings` are in the order of `make_settings`."""
    accordion, code = code_panel.lay_out("decoders-code", "The code of these decoders")

    def show(epoch: object, *values: object) -> str:
        epochs = int(controls.SHOWN_EPOCH.limit.check(epoch)) if controls.SHOWN_EPOCH.limit else 0
        made = make_settings(*values)
        lines = decoders_code(asdict(made), epochs, embedding_size=EMBEDDING_SIZE, clip=made.recipe.clip)
        return code_panel.code_html("decoders-code", lines)

    changing: list[Any] = [shown_epoch, *settings]
    triggers = [*(each.change for each in changing), link.applied.change]
    accordions.update_while_open(accordion, triggers, show, [shown_epoch, *settings], [code])
