"""What the One neuron accordion does to its unit: the same text is written twice, once while the unit is held."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from charplay import limits
from charplay.inference.engine import GenerationError
from charplay.inference.generation import Request
from charplay.inference.held_units import HeldUnit, hold_unit
from charplay.interpret.steering import MAX_READ_CHARACTERS, counts, most_increased, occurrences
from charplay.interpret.steering_search import FoundUnit, load_units
from charplay.models.checkpoints import Checkpoint
from charplay.ui import controls, html, inference_client
from charplay.ui.errors import with_problem
from charplay.ui.events import LATEST, QUIET, enable_after
from charplay.ui.inference_client import TextUpdate, stream_texts
from charplay.ui.speech import generation_settings
from charplay.ui.speech.generated_text import seed_of
from charplay.ui.speech.generation import read_request
from charplay.ui.speech.text_source import TextSource

_LEAD = html.caption(
    "<b>Hold it:</b> choose a unit from the list, and look what fills the right text. Both have the same opening words "
    "and random numbers; on the right the unit keeps one value, whatever the network computes."
)
_EMPTY = html.note("Opening words, temperature, length, seed, model, top-k and stop mark are those of the tab.")
MAX_CHARACTERS = 2_000  # of each text: more would show no more
_NO_LIST = html.note("For this model there is no list of units that are worth holding: try any of them.")
# On a phone the texts lie below the list.
_SHOW_TEXTS = (
    "(...inputs) => { document.getElementById('steering')?.scrollIntoView({block: 'nearest'}); return inputs; }"
)
_FREE, _HELD = "left alone", "with the unit held"
MAX_FOUND_SHOWN = 10  # units in the list


@dataclass(frozen=True)
class TabControls:
    """The controls of the Speech tab that a text is made from."""

    seed: Component
    model: gr.Dropdown
    temperature: Component
    settings: Sequence[Component]  # prime, prime length, length, top-k, and where to stop

    @property
    def inputs(self) -> list[Component]:
        """Those that a request is read from, but for the model."""
        return [self.seed, self.temperature, *self.settings]


def natural_range_html(values: Sequence[float]) -> str:
    """Between which values a unit lies on a text when it is left alone (HTML)."""
    return html.note(f"Left alone, this unit lies between {min(values):.2f} and {max(values):.2f} on the text above.")


def _value(unit: FoundUnit) -> str:
    """The value of the radio button of a unit."""
    return f"{unit['layer']} {unit['unit']} {unit['value']:g}"


def no_list_html(choices: Sequence[tuple[str, str]]) -> str:
    """That there is no list, where that is so (HTML)."""
    return "" if choices else _NO_LIST


def choices(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """Labels and values of the list of units that are worth holding."""
    found = load_units(checkpoint.path) if checkpoint.path else []
    return [
        (f"{each['more_of']}: layer {each['layer']}, unit {each['unit']} at {each['value']:g}", _value(each))
        for each in found[:MAX_FOUND_SHOWN]
    ]


def is_listed(choice: object, checkpoint: Checkpoint) -> bool:
    """Whether it is the value of one of the radio buttons of a model."""
    return choice in [value for _, value in choices(checkpoint)]


def parse_choice(choice: object) -> HeldUnit:
    """The unit of a radio button and its value; whether the model has it is checked where it is held."""
    try:
        layer, unit, value = limits.check_text("unit", choice, limits.MAX_NAME_CHARACTERS).split(" ")
        return HeldUnit(int(layer), int(unit), float(value))
    except ValueError:
        raise ValueError("The unit must be one of those in the list.") from None


def _marked(text: str, name: str | None) -> str:
    """A text with one of the things counted marked (HTML)."""
    parts, shown = [], 0
    for start, end in occurrences(text, name) if name else []:
        occurrence = text[start:end]
        line_end = "\n" if occurrence == "\n" else ""  # which its mark does not show
        parts.append(f"{escape(text[shown:start])}<mark>{escape(html.visible_newlines(occurrence))}</mark>{line_end}")
        shown = end
    return "".join(parts) + escape(text[shown:])


def _text_html(title: str, text: str, name: str | None, settings: dict[str, Any] | None = None) -> str:
    """A text so far, what generates it again, and how often it has what the held text has most more of (HTML)."""
    count = "" if name is None else f": <b>{len(occurrences(text, name)):,}</b> {name}"
    return html.caption(f"<b>{title}</b>{count}") + html.text_box(
        _marked(text, name), label=f"Text {title}", settings=settings
    )


def _status_html(request: Request, updates: Sequence[TextUpdate]) -> str:
    """How far the texts are, or the queue position of the last of them (HTML)."""
    if position := max(update.queue_position for update in updates):
        return html.caption(
            f"All slots are taken. Position in the queue: <b>{position:,}</b>. The texts start by themselves.",
            is_status=True,
        )
    shortest = min(len(update.text) for update in updates)
    return html.caption(
        f"{shortest:,} of {request.length:,} characters each · seed {request.seed} · "
        "the opening words are not shown again"
    )


def _difference_html(free: str, held: str) -> str:
    """What the held text has most more of, in figures of 1,000 characters (HTML)."""
    before, after = counts(free), counts(held)
    names = sorted(before, key=lambda name: before[name] - after[name])[:3]
    changes = [f"{name} <b>{before[name]:.0f} → {after[name]:.0f}</b>" for name in names if after[name] > before[name]]
    return f"In 1,000 characters: {', '.join(changes)}. " if changes else ""


async def _cost_html(checkpoint: Checkpoint, text: str | None, held: HeldUnit) -> str:
    """What holding the unit costs on the text that the page looks into (HTML)."""
    if text is None:
        return ""
    read = text[:MAX_READ_CHARACTERS]
    cost = await inference_client.query(checkpoint, "steering_cost", text=read, held=list(held))
    if cost["free"] is None:
        return ""
    return (
        f"To read the text above, the network needs <b>{cost['held']:.2f}</b> bits per character with the unit held, "
        f"<b>{cost['free']:.2f}</b> without."
    )


_Steps = AsyncGenerator[tuple, None]


def _make_write(source: TextSource, tab: TabControls) -> Callable[..., _Steps]:
    """The function of the button: yields both texts, the status, and the button."""

    async def write(
        page: gr.Request, layer: object, unit: object, value: object, typed_seed: object, *values: Any
    ) -> _Steps:
        (temperature, *settings), looked_into = values[: 1 + len(tab.settings)], values[1 + len(tab.settings) :]
        text, checkpoint = source.read(page, *looked_into)
        prime, prime_length, length, top_k, stop_at = settings
        request = read_request(
            checkpoint, seed_of(typed_seed, looked_into[0]), prime, prime_length, temperature, length, top_k, stop_at
        )
        request = replace(request, length=min(request.length, MAX_CHARACTERS))
        held = hold_unit(checkpoint.config, [layer, unit, value])
        requests = [request, replace(request, held=held)]
        settings = [generation_settings.of_request(looked_into[-1], each) for each in requests]
        button, updates = gr.update(value="Writing…", interactive=False), [TextUpdate("", 0)] * 2
        async with aclosing(stream_texts(checkpoint, requests)) as stream:
            async for updates in stream:
                yield *_texts_html(updates, settings), _status_html(request, updates), button
                button = gr.skip()
        figures = _difference_html(*(update.text for update in updates))
        figures += await _cost_html(checkpoint, text, held)
        made = html.note(f"Seed {request.seed} · in Python: {html.code(f'generate(…, held={tuple(held)})')}")
        yield gr.skip(), gr.skip(), html.caption(figures, is_status=True) + made, gr.skip()

    async def with_message(page: gr.Request, *values: Any) -> _Steps:
        """A user error stands beside the button; the texts stay."""
        try:
            async with aclosing(write(page, *values)) as steps:
                async for step in steps:
                    yield step
        except (ValueError, GenerationError) as error:
            yield gr.skip(), gr.skip(), html.problem(str(error)), gr.skip()

    return with_message


def _texts_html(updates: Sequence[TextUpdate], settings: Sequence[dict[str, Any]]) -> list[str]:
    free, held = (update.text for update in updates)
    name = most_increased(free, held)
    return [_text_html(_FREE, free, name, settings[0]), _text_html(_HELD, held, name, settings[1])]


@dataclass(frozen=True)
class Steering:
    """The components that the accordion's own events set."""

    found: gr.Radio
    no_list: gr.HTML
    value: gr.Slider
    natural_range: gr.HTML
    button: gr.Button
    stop: gr.Button
    status: gr.HTML
    texts: list[gr.HTML]


