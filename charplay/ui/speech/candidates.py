"""The accordion that shows the ten likeliest characters at a chosen place of a text."""

from typing import Any

import gradio as gr

from charplay import limits
from charplay.models.checkpoints import Checkpoint
from charplay.ui import accordions, controls, html, inference_client
from charplay.ui.errors import with_problem
from charplay.ui.events import LATEST
from charplay.ui.speech.surprisal import initial_selection
from charplay.ui.speech.text_source import TextSource, linked_character
from charplay.ui.widgets import candidates, colored_text

_LEAD = html.caption(
    "Choose a character, by a click or with the arrow keys, and see the ten that the network held likeliest in its "
    "place. A temperature below 1 sharpens the bars, one above 1 flattens them."
)


async def _candidates_html(text: str, checkpoint: Checkpoint, index: Any, temperature: object) -> str:
    """The likeliest characters at `index`, which may be the end of the text (HTML)."""
    temperature = limits.TEMPERATURE.check(temperature)
    if index == 0:
        return candidates.first_character_note()
    found = await inference_client.query(checkpoint, "candidates", text=text, at=index, temperature=temperature)
    return candidates.table(text, int(index), found, temperature)


def build(source: TextSource, temperature: gr.Slider) -> None:
    """Adds the accordion to the current Blocks; `temperature` is the tab's own."""
    with gr.Accordion("What else it could have been", open=False, elem_id="candidates-accordion") as accordion:
        gr.HTML(_LEAD)
        colored = colored_text.component("candidates-text")
        table = gr.HTML(elem_id="candidates")
    chosen_index = gr.Number(0, visible="hidden")  # the event's JavaScript fills it in
    refresh = gr.Button(visible="hidden", elem_id="candidates-refresh")

    async def compute(page: gr.Request, field: object, temperature: float, *values: object) -> tuple:
        text, checkpoint = source.read(page, *values)
        if text is None:
            return None, ""
        surprisal = await inference_client.query(checkpoint, "surprisal", text=text)
        linked = linked_character(field, controls.CHOSEN_CANDIDATES, values)
        index = (initial_selection(surprisal) or len(text)) if linked is None else min(linked, len(text))
        bits = surprisal["bits"]
        rendered = colored_text.render(colored_text.BITS, text, bits, index, with_end=True, is_of_selected=True)
        return rendered, await _candidates_html(text, checkpoint, index, temperature)

    async def compute_chosen(page: gr.Request, index: object, temperature: object, *values: object) -> str:
        text, checkpoint = source.read(page, *values)
        return "" if text is None else await _candidates_html(text, checkpoint, index, temperature)

    inputs = [source.link, temperature, *source.inputs]
    problem = accordions.update_while_open(accordion, source.changes, compute, inputs, [colored, table])
    # The index is not taken from the event's own data: of events that arrive while one is being answered, Gradio runs
    # the last with the data of the first.
    chosen: dict[str, Any] = {
        "fn": with_problem(compute_chosen, 1),
        "inputs": [chosen_index, temperature, *source.inputs],
        "outputs": [table, problem],
        "js": f"(index, ...rest) => [{colored_text.clicked_index_js(colored)}, ...rest]",
    }
    colored.pick(**chosen, **LATEST)
    refresh.click(**chosen, **LATEST)
    is_seen = f"document.querySelector('#{colored.elem_id} .selected')?.checkVisibility()"
    click = f"document.getElementById('{refresh.elem_id}').click()"
    temperature.input(None, None, None, js=f"() => {{ {is_seen} && {click} }}")
