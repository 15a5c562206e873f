"""The accordion that generates from one prime and one seed at three temperatures, side by side."""

import re
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from html import escape
from typing import Any

import gradio as gr
from gradio.components import Component

from charplay import limits
from charplay.inference.engine import GenerationError
from charplay.inference.generation import Request
from charplay.models.checkpoints import Registry
from charplay.ui import controls, html, session_store
from charplay.ui.events import LATEST, QUIET, enable_after
from charplay.ui.inference_client import TextUpdate, stream_texts
from charplay.ui.speech import generation_settings
from charplay.ui.speech.generated_text import seed_of
from charplay.ui.speech.generation import read_request

_LEAD = html.caption(
    "Press Compare and count the words: few different ones at a low temperature, and at a high one many that are no "
    "words. Opening words and random numbers are the same; only the temperature differs."
)
# On a phone the texts lie below the button.
_SHOW_TEXTS = (
    "(...inputs) => { document.getElementById('compared-1').scrollIntoView({block: 'nearest'}); return inputs; }"
)
_EMPTY = html.note("Opening words, length, seed, model, top-k and stop mark are those of the text above.")


def _text_html(temperature: float, text: str, settings: dict[str, Any] | None = None) -> str:
    """The text of one temperature so far, what generates it again, and its number of different words (HTML)."""
    words = re.findall(r"[a-z']+", text.lower())
    count = html.caption(f"<b>{len(set(words)):,}</b> different words of {len(words):,}")
    return count + html.text_box(escape(text), label=f"Text at temperature {temperature:g}", settings=settings)


def _status_html(requests: Sequence[Request], updates: Sequence[TextUpdate]) -> str:
    """What the three texts have in common, or the queue position of the last of them (HTML)."""
    if position := max(update.queue_position for update in updates):
        return html.caption(
            f"All slots are taken. Position in the queue: <b>{position:,}</b>. The texts start by themselves.",
            is_status=True,
        )
    shortest = min(len(update.text) for update in updates)
    until = " or to the stop mark" if requests[0].until else ""
    return html.caption(
        f"{shortest:,} of {requests[0].length:,} characters each{until} "
        f'· seed <b id="compared-seed">{requests[0].seed}</b> · the opening words are not shown again'
    )


def _make_compare(registry: Registry) -> Callable[..., AsyncGenerator[tuple, None]]:
    """The function of the Compare button."""

    async def compare(
        page: gr.Request,
        typed_seed: object,
        model: str,
        field: object,
        prime: object,
        prime_length: object,
        length: object,
        top_k: object,
        stop_at: object,
        *temperatures: object,
    ) -> AsyncGenerator[tuple, None]:
        checkpoint = session_store.find(registry, "speech", model, page)
        first, *rest = temperatures
        request = read_request(
            checkpoint, seed_of(typed_seed, field), prime, prime_length, first, length, top_k, stop_at
        )
        requests = [request, *(replace(request, temperature=limits.TEMPERATURE.check(value)) for value in rest)]
        button = gr.update(value="Generating…", interactive=False)
        async with aclosing(stream_texts(checkpoint, requests)) as stream:
            async for updates in stream:
                columns = [
                    _text_html(request.temperature, update.text, generation_settings.of_request(model, request))
                    for request, update in zip(requests, updates, strict=True)
                ]
                yield *columns, _status_html(requests, updates), button
                button = gr.skip()

    async def with_message(page: gr.Request, *values: Any) -> AsyncGenerator[tuple, None]:
        """A user error stands beside the button, above empty boxes."""
        try:
            async with aclosing(compare(page, *values)) as steps:
                async for step in steps:
                    yield step
        except (ValueError, GenerationError) as error:
            empty = [_text_html(control.default, "") for control in controls.TEMPERATURES]
            yield *empty, html.problem(str(error)), gr.skip()

    return with_message


def build(
    registry: Registry, seed: Component, model: gr.Dropdown, generated: Component, settings: Sequence[Component]
) -> None:
    """Adds the accordion to the current Blocks; all but the temperatures is as in the tab's own text.

    Args:
        registry: the page's models.
        seed: of the tab; without a typed one, that of the text in `generated` is used.
        model: of the tab.
        generated: hidden field with the tab's text.
        settings: of the tab: prime, prime length, length, top-k, and where to stop.
    """
    with gr.Accordion("Three temperatures", open=False, elem_id="temperatures-accordion"):
        gr.HTML(_LEAD)
        with gr.Row(elem_classes="bottom"):
            with gr.Column(min_width=320):
                status = gr.HTML(_EMPTY, elem_id="compared-stats")
            look: dict[str, Any] = {"size": "md", "min_width": 110, "scale": 0}
            start = gr.Button("Compare", variant="primary", elem_id="compare", elem_classes=html.KEPT_WORDS, **look)
            stop = gr.Button("Stop", elem_id="stop-comparing", **look)
        sliders, texts = [], []
        with gr.Row(elem_id="temperatures"):
            for number, control in enumerate(controls.TEMPERATURES, 1):
                with gr.Column(min_width=250):
                    sliders.append(gr.Slider(**control.arguments()))
                    texts.append(gr.HTML(_text_html(control.default, ""), elem_id=f"compared-{number}"))

    compare = _make_compare(registry)

    running = start.click(
        compare,
        [seed, model, generated, *settings, *sliders],
        [*texts, status, start],
        js=_SHOW_TEXTS,
        **QUIET,
    )
    enable_after(running, start, "Compare")
    stop.click(None, None, None, cancels=[running], **QUIET)
    # The texts of another model would pass for this one's.
    cleared = [*(_text_html(control.default, "") for control in controls.TEMPERATURES), _EMPTY]
    model.change(lambda: cleared, None, [*texts, status], **LATEST)