def lay_out(checkpoint: Checkpoint) -> Steering:
    """Adds the components to the current Blocks; `checkpoint` is the model that the tab opens with."""
    gr.HTML(_LEAD)
    listed = choices(checkpoint)
    found = gr.Radio(**controls.HELD_UNITS.arguments() | {"choices": listed})
    no_list = gr.HTML(no_list_html(listed), elem_id="no-held-units")
    with gr.Row(elem_classes="bottom"):
        with gr.Column(min_width=250, scale=3):
            value = gr.Slider(**controls.HELD_VALUE.arguments())
            natural_range = gr.HTML(elem_id="natural-range")
        look: dict[str, Any] = {"size": "md", "min_width": 110, "scale": 1}
        button = gr.Button("Write both", variant="primary", elem_id="steer", elem_classes=html.KEPT_WORDS, **look)
        stop = gr.Button("Stop", elem_id="stop-steering", **look)
    status = gr.HTML(_EMPTY, elem_id="steering-status")
    with gr.Row(elem_id="steering"):
        texts = []
        for number, title in enumerate((_FREE, _HELD), 1):
            with gr.Column(min_width=250):
                texts.append(gr.HTML(_text_html(title, "", None), elem_id=f"steered-{number}"))
    return Steering(found, no_list, value, natural_range, button, stop, status, texts)


