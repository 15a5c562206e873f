"""The accordion that generates from one prime and one seed at three temperatures, side by side."""

import functools
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace
from html import escape

import gradio as gr
from gradio.components import Component

from charplay import limits
from charplay.inference.generate import Request, make_request
from charplay.models.checkpoints import Registry
from charplay.ui import controls, session_store
from charplay.ui.errors import as_gradio_error
from charplay.ui.inference_client import TextUpdate, stream_texts

_LEAD = (
    '<p class="caption">Look at how few different words the cold text has, and how many in the hot one are no words at '
    "all: prime and throws of the dice are the same, the temperature alone is not.</p>"
)
_EMPTY = '<p class="caption note">Press Compare: the prime, the length, the seed and the model are those above.</p>'


def _text_html(temperature: float, text: str) -> str:
    """The text of one temperature so far, and how many of its words are different ones (HTML)."""
    words = re.findall(r"[a-z']+", text.lower())
    label = f"Text at temperature {temperature:g}"
    return (
        f'<p class="caption"><b>{len(set(words)):,}</b> different words of {len(words):,}</p>'
        f'<div class="text" tabindex="0" aria-label="{label}"><div>{escape(text)}</div></div>'
    )


def _status_html(requests: Sequence[Request], updates: Sequence[TextUpdate]) -> str:
    """What the three texts have in common, or the queue position of the last of them (HTML)."""
    if place := max(update.place for update in updates):
        return (
            f'<p class="caption" role="status">Every seat is taken: you are number <b>{place:,}</b> in line, and the '
            "texts begin as soon as seats are free.</p>"
        )
    return (
        f'<p class="caption">{min(len(update.text) for update in updates):,} of {requests[0].length:,} characters each '
        f'· seed <b id="compared-seed">{requests[0].seed}</b> · the prime’s last {requests[0].prime_length:,} '
        "characters read, and not shown again</p>"
    )


def build(
    registry: Registry,
    prime: Component,
    prime_length: Component,
    length: Component,
    seed: Component,
    model: Component,
) -> None:
    """Adds the accordion to the current Blocks; everything but the temperatures comes from the tab's own controls."""
    with gr.Accordion("Three temperatures", open=False, elem_id="temperatures-accordion"):
        gr.HTML(_LEAD)
        with gr.Row(elem_classes="bottom"):
            with gr.Column(min_width=320):
                status = gr.HTML(_EMPTY, elem_id="compared-stats")
            start = gr.Button("Compare", variant="primary", elem_id="compare", size="md", min_width=110, scale=0)
            stop = gr.Button("Stop", elem_id="stop-comparing", size="md", min_width=110, scale=0)
        sliders, texts = [], []
        with gr.Row(elem_id="temperatures"):
            for number, control in enumerate(controls.TEMPERATURES, 1):
                with gr.Column(min_width=250):
                    sliders.append(gr.Slider(**control.arguments()))
                    texts.append(gr.HTML(_text_html(control.default, ""), elem_id=f"compared-{number}"))

    async def compare(
        page: gr.Request, prime: str, prime_length: int, length: int, seed: str, model: str, *temperatures: float
    ) -> AsyncIterator[tuple]:
        checkpoint = session_store.find(registry, "speech", model, page)
        first, *rest = temperatures
        request = make_request(prime, first, length, prime_length, seed=controls.read_seed(seed))
        requests = [request, *(replace(request, temperature=limits.TEMPERATURE.check(value)) for value in rest)]
        button = gr.update(interactive=False)
        async with aclosing(stream_texts(checkpoint, requests)) as stream:
            async for updates in stream:
                columns = [
                    _text_html(request.temperature, update.text)
                    for request, update in zip(requests, updates, strict=True)
                ]
                yield *columns, _status_html(requests, updates), button
                button = gr.skip()

    # Without preprocessing: Gradio's own check of an emptied number box fails with a traceback. `limits` checks.
    quiet = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    running = start.click(
        as_gradio_error(compare),
        [prime, prime_length, length, seed, model, *sliders],
        [*texts, status, start],
        **quiet,
    )
    enable = functools.partial(gr.update, interactive=True)  # gr.Button(...) would reset the label
    running.then(enable, None, start, **quiet)
    stop.click(enable, None, start, cancels=[running], **quiet)
