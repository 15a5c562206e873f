"""The accordion that colors a text by the activation of one unit of the hidden state."""

from collections.abc import Sequence
from typing import Any

import gradio as gr
from gradio.components import Component

from charplay import limits
from charplay.interpret.neurons import FEATURES, MIN_CORRELATION, Tracker
from charplay.models.checkpoints import Checkpoint
from charplay.ui import accordions, controls, html, inference_client, links
from charplay.ui.errors import with_problem
from charplay.ui.events import LATEST
from charplay.ui.late_answers import LateAnswers, setting
from charplay.ui.speech import steering
from charplay.ui.speech.text_source import TextSource, linked_character
from charplay.ui.widgets import colored_text

_LEAD = html.caption(
    "Look where it is high or low, and whether you have a name for these places: the activation of one unit of the "
    "hidden state after each character."
)


def _label(tracker: Tracker) -> str:
    sign = "" if tracker["correlation"] > 0 else "-"
    unit = f"layer {tracker['layer']}, unit {tracker['unit']}"
    return f"{tracker['feature']}: {unit}, correlation {sign}{abs(tracker['correlation']):.2f}"


def _choice(tracker: Tracker) -> str:
    """The value of the radio button of a unit; one unit may track several features."""
    return f"{tracker['layer']} {tracker['unit']} {tracker['feature']}"


def _parse_choice(choice: object) -> tuple[int, int]:
    """Layer and unit of a radio button; whether the model has them is checked where it runs."""
    try:
        layer, unit, _ = limits.check_text("unit", choice, limits.MAX_NAME_CHARACTERS).split(" ", 2)
        return int(layer), int(unit)
    except ValueError:
        raise ValueError("The unit must be one of those in the list.") from None


def _untracked_html(trackers: Sequence[Tracker]) -> str:
    """The features that no unit tracks (HTML)."""
    missing = [feature for feature in FEATURES if feature not in {tracker["feature"] for tracker in trackers}]
    if not missing:
        return ""
    return html.note(f"On this text no unit reaches a correlation of {MIN_CORRELATION:g} with: {', '.join(missing)}.")


def _linked_unit(field: object, checkpoint: Checkpoint) -> tuple[int, int] | None:
    """Layer and unit of the page's link, where the model has them."""
    layer, unit = (links.linked(field, control) for control in (controls.LAYER, controls.NEURON))
    if layer is None and unit is None:
        return None
    layer, unit = layer or controls.LAYER.default, unit or controls.NEURON.default
    config = checkpoint.config
    return (layer, unit) if layer <= config.layers and unit < config.hidden_size else None


async def _render(
    text: str | None, checkpoint: Checkpoint, layer: object, unit: object, selected: int | None = None
) -> tuple:
    """The colored text, its legend, and the unit's range on it."""
    if text is None:
        return None, "", ""
    values = await inference_client.query(checkpoint, "unit_activation", text=text, layer=layer, unit=unit)
    scale = colored_text.activations(values)
    return (
        colored_text.render(scale, text, values, selected or 0),
        scale.legend(),
        steering.natural_range_html(values),
    )


async def _render_all(
    text: str | None,
    checkpoint: Checkpoint,
    layer: object,
    unit: object,
    field: object,
    held: object,
    selected: int | None,
) -> tuple[Any, str, str, str, list[dict[str, Any]]]:
    """Colored text, legend, range, features not found, and the updates of the units found and of both sliders.

    Shows the chosen unit if it tracks a feature, is that of the page's link, which `field` holds, or of the choice
    `held` of those worth holding; else the one of the highest correlation, else the first.
    """
    config = checkpoint.config
    if text is None:
        return None, "", "", "", [{"choices": [], "value": None}, {}, {}]
    trackers = await inference_client.query(checkpoint, "trackers", text=text)
    chosen = [tracker for tracker in trackers if (tracker["layer"], tracker["unit"]) == (layer, unit)]
    is_held = steering.is_listed(held, checkpoint) and (layer, unit) == steering.parse_choice(held)[:2]
    if not chosen and (is_held or (layer, unit) == _linked_unit(field, checkpoint)):
        shown: Any = {"layer": layer, "unit": unit}
    else:
        shown = next(iter(chosen or trackers), {"layer": 1, "unit": 0})
    choices = [(_label(tracker), _choice(tracker)) for tracker in trackers]
    return (
        *await _render(text, checkpoint, shown["layer"], shown["unit"], selected),
        _untracked_html(trackers),
        [
            {"choices": choices, "value": _choice(shown) if shown in trackers else None},
            {"maximum": max(config.layers, 2), "value": shown["layer"], "interactive": config.layers > 1},
            {"maximum": config.hidden_size - 1, "value": shown["unit"]},
        ],
    )


def build(source: TextSource, tab: steering.TabControls) -> None:
    """Adds the accordion to the current Blocks; a text with the unit held is made from the controls of the `tab`."""
    with gr.Accordion("One neuron", open=False, elem_id="neuron-accordion") as accordion:
        gr.HTML(_LEAD)
        found = gr.Radio(**controls.FOUND_UNITS.arguments())
        untracked = gr.HTML(elem_id="untracked-features")
        with gr.Row():
            layer = gr.Slider(**controls.LAYER.arguments(), min_width=150)
            unit = gr.Slider(**controls.NEURON.arguments(), min_width=150)
        legend = gr.HTML(elem_id="neuron-legend")
        colored = colored_text.component("neuron-text")
        held = steering.lay_out(source.registry.default("speech"))
        late = LateAnswers([found, layer, unit], source.changes, [source.link, *source.inputs], [held.found])

    async def compute(
        page: gr.Request, field: object, layer: object, unit: object, held: object, *values: Any
    ) -> tuple:
        selected = linked_character(field, controls.CHOSEN_NEURON, values)
        *shown, updates = await _render_all(*source.read(page, *values), layer, unit, field, held, selected)
        return *shown, setting(updates)

    async def render(page: gr.Request, layer: object, unit: object, *values: object) -> tuple:
        return await _render(*source.read(page, *values), layer, unit)

    async def slide(page: gr.Request, layer: object, unit: object, *values: object) -> tuple:
        return *await _render(*source.read(page, *values), layer, unit), None, None

    async def choose(page: gr.Request, choice: object, *values: object) -> tuple:
        text, checkpoint = source.read(page, *values)
        layer, unit = _parse_choice(choice)
        return *await _render(text, checkpoint, layer, unit), layer, unit, None

    async def choose_held(page: gr.Request, choice: object, *values: object) -> tuple:
        text, checkpoint = source.read(page, *values)
        layer, unit, value = steering.parse_choice(choice)
        return *await _render(text, checkpoint, layer, unit), layer, unit, value, None

    rendered: list[Component] = [colored, legend, held.natural_range]
    outputs = [*rendered, untracked, late.answer]
    inputs = [layer, unit, *source.inputs]
    all_inputs = [source.link, layer, unit, held.found, *source.inputs]
    problem = accordions.update_while_open(accordion, source.changes, compute, all_inputs, outputs)
    gr.on(
        [layer.input, unit.input],
        with_problem(slide, 5),
        inputs,
        [*rendered, found, held.found, problem],
        **LATEST,
    )
    late.missed(with_problem(render, 3), inputs, [*rendered, problem], **LATEST)
    found.input(
        with_problem(choose, 6),
        [found, *source.inputs],
        [*rendered, layer, unit, held.found, problem],
        **LATEST,
    )
    shown = [*rendered, layer, unit, held.value, found, problem]
    steering.wire(held, source, tab, [layer, unit], with_problem(choose_held, 7), shown)
