"""The one generation of a link with a seed: its text is generated once, as soon as the Speech tab is open."""

import gradio as gr

from charplay.ui import controls, links
from charplay.ui.events import QUIET
from charplay.ui.link_events import TabLink


def build(container: gr.Tab, link: TabLink, seed: gr.Textbox) -> gr.Number:
    """Adds a hidden number to the current Blocks: it changes once for each link with a seed, when the tab is open."""
    due, count = gr.Checkbox(False, visible="hidden"), gr.Number(0, visible="hidden")
    outputs, once = [due, count], "due ? [false, count + 1] : [due, count]"
    is_linked = (
        f"(field, seed, due) => !charplayLinks.isNew('{controls.SEED.name}', field) ? due"
        f" : Boolean(seed) && new URLSearchParams(field.split('#')[1]).has('{controls.SEED.name}')"
    )
    is_open = f"charplayLinks.currentTab() === '{links.TAB_OF[controls.SEED.name]}'"
    named = link.applied.change(None, [link.applied, seed, due], due, js=is_linked, **QUIET)
    named.then(None, outputs, outputs, js=f"(due, count) => !({is_open}) ? [due, count] : {once}", **QUIET)
    container.select(None, outputs, outputs, js=f"(due, count) => {once}", **QUIET)
    return count
