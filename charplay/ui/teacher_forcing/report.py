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
    return f"<code>{''.join(pieces)}</code> <b>{correct} of {len(truth)}</b> right"


def decoder_html(name: str, title: str, target: str, decoder: dict[str, Any], loss: float) -> str:
    """One decoder at one epoch: its figure, and what it predicts teacher-forced as in training and free-running.

    Args:
        name: of this figure, see `unrolled_svg`.
        title: of the decoder.
        target: the text that is learnt.
        decoder: as `unrolled_svg` takes it, and "free_running", what it predicts then.
        loss: nats.
    """
    truth = target[1:]
    cut = f" · the first {MAX_STEPS} of {len(truth)} steps are drawn" if len(truth) > MAX_STEPS else ""
    predictions = (
        ("as trained", prediction_html(decoder["predictions"], truth)),
        ("alone", prediction_html(decoder["free_running"], truth)),
    )
    return (
        html.caption(f'<b>{title}</b> · loss {loss:.3f}<span class="note">{cut}</span>')
        + unrolled_svg(name, target, decoder)
        + html.facts(predictions, classes="decoded")
    )


def verdict(history: Sequence[Sequence[float]], steps: int) -> str:
    """The epoch at which free-running was furthest behind teacher-forced, and when each decoder was first all correct.

    Args:
        history: a row for each epoch, see `widgets.curves.Row`.
        steps: characters that can be correct.
    """
    gap, negative_epoch = max((row[1] - row[2], -epoch) for epoch, row in enumerate(history, 1))  # the first of equals
    if gap:
        epoch = -negative_epoch
        forced, free_running = history[epoch - 1][1:3]
        advice = (
            f"Look at epoch {epoch}: fed the true text, the first decoder had <b>{forced} of {steps}</b> right, and "
            f"alone <b>{free_running}</b>: after its first mistake it reads what training never showed it."
        )
    else:
        advice = "Look at the lower curves: so far the first decoder is as good alone as it is fed the true text."
    first, second = (
        next((f"at epoch {epoch}" for epoch, row in enumerate(history, 1) if row[column] == steps), "not yet")
        for column in (2, 5)
    )
    return html.caption(
        f'<b>Epoch {len(history)}.</b> {advice} <span class="note">All right alone: the first {first}, '
        f"the second {second}.</span>"
    )
