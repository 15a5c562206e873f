"""The Speech tab: opening words, and the model's continuation of them, streamed at any temperature or step by step."""

from dataclasses import replace
from typing import Any, NamedTuple

import gradio as gr

from charplay.data.input_text import read_prime
from charplay.inference.engine import GenerationError
from charplay.inference.generation import make_request
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import controls, html, links, scoreboard, session_store
from charplay.ui.assets import read_asset
from charplay.ui.events import CLEAR_PROBLEM, LATEST, QUIET, enable_after, press
from charplay.ui.examples import examples_html
from charplay.ui.initial_examples import InitialExamples, example_request
from charplay.ui.late_answers import LateAnswers, setting
from charplay.ui.link_events import TabLink
from charplay.ui.model_controls import ModelControls
from charplay.ui.speech import (
    beams,
    candidates,
    code,
    dynamic_evaluation,
    generation,
    influence,
    linked_text,
    memorization,
    neurons,
    steering,
    surprisal,
    temperatures,
    text_source,
)
from charplay.ui.speech.next_characters import next_characters_html
from charplay.ui.speech.text_html import reading_note, stats_html, text_html
from charplay.ui.text_fields import as_typed
from charplay.ui.widgets import diagrams

_LEAD = (
    "Set the temperature, press Generate and watch the words: {} writes. <i>Many to many</i>: a prediction after every "
    "character. The text is made by a model; nobody said it."
)
_SHIPPED = "a network that read presidents’ speeches since 1930 (Obama’s most)"
_USERS = "your network"
_ABOUT = (
    "After every character the network predicts the next one, by a softmax over all characters. "
    "One of them is sampled and read in turn. The temperature divides the logits before the softmax: below 1 likely "
    "characters become likelier (at 0 the likeliest is always taken), above 1 the rare ones come more often. "
    "The opening words (the prime) are read first, and set the hidden state. The drawing shows the network over the "
    "last characters; of each state eight numbers are drawn, blue where they are negative, orange where positive."
)
# On a phone the text lies below the buttons.
_SHOW_TEXT = (  # not while a step of the lesson is read, which sets the page itself
    "(...inputs) => { if (!document.activeElement?.closest('#lesson')) "
    "document.querySelector('#text .text')?.scrollIntoView({block: 'nearest'}); return inputs; }"
)
_SHOW_PROBLEM = "() => document.querySelector('#speech .problem')?.scrollIntoView({block: 'nearest'})"
_PLAY = read_asset(__file__, "play.js")
_SEED_USED = "() => document.getElementById('seed-used')?.innerText ?? ''"

_NO_EXAMPLE = "The first text could not be generated: press Generate."


class _Components(NamedTuple):
    """What the tab consists of, apart from its accordions."""

    temperature: gr.Slider
    prime: gr.Textbox
    start: gr.Button
    stop: gr.Button
    step: gr.Button
    play: gr.Button
    restart: gr.Button
    message: gr.HTML
    prime_length: gr.Slider
    next_characters: gr.HTML
    length: gr.Slider
    seed: gr.Textbox
    keep_seed: gr.Button
    seed_message: gr.HTML
    model: gr.Dropdown
    top_k: gr.Number
    stop_at: gr.Dropdown
    text: gr.HTML
    stats: gr.HTML
    step_candidates: gr.HTML
    # A stateless page keeps its own text: `gr.State` would hold a connection open for every tab.
    generated: gr.Textbox
    finished: gr.Number  # counts the generations that have ended, so that their end is an event like any other


def _button(label: str, elem_id: str, **arguments: Any) -> gr.Button:
    return gr.Button(label, elem_id=elem_id, size="md", min_width=120, **arguments)


def _main() -> dict[str, Any]:
    """Temperature, opening words, and beside them the buttons."""
    temperature = gr.Slider(**controls.TEMPERATURE.arguments())
    with gr.Row(elem_classes="bottom"):
        prime = gr.Textbox(
            **controls.PRIME.arguments(),
            lines=2,
            max_lines=4,
            min_width=200,
            scale=4,
            html_attributes=as_typed("sentences"),
        )
        with gr.Column(min_width=280, scale=5, elem_id="speech-buttons"):
            start = _button(generation.START_LABEL, "generate", variant="primary", elem_classes=html.KEPT_WORDS)
            stop = _button("Stop", "stop")
            restart = _button("Start over", "start-over")
    message = gr.HTML(elem_id="speech-message")
    return {
        "temperature": temperature,
        "prime": prime,
        "start": start,
        "stop": stop,
        "restart": restart,
        "message": message,
    }


def _steps() -> dict[str, Any]:
    """What writes a text one character at a time, under the text; Pause takes Play's place while that goes on."""
    with gr.Row(elem_id="speech-steps", elem_classes="bottom"):
        step = _button("Next character", "next-character")
        play = _button("Play", "play")
        _button("Pause", "pause")  # play.js ends at a press on any button
        speed = controls.STEP_SPEED.arguments() | {"interactive": True, "elem_classes": "one-line"}
        gr.Slider(**speed, min_width=200, scale=3)  # read by play.js
    return {"step": step, "play": play}


