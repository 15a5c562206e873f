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
from charplay.ui import controls, html, session_store
from charplay.ui.errors import as_gradio_error
from charplay.ui.events import QUIET
from charplay.ui.inference_client import TextUpdate, stream_texts

_LEAD = html.caption(
    "Look at how few different words the cold text has, and how many in the hot one are no words at "
    "all: prime and throws of the dice are the same, the temperature alone is not."
)
_EMPTY = html.note("Press Compare: the prime, the length, the seed and the model are those above.")


def _text_html(temperature: float, text: str) -> str:
    """The text of one temperature so far, and how many of its words are different ones (HTML)."""
    words = re.findall(r"[a-z']+", text.lower())
    count = html.caption(f"<b>{len(set(words)):,}</b> different words of {len(words):,}")
    return count + html.text_box(escape(text), label=f"Text at temperature {temperature:g}")


def _status_html(requests: Sequence[Request], updates: Sequence[TextUpdate]) -> str:
    """What the three texts have in common, or the queue position of the last of them (HTML)."""
    if position := max(update.queue_position for update in updates):
        return html.caption(
            f"Every seat is taken: you are number <b>{position:,}</b> in line, and the texts begin as soon as seats "
            "are free.",
            is_status=True,
        )
    return html.caption(
        f"{min(len(update.text) for update in updates):,} of {requests[0].length:,} characters each "
        f'· seed <b id="compared-seed">{requests[0].seed}</b> · the prime’s last {requests[0].prime_length:,} '
        "characters read, and not shown again"
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

    running = start.click(
        as_gradio_error(compare),
        [prime, prime_length, length, seed, model, *sliders],
        [*texts, status, start],
        **QUIET,
    )
    enable = functools.partial(gr.update, interactive=True)  # gr.Button(...) would reset the label
    running.then(enable, None, start, **QUIET)
    stop.click(enable, None, start, cancels=[running], **QUIET)
