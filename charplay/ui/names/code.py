"""The accordion of the Names tab with the code that classifies the name."""

import gradio as gr

from charplay.interpret.code_snippet import classify_code
from charplay.ui import code_panel
from charplay.ui.names.panel import IDLE_NOTE, NameControls


def build(source: NameControls) -> None:
    """Lays out the accordion."""
    accordion, code = code_panel.lay_out("names-code", "The code of this answer")

    async def show(page: gr.Request, *values: str) -> str:
        query, (_, model, _) = source.read(page, *values), values
        if query is None:
            return IDLE_NOTE
        is_shipped = model in source.registry.models["names"]
        lines = classify_code(model, query.name, query.prior, is_shipped=is_shipped)
        return code_panel.code_html("names-code", lines)

    source.event.while_open(accordion, show, source.inputs, [code])