def _more(registry: Registry, drawing: str) -> dict[str, Any]:
    """What of the opening words is read, and the controls that are changed less often."""
    models = registry.models["speech"]
    prime_length = gr.Slider(
        **controls.PRIME_LENGTH.arguments() | {"maximum": len(controls.PRIME.default)}, elem_classes="one-line"
    )
    next_characters = gr.HTML(drawing, elem_id="next-characters")
    with gr.Row(elem_classes="bottom"):
        length = gr.Slider(**controls.LENGTH.arguments(), min_width=200, scale=3)
        seed = gr.Textbox(**controls.SEED.arguments(), max_lines=1, min_width=130, scale=2, html_attributes=as_typed())
        keep_seed = _button("Keep seed", "keep-seed")
    seed_message = gr.HTML(elem_id="seed-message")
    with gr.Row(elem_classes="bottom"):
        choices = controls.SPEECH_MODEL.arguments() | scoreboard.model_choices(models)
        model = gr.Dropdown(**choices, min_width=170, scale=3)
        unbounded = {"minimum": None, "maximum": None}  # the answer to Generate names the bounds
        top_k = gr.Number(**controls.TOP_K.arguments() | unbounded, min_width=110, scale=1)
        stop_at = gr.Dropdown(**controls.STOP_AT.arguments(), allow_custom_value=True, min_width=170, scale=2)
    gr.HTML(examples_html("speech"))
    return {
        "prime_length": prime_length,
        "next_characters": next_characters,
        "length": length,
        "seed": seed,
        "keep_seed": keep_seed,
        "seed_message": seed_message,
        "model": model,
        "top_k": top_k,
        "stop_at": stop_at,
    }


def _lay_out(initial: InitialExamples) -> _Components:
    """Controls left, text right."""
    request, example = example_request(initial.registry.default("speech")), initial.wait_for_text()
    text = generation.empty_text(next(iter(initial.registry.models["speech"])), request)
    if example is not None:
        text = replace(text, continuation=example.continuation)
        initial_stats = stats_html(text, request.length, example.seconds, request)
    else:
        initial_stats = html.problem(_NO_EXAMPLE)
    predictions = initial.wait_for_next_characters()
    drawing = next_characters_html(request.prime, request.prime_length, predictions) if predictions else ""
    with gr.Row(elem_id="speech"):
        with gr.Column(elem_id="speech-main", min_width=0):
            main = _main()
        with gr.Column(elem_id="speech-text", min_width=0):
            shown = gr.HTML(
                text_html(text), elem_id="text", js_on_load=read_asset(__file__, "text_height.js"), padding=False
            )
            stats = gr.HTML(initial_stats, elem_id="stats")
            steps = _steps()
            step_candidates = gr.HTML(elem_id="next-candidates")
        with gr.Column(elem_id="speech-more", min_width=0):
            more = _more(initial.registry, drawing)
    return _Components(
        **main,
        **steps,
        **more,
        text=shown,
        stats=stats,
        step_candidates=step_candidates,
        generated=gr.Textbox(text.as_field(), visible="hidden", elem_id="generated-text"),
        finished=gr.Number(0, visible="hidden"),
    )


def _wire_prime(tab: _Components, registry: Registry, link: TabLink) -> None:
    """Has slider, drawing and message follow the opening words, and the drawing the model."""
    late = LateAnswers([tab.prime_length], [tab.prime.change], [tab.prime])

    async def draw(prime: object, prime_length: object, checkpoint: Checkpoint) -> str:
        request = make_request(prime, prime_length=prime_length, vocabulary=checkpoint.vocabulary)
        return await generation.draw_next(checkpoint, request.prime, request.prime_length)

    async def update_prime(prime: str, model: object, field: object, page: gr.Request) -> tuple:
        """New opening words are read whole until the slider is moved; those of a link, as far as it says."""
        try:
            checkpoint = session_store.find(registry, "speech", model, page)
            length = characters = len(read_prime(prime, checkpoint.vocabulary))
            if prime == links.linked(field, controls.PRIME):
                length = min(links.linked(field, controls.PRIME_LENGTH) or characters, characters)
            drawing = await draw(prime, length, checkpoint)
        except (ValueError, GenerationError) as error:
            return gr.skip(), "", html.problem(str(error))
        note = reading_note(prime, checkpoint)
        return setting([{"maximum": max(characters, 2), "value": length}]), drawing, note

    async def update_drawing(prime: object, prime_length: object, model: object, page: gr.Request) -> tuple:
        try:
            checkpoint = session_store.find(registry, "speech", model, page)
            return await draw(prime, prime_length, checkpoint), reading_note(str(prime), checkpoint)
        except (ValueError, GenerationError) as error:
            return "", html.problem(str(error))

    inputs = [tab.prime, tab.model, link.applied]
    tab.prime.change(update_prime, inputs, [late.answer, tab.next_characters, tab.message], **LATEST)
    # Generate ends a text that was written one by one, which the drawing has followed.
    has_steps, redraw = gr.Checkbox(False, visible="hidden"), gr.Number(0, visible="hidden")
    tab.step.click(None, None, has_steps, js="() => true", **QUIET)
    follow = "(steps, count) => steps ? [false, count + 1] : [steps, count]"
    tab.start.click(None, [has_steps, redraw], [has_steps, redraw], js=follow, **QUIET)
    gr.on(
        [tab.prime_length.input, tab.model.change, redraw.change, link.applied.change, late.missed],
        update_drawing,
        [tab.prime, tab.prime_length, tab.model],
        [tab.next_characters, tab.message],
        **LATEST,
    )


