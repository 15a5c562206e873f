"""What a prediction leans on: how much each earlier character counts for one character of a text.

Two methods, as `attribution` has them for a name. Leave-one-out reads the text without the character: exact, and in
bits. The gradient norm at the character's embedding ("saliency", Simonyan et al. 2014) says how fast the prediction
changes, for small changes only. Both fade with the distance as the network forgets (Khandelwal et al. 2018, "Sharp
Nearby, Fuzzy Far Away").
"""

import math
from typing import TypedDict

import torch

from charplay import limits
from charplay.cancellation import check_cancelled
from charplay.inference.long_text import check_document
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM, State

MAX_CHARACTERS = 200  # before the predicted one that are looked at
MAX_CONTEXT = 800  # characters before those, which only set the state
DECIMALS = 5


class Influence(TypedDict):
    """How much each of the characters before a position counts for what is predicted there."""

    predicted: str  # the character of the text there; at the text's end the likeliest
    bits: float  # its surprisal
    first: int  # index of the first character that is looked at
    # An entry for each character from `first` on.
    changes: list[float]  # of the surprisal, in bits, without it: positive where it makes the prediction likelier
    gradients: list[float]  # norm of the gradient of the log-probability (nats) at its embedding


def influence_on(checkpoint: Checkpoint[CharLM], text: object, at: object) -> Influence:
    """The influence of the last characters before position `at` on the prediction there.

    Args:
        checkpoint: a language model.
        text: as the network reads it.
        at: from 1, since the first character is not predicted, to the text's length: the character that would follow.

    Raises:
        ValueError: one of them is out of bounds.
    """
    model, vocabulary = checkpoint.model, checkpoint.vocabulary
    text = check_document(text, vocabulary)
    at = limits.Limit("position", 1, len(text)).check(at)
    first = max(at - MAX_CHARACTERS, 0)
    codes = vocabulary.encode(text[max(first - MAX_CONTEXT, 0) : at])
    context, read = codes[: len(codes) - (at - first)], codes[len(codes) - (at - first) :]
    with torch.no_grad():
        state = model(context[None])[1] if len(context) else None
    embedded = model.embedding(read)[None].detach().requires_grad_()
    with torch.enable_grad():
        logs = _log_probabilities(model, embedded, state)
        target = vocabulary.code_of(text[at]) if at < len(text) else int(logs[0].argmax())
        log = logs[0, target]
        [gradient] = torch.autograd.grad(log, embedded)
    check_cancelled()
    without = _without_each(model, embedded.detach()[0], state)[:, target]
    return Influence(
        predicted=vocabulary.characters[target],
        bits=-log.item() / math.log(2),
        first=first,
        changes=[round(each, DECIMALS) for each in ((log.detach() - without) / math.log(2)).tolist()],
        gradients=[round(each, DECIMALS) for each in gradient[0].norm(dim=1).tolist()],
    )


def _log_probabilities(model: CharLM, embedded: torch.Tensor, state: State | None) -> torch.Tensor:
    """Embedded characters (batch, time, embedding) -> log-probabilities (batch, vocabulary) of the next one."""
    out, _ = model.rnn(embedded, state)
    return model.linear(out[:, -1]).log_softmax(1)


@torch.inference_mode()
def _without_each(model: CharLM, embedded: torch.Tensor, state: State | None) -> torch.Tensor:
    """Log-probabilities (time, vocabulary) of the next character, each without one of the characters.

    Up to the one that is left out a row is the text itself: the rows start one by one from the text's own state.

    Args:
        model: a language model.
        embedded: the characters, (time, embedding).
        state: before them; None: zero.
    """
    is_lstm = isinstance(model.rnn, torch.nn.LSTM)
    # (layers, rows, hidden) each: the text itself, then the texts that each leave out one of the characters read so far
    parts = [embedded.new_zeros(model.rnn.num_layers, 1, model.rnn.hidden_size)] * (2 if is_lstm else 1)
    if state is not None:
        parts = list(state) if isinstance(state, tuple) else [state]
    for row in embedded:
        check_cancelled()
        before = [part[:, :1] for part in parts]  # the state of the text without this character, after it
        _, after = model.rnn(row.expand(parts[0].shape[1], 1, -1), tuple(parts) if is_lstm else parts[0])
        parts = [torch.cat(pair, 1) for pair in zip(after if is_lstm else [after], before, strict=True)]
    # The topmost h is the output: also that of the row without the last character, which ends before it.
    return model.linear(parts[0][-1, 1:]).log_softmax(1)
