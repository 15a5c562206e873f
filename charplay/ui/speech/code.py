"""The accordion of the Speech tab with the code that generates the text."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from charplay.interpret.code_snippet import generate_code
from charplay.models.checkpoints import Registry
from charplay.ui import accordions, code_panel, session_store
from charplay.ui.speech.generated_text import seed_of
from charplay.ui.speech.generation import read_request


def build(
    registry: Registry,
    seed: Component,
    model: gr.Dropdown,
    generated: Component,
    settings: Sequence[Component],
    triggers: Sequence[Callable[..., Any]],
) -> None:
    """Adds the accordion to the current Blocks.

    Args:
        registry: the page's models.
        seed: of the tab; without a typed one, that of the text in `generated` is used.
        model: of the tab.
        generated: hidden field with the tab's text.
        settings: in the order of `read_request`.
        triggers: events, besides their own changes, after which the text has changed.
    """
    accordion, code = code_panel.lay_out("speech-code", "The code of this text")

    def show(typed_seed: object, chosen: str, field: object, page: gr.Request, *values: Any) -> str:
        checkpoint = session_store.find(registry, "speech", chosen, page)
        request = read_request(checkpoint, seed_of(typed_seed, field), *values)
        arguments = {
            "model": chosen,
            "prime": request.prime,
            "temperature": request.temperature,
            "length": request.length,
            "seed": request.seed,
            "prime_length": request.prime_length,
            "top_k": request.top_k,
            "until": request.until or None,
        }
        lines = generate_code(arguments, is_shipped=chosen in registry.models["speech"])
        return code_panel.code_html("speech-code", lines)

    inputs: list[Any] = [seed, model, generated, *settings]
    changes = [each.change for each in inputs if each is not generated]  # which grows with every character
    accordions.update_while_open(accordion, [*changes, *triggers], show, inputs, [code])
