"""The accordion of the Train tab with the code that trains the network."""

from typing import Any

import gradio as gr

from charplay.interpret.code_snippet import training_code
from charplay.models.checkpoints import Registry
from charplay.ui import accordions, code_panel, controls
from charplay.ui.train.form import Form
from charplay.ui.train.summary_events import Summaries


def build(form: Form, summaries: Summaries, registry: Registry) -> None:
    """Adds the accordion to the current Blocks; its code follows the data summary."""
    accordion, code = code_panel.lay_out("training-code", "The code of this training")
    inputs: list[Any] = list(form.inputs)

    def show(page: gr.Request, *values: object) -> str:
        held = dict(zip(inputs, values, strict=True))
        request, chosen = summaries.request_of(held, page), held[form.start]
        # Of a file, and of a model to start from, the names: where they lie on the server is nobody's business.
        data = request.data | ({"file": request.called} if "file" in request.data else {})
        start = None
        if chosen != controls.NEW_NETWORK:
            is_shipped = chosen in registry.models[request.task]
            start = f"checkpoints/{chosen}.safetensors" if is_shipped else f"{chosen}.safetensors"
        lines = training_code(request.task, data, request.preset, request.changes, start)
        return code_panel.code_html("training-code", lines)

    accordions.update_while_open(accordion, [form.suggestion.change], show, inputs, [code])
