"""The accordion of the Invent tab with the code that invents the names."""

from collections.abc import Callable, Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from charplay import limits
from charplay.interpret.code_snippet import invent_code
from charplay.models.checkpoints import Registry
from charplay.ui import accordions, code_panel, controls, session_store
from charplay.ui.invent.listing import parse_field
from charplay.ui.link_events import TabLink


def build(
    registry: Registry,
    settings: Sequence[Component],
    field: Component,
    read_mixture: Callable[..., dict[str, float]],
    link: TabLink,
) -> None:
    """Adds the accordion to the current Blocks.

    Args:
        registry: the page's models.
        settings: model, seed, country, second country, its share, temperature and count.
        field: hidden, with the names that are shown: without a typed seed it is theirs.
        read_mixture: the classes' weights from the classes of the model, and the third to the fifth of the settings.
        link: of the page.
    """
    accordion, code = code_panel.lay_out("invent-code", "The code of these names")

    def show(page: gr.Request, names: object, model: object, typed_seed: object, *values: object) -> str:
        checkpoint = session_store.find(registry, "invent", model, page)
        *countries, temperature, count = values
        seed = controls.read_seed(typed_seed)
        lines = invent_code(
            read_mixture(checkpoint.classes, *countries),
            int(limits.INVENTED.check(count)),
            limits.TEMPERATURE.check(temperature),
            parse_field(names).seed if seed is None else seed,
            None if model in registry.models["invent"] else str(model),
        )
        return code_panel.code_html("invent-code", lines)

    changing: list[Any] = [field, *settings]
    triggers = [*(each.change for each in changing), link.applied.change]
    accordions.update_while_open(accordion, triggers, show, [field, *settings], [code])
