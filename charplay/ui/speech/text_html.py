"""The generated text of the Speech tab, its prime, and the line of figures under it (HTML)."""

import json
from html import escape

from charplay.data.input_text import unseen_characters
from charplay.inference.generation import Request
from charplay.models.checkpoints import Checkpoint
from charplay.ui import controls, html
from charplay.ui.speech import generation_settings
from charplay.ui.speech.generated_text import GeneratedText


def _prime_html(prime: str, prime_length: int) -> str:
    """The prime; what does not warm up the hidden state is struck through."""
    unread, read = prime[:-prime_length], prime[-prime_length:]
    struck = f'<span class="unread">{escape(unread)}</span>' if unread else ""
    return f'{struck}<span class="read">{escape(read)}</span>'


def text_html(text: GeneratedText) -> str:
    """The prime and its continuation, told apart."""
    markup = _prime_html(text.prime, text.prime_length) + escape(text.continuation)
    return html.text_box(markup, label="Generated text")


def _settings(text: GeneratedText, length: int, request: Request) -> str:
    """The values of the controls that a text was made with, by which a link knows whether its seed is theirs (JSON)."""
    stop_at = {"": controls.AT_THE_LENGTH, "\n": controls.AT_THE_LINE_END}.get(request.until, request.until)
    made = {
        controls.PRIME: text.prime,
        controls.PRIME_LENGTH: text.prime_length,
        controls.TEMPERATURE: text.temperature,
        controls.LENGTH: length,
        controls.SPEECH_MODEL: text.model,
        controls.TOP_K: request.top_k,
        controls.STOP_AT: stop_at,
    }
    return json.dumps({control.name: value for control, value in made.items()})


def stats_html(
    text: GeneratedText, length: int, seconds: float | None, request: Request, *, is_complete: bool = False
) -> str:
    """Seed, temperature and speed of a generation, and what the marks in the text mean.

    Args:
        text: so far.
        length: characters that were requested.
        seconds: since its first character; None: its characters were requested one by one.
        request: what the text was generated from.
        is_complete: of characters requested one by one: no more are to be requested.
    """
    characters = len(text.continuation)
    made, again = _settings(text, length, request), json.dumps(generation_settings.of_text(text, length, request.until))
    seed = f'seed <b id="seed-used" data-made="{escape(made)}" data-request="{escape(again)}">{text.seed}</b>'
    facts = [seed, f"temperature {text.temperature:g}"]
    if seconds is not None:
        facts.append(f"<b>{characters / max(seconds, 1e-9):,.0f}</b> characters/s")
    until = request.until
    is_stopped = until and text.continuation.endswith(until) and characters < length
    of_length = f"{characters:,} of {html.counted(length, 'character')}"
    facts.append(f"{html.counted(characters, 'character')}, to the stop mark" if is_stopped else of_length)
    if is_complete or is_stopped or (seconds is not None and characters >= length):
        facts[-1] = f"<span data-complete>{facts[-1]}</span>"  # read by play.js
    legend = '<span class="read">opening words</span>, then the model'
    if text.prime_length < len(text.prime):
        legend = f'<span class="unread">not read</span>, {legend}'
    return html.caption(f'{" · ".join(facts)} <span class="note">· {legend}</span>')


def reading_note(prime: str, checkpoint: Checkpoint) -> str:
    """What the model reads otherwise than it was typed, and what it never saw; empty if that is nothing (HTML)."""
    sentences = []
    if checkpoint.vocabulary.is_ascii and not prime.isascii():
        sentences.append("Brought to ASCII; what has no ASCII form is left out.")
    if unseen := unseen_characters(prime, checkpoint.vocabulary, checkpoint.alphabet):
        sentences.append(html.unseen_note(unseen))
    return html.note(" ".join(sentences), is_status=True) if sentences else ""


def queue_html(position: int) -> str:
    """The position of a request that waits for a slot."""
    return html.caption(
        f"All slots are taken. Your position in the queue: <b>{position:,}</b>. The text starts by itself.",
        is_status=True,
    )
