"""The generated text of the Speech tab, its prime, and the line of figures under it (HTML)."""

from html import escape

from charplay.inference.generate import Request
from charplay.ui import html

SHIFTED_CHARACTERS = 28  # characters of the prime's end that are shown shifted by one: as many as a phone has room for


def _prime_html(prime: str, prime_length: int) -> str:
    """The prime; what does not warm up the hidden state is greyed."""
    unread, read = prime[:-prime_length], prime[-prime_length:]
    grey = f'<span class="unread">{escape(unread)}</span>' if unread else ""
    return f'{grey}<span class="read">{escape(read)}</span>'


def text_html(request: Request, continuation: str) -> str:
    """The prime and its continuation, told apart."""
    prime = _prime_html(request.prime, request.prime_length)
    return html.text_box(prime + escape(continuation), label="Generated text")


def stats_html(request: Request, characters: int, seconds: float) -> str:
    """Speed, progress, seed and temperature of a generation."""
    speed = characters / max(seconds, 1e-9)
    return html.caption(
        f"<b>{speed:,.0f}</b> characters/s · {characters:,} of {request.length:,} characters · "
        f'seed <b id="seed-used">{request.seed}</b> · temperature {request.temperature:g}'
        '<span class="note"> · <span class="read">prime read</span>, <span class="unread">prime not read</span>, '
        "then the model</span>"
    )


def queue_html(position: int) -> str:
    """The position of a request that waits for a slot."""
    return html.caption(
        f"Every seat is taken: you are number <b>{position:,}</b> in line, and your text begins as soon as one is "
        "free.",
        is_status=True,
    )


def shift_html(prime: str, prime_length: int) -> str:
    """Input and target shifted by one, as in training; what of the prime is not read is greyed."""
    shown = html.visible_newlines(prime)[-SHIFTED_CHARACTERS:]
    read = min(prime_length, len(shown))
    target = " " * (len(shown) - read) + shown[-read:][1:] + "?"
    caption = html.note("Trained to turn each input into the target: the same text, shifted by one.")
    return (
        f"{caption}"
        f'<div class="shift">input  {_prime_html(shown, read)}</div><div class="shift">target {escape(target)}</div>'
    )
