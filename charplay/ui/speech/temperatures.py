"""Three temperatures: one prime and one seed, three texts that are written side by side."""

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


def _column(temperature: float, text: str) -> str:
    """What one temperature has written so far, and how many of its words are different ones (HTML)."""
    words = re.findall(r"[a-z']+", text.lower())
    says = f"Text at temperature {temperature:g}"
    return (
        f'<p class="caption"><b>{len(set(words)):,}</b> different words of {len(words):,}</p>'
        f'<div class="text" tabindex="0" aria-label="{says}"><div>{escape(text)}</div></div>'
    )


def _stats(requests: Sequence[Request], news: Sequence[TextUpdate]) -> str:
    """What the three have in common, or the place in line of the one that waits longest (HTML)."""
    if place := max(one.place for one in news):
        return (
            f'<p class="caption" role="status">Every seat is taken: you are number <b>{place:,}</b> in line, and the '
            "texts begin as soon as seats are free.</p>"
        )
    return (
        f'<p class="caption">{min(len(one.text) for one in news):,} of {requests[0].length:,} characters each · seed '
        f'<b id="compared-seed">{requests[0].seed}</b> · the prime’s last {requests[0].prime_length:,} characters '
        "read, and not shown again</p>"
    )


def build(
    registry: Registry,
    prime: Component,
    prime_length: Component,
    length: Component,
    seed: Component,
    model: Component,
) -> None:
    """Lays out the fold; everything but the temperatures is read from the tab's own controls."""
    with gr.Accordion("Three temperatures", open=False, elem_id="temperatures-fold"):
        gr.HTML(_LEAD)
        with gr.Row(elem_classes="bottom"):
            with gr.Column(min_width=320):
                stats = gr.HTML(_EMPTY, elem_id="compared-stats")
            start_button = gr.Button("Compare", variant="primary", elem_id="compare", size="md", min_width=110, scale=0)
            stop_button = gr.Button("Stop", elem_id="stop-comparing", size="md", min_width=110, scale=0)
        degrees, texts = [], []
        with gr.Row(elem_id="temperatures"):
            for number, control in enumerate(controls.TEMPERATURES, 1):
                with gr.Column(min_width=250):
                    degrees.append(gr.Slider(**control.arguments()))
                    texts.append(gr.HTML(_column(control.default, ""), elem_id=f"compared-{number}"))

    async def run(
        page: gr.Request, prime: str, prime_length: int, length: int, seed: str, chosen: str, *temperatures: float
    ) -> AsyncIterator[tuple]:
        checkpoint = session_store.find(registry, "speech", chosen, page)
        first, *others = temperatures
        request = make_request(prime, first, length, prime_length, seed=controls.read_seed(seed))
        requests = [request, *(replace(request, temperature=limits.TEMPERATURE.check(one)) for one in others)]
        button = gr.update(interactive=False)
        async with aclosing(stream_texts(checkpoint, requests)) as growing:
            async for news in growing:
                texts_html = [_column(wish.temperature, one.text) for wish, one in zip(requests, news, strict=True)]
                yield *texts_html, _stats(requests, news), button
                button = gr.skip()

    # The limits judge what arrives: Gradio's own check of an emptied number box fails with a traceback.
    quiet = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    running = start_button.click(
        as_gradio_error(run),
        [prime, prime_length, length, seed, model, *degrees],
        [*texts, stats, start_button],
        **quiet,
    )
    ready = functools.partial(gr.update, interactive=True)  # gr.Button(...) would bring its default label along
    running.then(ready, None, start_button, **quiet)
    stop_button.click(ready, None, start_button, cancels=[running], **quiet)