def wire(
    steering: Steering,
    source: TextSource,
    tab: TabControls,
    unit: Sequence[Component],
    choose: Callable[..., Any],
    outputs: Sequence[Component],
) -> None:
    """The events.

    Args:
        steering: what `lay_out` gave.
        source: the text that the page looks into, and the model.
        tab: what the texts are made from.
        unit: the sliders of layer and unit.
        choose: shows the unit of a choice of `steering.found`, which it gets with the inputs of `source`.
        outputs: what it shows; the last is the place of the sentence of a user error.
    """
    inputs = [*unit, steering.value, *tab.inputs, *source.inputs]
    shown = [*steering.texts, steering.status, steering.button]
    write = _make_write(source, tab)
    written = steering.button.click(write, inputs, shown, js=_SHOW_TEXTS, **QUIET)
    chosen = steering.found.input(choose, [steering.found, *source.inputs], list(outputs), cancels=[written], **LATEST)
    after_choice = chosen.then(write, inputs, shown, js=_SHOW_TEXTS, **LATEST)
    for running in (written, after_choice):
        enable_after(running, steering.button, "Write both")
    steering.stop.click(None, None, None, cancels=[written, after_choice], **QUIET)
    steering.value.input(None, None, steering.found, js="() => null", **QUIET)

    def clear(page: gr.Request, held: object, *values: object) -> tuple:
        """The units of another model, and no texts, which would pass for its own."""
        _, checkpoint = source.read(page, *values)
        listed = choices(checkpoint)
        # Only a choice that there is no more is taken back: another may have been made since this was asked for.
        is_gone = held is not None and not is_listed(held, checkpoint)
        update = gr.update(choices=listed, **({"value": None} if is_gone else {}))
        texts = (_text_html(title, "", None) for title in (_FREE, _HELD))
        return *texts, _EMPTY, update, no_list_html(listed)

    cleared = [*steering.texts, steering.status, steering.found, steering.no_list, outputs[-1]]
    tab.model.change(with_problem(clear, 5), [steering.found, *source.inputs], cleared, **LATEST)
