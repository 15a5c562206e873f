"""The Speech tab: a prime, and the model's continuation of it streamed at any temperature."""

import functools
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from html import escape

import gradio as gr

from charplay.data.text import normalize_prime
from charplay.inference.generate import Request, make_request
from charplay.ui import controls, scoreboard, session_store
from charplay.ui.errors import as_gradio_error
from charplay.ui.inference_client import InitialExamples, stream_text
from charplay.ui.speech import inside, memorization, temperatures
from charplay.ui.speech.generated_text import GeneratedText
from charplay.ui.widgets import diagrams

_LEAD = (
    "<b>Many to many.</b> Press Generate and read on: the network writes one character at a time, each drawn from its "
    "softmax over the next, sharpened or flattened by the temperature. The text is made by a model; nobody said it."
)
SHOWN_SHIFT = 28  # characters of the prime's end in the picture of input and target; a phone has room for them


def _prime_html(prime: str, prime_length: int) -> str:
    unread, read = prime[:-prime_length], prime[-prime_length:]
    grey = f'<span class="unread">{escape(unread)}</span>' if unread else ""
    return f'{grey}<span class="read">{escape(read)}</span>'


def _text_html(request: Request, continuation: str) -> str:
    """The prime and its continuation, told apart (HTML)."""
    prime = _prime_html(request.prime, request.prime_length)
    return f'<div class="text" tabindex="0" aria-label="Generated text"><div>{prime}{escape(continuation)}</div></div>'


def _stats_html(request: Request, characters: int, seconds: float) -> str:
    speed = characters / max(seconds, 1e-9)
    return (
        f'<p class="caption"><b>{speed:,.0f}</b> characters/s · {characters:,} of {request.length:,} characters · '
        f'seed <b id="seed-used">{request.seed}</b> · temperature {request.temperature:g}'
        '<span class="note"> · <span class="read">prime read</span>, <span class="unread">prime not read</span>, '
        "then the model</span></p>"
    )


def _written(model: str, request: Request, continuation: str) -> GeneratedText:
    return GeneratedText(model, request.prime, request.prime_length, request.temperature, continuation)


def _line_html(place: int) -> str:
    """What is said to someone who waits for a seat (HTML)."""
    return (
        f'<p class="caption" role="status">Every seat is taken: you are number <b>{place:,}</b> in line, and your text '
        "begins as soon as one is free.</p>"
    )


def _shift_html(prime: str, prime_length: int) -> str:
    """Input and target shifted by one, as in training; what of the prime is not read is greyed (HTML)."""
    shown = prime.replace("\n", "↵")[-SHOWN_SHIFT:]
    read = min(prime_length, len(shown))
    target = " " * (len(shown) - read) + shown[-read:][1:] + "?"
    return (
        '<p class="caption note">Trained to turn each input into the target: the same text, shifted by one.</p>'
        f'<div class="shift">input  {_prime_html(shown, read)}</div><div class="shift">target {escape(target)}</div>'
    )


def build(opening: InitialExamples) -> gr.Dropdown:
    """Lays out the tab inside the current Blocks; returns the choice of its model."""
    registry, models = opening.registry, opening.registry.models["speech"]
    default = next(iter(models))
    example, continuation, seconds = opening.text.result()
    gr.HTML(diagrams.lead(diagrams.SPEECH, _LEAD))
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            prime = gr.Textbox(**controls.PRIME.arguments(), lines=2, max_lines=4)
            prime_length = gr.Slider(**controls.PRIME_LENGTH.arguments() | {"maximum": len(controls.PRIME.default)})
            shift = gr.HTML(_shift_html(example.prime, example.prime_length), elem_id="shift")
            with gr.Row():
                temperature = gr.Slider(**controls.TEMPERATURE.arguments(), min_width=150)
                length = gr.Slider(**controls.LENGTH.arguments(), min_width=150)
            model = gr.Dropdown(
                **controls.SPEECH_MODEL.arguments() | {"choices": scoreboard.choices(models), "value": default}
            )
            with gr.Row(elem_classes="bottom"):
                seed = gr.Textbox(**controls.SEED.arguments(), max_lines=1, min_width=190, scale=2)
                start_button = gr.Button("Generate", variant="primary", elem_id="generate", size="md", min_width=90)
                stop_button = gr.Button("Stop", elem_id="stop", size="md", min_width=90)
        with gr.Column(scale=3, min_width=320):
            text = gr.HTML(_text_html(example, continuation), elem_id="text")
            stats = gr.HTML(_stats_html(example, len(continuation), seconds), elem_id="stats")
    # A stateless page keeps its own text: `gr.State` would hold a connection open for every tab.
    written = gr.Textbox(_written(default, example, continuation).as_field(), visible="hidden", elem_id="written")
    temperatures.build(registry, prime, prime_length, length, seed, model)
    follow_text = inside.build(registry, model, temperature, written)
    memorization.build(registry, written)
    scoreboard.build_speech(registry, model)

    async def run(
        prime: str, prime_length: int, temperature: float, length: int, seed: str, chosen: str, page: gr.Request
    ) -> AsyncIterator[tuple]:
        checkpoint = session_store.find(registry, "speech", chosen, page)
        request = make_request(prime, temperature, length, prime_length, seed=controls.read_seed(seed))
        start, is_first = time.monotonic(), True
        async with aclosing(stream_text(checkpoint, request)) as growing:
            async for news in growing:
                if news.place:
                    start = time.monotonic()  # the speed is that of the writing, not of the waiting
                seconds = time.monotonic() - start
                stats = _line_html(news.place) if news.place else _stats_html(request, len(news.text), seconds)
                goes_on = is_first and len(news.text) < request.length
                kept = _written(chosen, request, news.text).as_field() if news.text else gr.skip()
                button = gr.update(interactive=False) if goes_on else gr.skip()
                yield _text_html(request, news.text), stats, kept, button
                is_first = False

    def reread(prime: str) -> tuple[dict, str]:
        """A new prime is read whole until the slider is moved."""
        try:
            normalized = normalize_prime(prime)
        except ValueError as mistake:
            return gr.skip(), f'<p class="caption problem" role="status">{escape(str(mistake))}</p>'
        whole, note = len(normalized), ""
        if not prime.isascii():
            note = '<p class="caption note" role="status">Brought to ASCII; what has no ASCII form is left out.</p>'
        return gr.Slider(maximum=max(whole, 2), value=whole), _shift_html(normalized, whole) + note

    def shorten(prime: str, prime_length: int) -> str:
        request = make_request(prime, prime_length=prime_length)
        return _shift_html(request.prime, request.prime_length)

    # The limits judge what arrives: Gradio's own check of an emptied number box fails with a traceback.
    quiet = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    prime.change(reread, prime, [prime_length, shift], trigger_mode="always_last", **quiet)
    prime_length.input(as_gradio_error(shorten), [prime, prime_length], shift, trigger_mode="always_last", **quiet)
    running = gr.on(
        [start_button.click, prime.submit],
        as_gradio_error(run),
        [prime, prime_length, temperature, length, seed, model],
        [text, stats, written, start_button],
        scroll_to_output=True,  # on a phone the text lies below the fold
        **quiet,
    )
    ready = functools.partial(gr.update, interactive=True)  # gr.Button(...) would bring its default label along
    ended = running.then(ready, None, start_button, **quiet)
    stopped = stop_button.click(ready, None, start_button, cancels=[running], **quiet)
    follow_text([ended, stopped])
    return model
