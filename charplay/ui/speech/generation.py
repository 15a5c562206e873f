"""What Generate, Next character, Start over and Stop do on the Speech tab."""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

import gradio as gr

from charplay.inference.engine import GenerationError
from charplay.inference.generation import Request, make_request
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import controls, html, inference_client, session_store
from charplay.ui.initial_examples import NEXT_POSITIONS
from charplay.ui.speech.generated_text import GeneratedText, parse_generated_text
from charplay.ui.speech.next_characters import next_characters_html
from charplay.ui.speech.text_html import queue_html, stats_html, text_html
from charplay.ui.widgets import candidates

START_LABEL = "Generate"  # of the button while no text is generated
OUTPUTS = 6  # values that the functions below yield: text, figures, field, Generate button, candidates, drawing

_Steps = AsyncGenerator[tuple, None]


# Functions, since Gradio takes the value out of an update that it has sent: a second use would leave the label.
def running_button() -> dict[str, Any]:
    """The Generate button until the text is complete."""
    return gr.update(value="Generating…", interactive=False)


def idle_button() -> dict[str, Any]:
    """The Generate button while no text is generated."""
    return gr.update(value=START_LABEL, interactive=True)


def with_messages(function: Callable[..., _Steps]) -> Callable[..., _Steps]:
    """Adds two outputs: a user error beside the opening words, and one beside the seed; each stays until the next call.

    Args:
        function: gets the page, the seed (None: the field is empty) and the other inputs, unchecked.
    """
    unchanged = [gr.skip()] * OUTPUTS

    async def wrapper(page: gr.Request, typed_seed: object, *values: object) -> _Steps:
        try:
            seed = controls.read_seed(typed_seed)
        except ValueError as error:
            yield *unchanged, "", html.problem(str(error))
            return
        try:
            async with aclosing(function(page, seed, *values)) as steps:
                async for step in steps:
                    yield *step, "", ""
        except (ValueError, GenerationError) as error:
            yield *unchanged, html.problem(str(error)), ""

    return wrapper


def read_request(
    checkpoint: Checkpoint,
    seed: int | None,
    prime: object,
    prime_length: object,
    temperature: object,
    length: object,
    top_k: object,
    stop_at: object,
) -> Request:
    """The request that the tab's controls describe; `stop_at` is a value of `controls.STOP_AT`.

    Raises:
        ValueError: a value is out of bounds.
    """
    until = controls.read_stop_mark(stop_at)
    top_k = 0 if top_k is None else top_k
    return make_request(prime, temperature, length, prime_length, top_k, seed, until, checkpoint.vocabulary)


def empty_text(model: str, request: Request) -> GeneratedText:
    """The text of a request before its first character."""
    return GeneratedText(
        model, request.prime, request.prime_length, request.temperature, request.seed, "", request.top_k
    )


async def draw_next(checkpoint: Checkpoint, text: str, read: int) -> str:
    """The network over the end of a text, of which it reads the last `read` characters (HTML)."""
    found = await inference_client.query(checkpoint, "likeliest_next", text=text[-read:], positions=NEXT_POSITIONS)
    return next_characters_html(text, read, found)


def make_generate(registry: Registry) -> Callable[..., _Steps]:
    """The function of Generate: yields the text as it grows."""

    async def generate(page: gr.Request, seed: int | None, model: str, *settings: object) -> _Steps:
        checkpoint = session_store.find(registry, "speech", model, page)
        request = read_request(checkpoint, seed, *settings)
        text, start, is_first = empty_text(model, request), time.monotonic(), True
        async with aclosing(inference_client.stream_text(checkpoint, request)) as stream:
            async for update in stream:
                if update.queue_position:
                    start = time.monotonic()  # the speed is that of the generation, without the wait
                text = replace(text, continuation=update.text)
                if position := update.queue_position:
                    stats = queue_html(position)
                else:
                    stats = stats_html(text, request.length, time.monotonic() - start, request)
                field = text.as_field() if update.text else gr.skip()
                goes_on = is_first and not request.is_complete(update.text)
                yield text_html(text), stats, field, running_button() if goes_on else gr.skip(), "", gr.skip()
                is_first = False

    return generate


def _continues(text: GeneratedText, model: str, request: Request, seed: int | None) -> bool:
    """Whether a text was made from what the controls show; its sampling may be another one."""
    return (text.model, text.prime, text.prime_length) == (
        model,
        request.prime,
        request.prime_length,
    ) and seed in (None, text.seed)


def make_write_next(registry: Registry) -> Callable[..., _Steps]:
    """The function of Next character: goes on with the text of the page, or begins one where the controls changed."""

    async def write_next(page: gr.Request, seed: int | None, model: str, field: object, *settings: object) -> _Steps:
        checkpoint = session_store.find(registry, "speech", model, page)
        request = read_request(checkpoint, seed, *settings)
        text = parse_generated_text(field)
        if not _continues(text, model, request, seed):
            text = empty_text(model, request)
        read, position = text.read, len(text.continuation)
        sampling: dict[str, Any] = {"temperature": request.temperature, "top_k": request.top_k, "seed": text.seed}
        character = await inference_client.query(checkpoint, "next_character", text=read, position=position, **sampling)
        found = await inference_client.query(
            checkpoint, "candidates", text=read + character, at=len(read), temperature=request.temperature
        )
        text = text.append(character, request.temperature, request.top_k)
        table = candidates.table(read + character, len(read), found, request.temperature)
        drawing = await draw_next(checkpoint, text.prime + text.continuation, len(text.read))
        stats = stats_html(text, position + 1, None, request, is_complete=request.is_complete(text.continuation))
        yield text_html(text), stats, text.as_field(), gr.skip(), table, drawing

    return write_next


def make_start_over(registry: Registry) -> Callable[..., _Steps]:
    """The function of Start over: the opening words alone."""

    async def start_over(page: gr.Request, seed: int | None, model: str, *settings: object) -> _Steps:
        checkpoint = session_store.find(registry, "speech", model, page)
        request = read_request(checkpoint, seed, *settings)
        text = empty_text(model, request)
        drawing = await draw_next(checkpoint, text.prime, text.prime_length)
        yield text_html(text), stats_html(text, 0, None, request), text.as_field(), idle_button(), "", drawing

    return start_over