def _seed_problem(typed: object) -> str:
    """What is wrong with a typed seed; empty if nothing is (HTML)."""
    try:
        controls.read_seed(typed)
    except ValueError as error:
        return html.problem(str(error))
    return ""


def _wire_generation(tab: _Components, registry: Registry, linked: gr.Number) -> None:
    """The buttons, the seed, and the one generation of a link: `linked` changes when it is due."""
    settings = [tab.prime, tab.prime_length, tab.temperature, tab.length, tab.top_k, tab.stop_at]
    inputs = [tab.seed, tab.model, *settings]
    shown = [tab.text, tab.stats, tab.generated, tab.start, tab.step_candidates, tab.next_characters]
    outputs = [*shown, tab.message, tab.seed_message]
    generate = generation.with_messages(generation.make_generate(registry))
    running = tab.start.click(generate, inputs, outputs, js=_SHOW_TEXT, **QUIET)
    of_link = linked.change(generate, inputs, outputs, js=_SHOW_TEXT, cancels=[running], **LATEST)
    generations: list[Any] = [running, of_link]
    tab.prime.submit(None, None, None, js=press(tab.start), **QUIET)
    ends = [enable_after(each, tab.start, generation.START_LABEL) for each in generations]
    tab.stop.click(None, None, None, cancels=generations, **QUIET)
    write_next = generation.with_messages(generation.make_write_next(registry))
    step_inputs = [tab.seed, tab.model, tab.generated, *settings]
    stepped = tab.step.click(write_next, step_inputs, outputs, cancels=generations, **QUIET)
    start_over = generation.with_messages(generation.make_start_over(registry))
    restarted = tab.restart.click(start_over, inputs, outputs, cancels=generations, **QUIET)
    for event in (*ends, stepped, restarted):
        event.then(None, tab.finished, tab.finished, js="count => count + 1", **QUIET)
    for event in (*ends, stepped):
        event.then(None, None, None, js=_SHOW_PROBLEM, **QUIET)
    tab.play.click(None, None, None, js=_PLAY, **QUIET)
    tab.keep_seed.click(None, None, tab.seed, js=_SEED_USED, **QUIET)
    tab.seed.change(_seed_problem, tab.seed, tab.seed_message, **LATEST)
    changes = [control.input for control in (tab.temperature, tab.length, tab.top_k, tab.stop_at)]
    gr.on(changes, None, tab.message, tab.message, js=CLEAR_PROBLEM, **QUIET)


def _lead_html(writer: str) -> str:
    return diagrams.lead(diagrams.SPEECH, _LEAD.format(writer), _ABOUT)


def build(initial: InitialExamples, container: gr.Tab, link: TabLink) -> ModelControls:
    """Adds the tab to the current Blocks; returns the controls of its model."""
    registry = initial.registry
    lead = gr.HTML(_lead_html(_SHIPPED))
    tab = _lay_out(initial)
    settings = [tab.prime, tab.prime_length, tab.length, tab.top_k, tab.stop_at]
    temperatures.build(registry, tab.seed, tab.model, tab.generated, settings)
    beams.build(registry, tab.generated, tab.model, tab.finished)
    source = text_source.build(registry, tab.model, tab.generated, tab.finished, link)
    surprisal.build(source)
    candidates.build(source, tab.temperature)
    neurons.build(source, steering.TabControls(tab.seed, tab.model, tab.temperature, settings))
    influence.build(source)
    dynamic_evaluation.build(source, tab.temperature, tab.seed)
    memorization.build(registry, tab.generated)
    code.build(
        registry,
        tab.seed,
        tab.model,
        tab.generated,
        [tab.prime, tab.prime_length, tab.temperature, tab.length, tab.top_k, tab.stop_at],
        [tab.finished.change, link.applied.change],
    )
    scoreboard.build_speech(registry, tab.model)
    _wire_prime(tab, registry, link)
    _wire_generation(tab, registry, linked_text.build(container, link, tab.seed))
    models = registry.models["speech"]
    tab.model.change(lambda chosen: _lead_html(_SHIPPED if chosen in models else _USERS), tab.model, lead, **LATEST)
    return ModelControls(tab.model, tab.prime)
