"""The Speech tab: a prime, and the model's continuation of it streamed at any temperature."""

import functools
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import NamedTuple

import gradio as gr

from charplay.data.text import normalize_prime
from charplay.inference.generate import Request, make_request
from charplay.models.checkpoints import Registry
from charplay.ui import controls, html, scoreboard, session_store
from charplay.ui.errors import as_gradio_error
from charplay.ui.events import LATEST, QUIET
from charplay.ui.inference_client import Example, InitialExamples, stream_text
from charplay.ui.speech import candidates, memorization, neurons, surprisal, temperatures, text_source
from charplay.ui.speech.generated_text import GeneratedText
from charplay.ui.speech.text_html import queue_html, shift_html, stats_html, text_html
from charplay.ui.widgets import diagrams

_LEAD = (
    "<b>Many to many.</b> Press Generate and read on: the network writes one character at a time, each drawn from its "
    "softmax over the next, sharpened or flattened by the temperature. The text is made by a model; nobody said it."
)


class _Components(NamedTuple):
    """What the tab consists of, apart from its accordions."""

    prime: gr.Textbox
    prime_length: gr.Slider
    shift: gr.HTML
    temperature: gr.Slider
    length: gr.Slider
    model: gr.Dropdown
    seed: gr.Textbox
    start: gr.Button
    stop: gr.Button
    text: gr.HTML
    stats: gr.HTML
    # A stateless page keeps its own text: `gr.State` would hold a connection open for every tab.
    generated: gr.Textbox
    finished: gr.Number  # counts the generations that have ended, so that their end is an event like any other


def _as_field(model: str, request: Request, continuation: str) -> str:
    text = GeneratedText(model, request.prime, request.prime_length, request.temperature, continuation)
    return text.as_field()


def _lay_out(registry: Registry, example: Example) -> _Components:
    """Controls left, text right."""
    models = registry.models["speech"]
    default = next(iter(models))
    request, continuation, seconds = example
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            prime = gr.Textbox(**controls.PRIME.arguments(), lines=2, max_lines=4)
            prime_length = gr.Slider(**controls.PRIME_LENGTH.arguments() | {"maximum": len(controls.PRIME.default)})
            shift = gr.HTML(shift_html(request.prime, request.prime_length), elem_id="shift")
            with gr.Row():
                temperature = gr.Slider(**controls.TEMPERATURE.arguments(), min_width=150)
                length = gr.Slider(**controls.LENGTH.arguments(), min_width=150)
            model = gr.Dropdown(
                **controls.SPEECH_MODEL.arguments() | {"choices": scoreboard.choices(models), "value": default}
            )
            with gr.Row(elem_classes="bottom"):
                seed = gr.Textbox(**controls.SEED.arguments(), max_lines=1, min_width=190, scale=2)
                start = gr.Button("Generate", variant="primary", elem_id="generate", size="md", min_width=90)
                stop = gr.Button("Stop", elem_id="stop", size="md", min_width=90)
        with gr.Column(scale=3, min_width=320):
            text = gr.HTML(text_html(request, continuation), elem_id="text")
            stats = gr.HTML(stats_html(request, len(continuation), seconds), elem_id="stats")
    field = _as_field(default, request, continuation)
    return _Components(
        prime=prime,
        prime_length=prime_length,
        shift=shift,
        temperature=temperature,
        length=length,
        model=model,
        seed=seed,
        start=start,
        stop=stop,
        text=text,
        stats=stats,
        generated=gr.Textbox(field, visible="hidden", elem_id="generated-text"),
        finished=gr.Number(0, visible="hidden"),
    )


def _update_prime(prime: str) -> tuple:
    """Slider and shifted text of a new prime, which is read whole until the slider is moved."""
    try:
        normalized = normalize_prime(prime)
    except ValueError as error:
        return gr.skip(), html.problem(str(error))
    characters, note = len(normalized), ""
    if not prime.isascii():
        note = html.note("Brought to ASCII; what has no ASCII form is left out.", is_status=True)
    return gr.Slider(maximum=max(characters, 2), value=characters), shift_html(normalized, characters) + note


def _update_shift(prime: str, prime_length: int) -> str:
    request = make_request(prime, prime_length=prime_length)
    return shift_html(request.prime, request.prime_length)


def _wire_prime(tab: _Components) -> None:
    """Has slider and shifted text follow the prime."""
    tab.prime.change(_update_prime, tab.prime, [tab.prime_length, tab.shift], **LATEST)
    tab.prime_length.input(as_gradio_error(_update_shift), [tab.prime, tab.prime_length], tab.shift, **LATEST)


def _wire_generation(tab: _Components, registry: Registry) -> None:
    """Generate and Stop."""

    async def generate(
        prime: str, prime_length: int, temperature: float, length: int, seed: str, model: str, page: gr.Request
    ) -> AsyncIterator[tuple]:
        checkpoint = session_store.find(registry, "speech", model, page)
        request = make_request(prime, temperature, length, prime_length, seed=controls.read_seed(seed))
        start, is_first = time.monotonic(), True
        async with aclosing(stream_text(checkpoint, request)) as stream:
            async for update in stream:
                if update.queue_position:
                    start = time.monotonic()  # the speed is that of the generation, without the wait
                seconds = time.monotonic() - start
                if position := update.queue_position:
                    stats = queue_html(position)
                else:
                    stats = stats_html(request, len(update.text), seconds)
                field = _as_field(model, request, update.text) if update.text else gr.skip()
                goes_on = is_first and len(update.text) < request.length
                button = gr.update(interactive=False) if goes_on else gr.skip()
                yield text_html(request, update.text), stats, field, button
                is_first = False

    running = gr.on(
        [tab.start.click, tab.prime.submit],
        as_gradio_error(generate),
        [tab.prime, tab.prime_length, tab.temperature, tab.length, tab.seed, tab.model],
        [tab.text, tab.stats, tab.generated, tab.start],
        scroll_to_output=True,  # on a phone the text lies below the controls
        **QUIET,
    )
    enable = functools.partial(gr.update, interactive=True)  # gr.Button(...) would reset the label
    ended = running.then(enable, None, tab.start, **QUIET)
    stopped = tab.stop.click(enable, None, tab.start, cancels=[running], **QUIET)
    for event in (ended, stopped):
        event.then(None, tab.finished, tab.finished, js="count => count + 1", **QUIET)


def build(initial: InitialExamples) -> gr.Dropdown:
    """Adds the tab to the current Blocks; returns the choice of its model."""
    registry = initial.registry
    gr.HTML(diagrams.lead(diagrams.SPEECH, _LEAD))
    tab = _lay_out(registry, initial.text.result())
    temperatures.build(registry, tab.prime, tab.prime_length, tab.length, tab.seed, tab.model)
    source = text_source.build(registry, tab.model, tab.generated, tab.finished)
    surprisal.build(source)
    candidates.build(source, tab.temperature)
    neurons.build(source)
    memorization.build(registry, tab.generated)
    scoreboard.build_speech(registry, tab.model)
    _wire_prime(tab)
    _wire_generation(tab, registry)
    return tab.model
