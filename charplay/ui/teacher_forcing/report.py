"""What a decoder predicted, and what its history shows, as texts (HTML)."""

from collections.abc import Sequence
from html import escape
from itertools import groupby
from typing import Any

from charplay.ui import html
from charplay.ui.html import visible
from charplay.ui.teacher_forcing.unrolled import MAX_STEPS, unrolled_svg


def prediction_html(text: str, truth: str) -> str:
    """A predicted text, the wrong characters underlined by a wave, and how many are correct."""
    pairs = list(zip(text, truth, strict=True))
    pieces = []
    for is_correct, stretch in groupby(pairs, lambda pair: pair[0] == pair[1]):
        piece = escape(visible("".join(character for character, _ in stretch)))
        pieces.append(piece if is_correct else f'<u class="wrong">{piece}</u>')
    correct = sum(character == true for character, true in pairs)
    return f"{html.code(''.join(pieces))} <b>{correct} of {len(truth)}</b>"


def decoder_html(name: str, title: str, trained: str, target: str, decoder: dict[str, Any]) -> str:
    """One decoder at one epoch: its figure, and what it predicts with the inputs of its training and free-running.

    Args:
        name: of this figure, see `unrolled_svg`.
        title: of the decoder.
        trained: what its inputs in training are called; empty: it is trained free-running, and one line says all.
        target: the text that is learnt.
        decoder: as `unrolled_svg` takes it, "loss" (nats) and "free_running", what it predicts then.
    """
    truth = target[1:]
    cut = f" · the first {MAX_STEPS} of {len(truth)} steps" if len(truth) > MAX_STEPS else ""
    predictions = [(trained, prediction_html(decoder["predictions"], truth))] if trained else []
    predictions.append(("free-running", prediction_html(decoder["free_running"], truth)))
    return (
        html.caption(f'<b>{title}</b> · loss {decoder["loss"]:.3f}<span class="note">{cut}</span>')
        + unrolled_svg(name, target, decoder)
        + html.facts(predictions, classes="decoded")
    )


def _shows(history: Sequence[Sequence[float]], steps: int, epoch: int) -> str:
    """What the curves show at an epoch (HTML)."""
    if not epoch:
        return "Untrained, both decoders are the same network, and guess."
    _, forced, free_running, _, _, second = history[epoch - 1]
    rest = f"the second decoder, free-running: <b>{second:g}</b>."
    if forced > free_running:
        return (
            f"Teacher-forced, the first decoder has <b>{forced:g} of {steps}</b> correct, free-running "
            f"<b>{free_running:g}</b>: after a wrong character it reads what training never showed; {rest}"
        )
    if free_running == steps:
        return f"The first decoder has all {steps} correct, teacher-forced and free-running; {rest}"
    return f"The first decoder has {free_running:g} of {steps} correct, teacher-forced and free-running; {rest}"


def verdict(history: Sequence[Sequence[float]], steps: int, epoch: int) -> str:
    """One sentence on what the curves show at an epoch, and where free-running is furthest behind (HTML).

    Args:
        history: a row for each epoch from the first, see `widgets.curves.Row`.
        steps: characters that can be correct.
        epoch: that is shown.
    """
    gap, negative_epoch = max((row[1] - row[2], -number) for number, row in enumerate(history, 1))  # the first
    widest, look = -negative_epoch, ""
    if gap > 0 and widest != epoch:
        look = (
            f' The widest gap: <button type="button" class="look" data-epoch="{widest}">look at epoch {widest}</button>'
        )
    return html.caption(f"<b>Epoch {epoch}.</b> {_shows(history, steps, epoch)}{look}")
