"""A text as a conditional model writes it: before each letter the likeliest, and the state that they follow from."""

from collections.abc import Sequence
from typing import TypedDict

import torch

from charplay import limits
from charplay.data.vocabulary import END_OF_TEXT
from charplay.inference.classify import STATE_DECIMALS
from charplay.inference.sampling import inverse_temperature
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import STATE_UNITS, ConditionalCharLM

MAX_LETTERS = 10  # likeliest letters of a step


class WritingStep(TypedDict):
    """One letter of a text, or its end."""

    likeliest: list[tuple[str, float]]  # characters and their probabilities at the temperature, the likeliest first
    state: list[float]  # first numbers of the hidden state that the letter was sampled from


@torch.no_grad()
def writing_steps(
    checkpoint: Checkpoint[ConditionalCharLM], text: object, mixture: Sequence[float], temperature: object
) -> list[WritingStep]:
    """The steps of a text and of its end: one more than it has characters.

    Args:
        checkpoint: of a conditional model.
        text: of the vocabulary's characters.
        mixture: the weights of the classes that it was written for, as of a `Request`.
        temperature: that the letters were sampled at.

    Raises:
        ValueError: an argument is out of bounds.
    """
    text = limits.check_text("name", text, limits.MAX_INVENTED_CHARACTERS)
    temperature = limits.TEMPERATURE.check(temperature)
    weights = torch.tensor([mixture], dtype=torch.float32)
    if weights.shape != (1, len(checkpoint.classes)) or not weights.isfinite().all():
        raise ValueError("Give the weight of each class.")
    model, vocabulary = checkpoint.model, checkpoint.vocabulary
    outputs, _ = model.rnn(model.embed(vocabulary.encode(text)[None], weights))  # (1, 1 + time, hidden)
    logits = (model.linear(outputs[0]) + checkpoint.sampling_mask()).double()
    logits[0, vocabulary.code_of(END_OF_TEXT)] = -torch.inf  # a text has a first letter
    shares, codes = (
        (logits * inverse_temperature(temperature)).softmax(1).topk(min(MAX_LETTERS, vocabulary.size), dim=1)
    )
    return [
        WritingStep(
            likeliest=[(vocabulary.characters[code], share) for code, share in zip(*each, strict=True)],
            state=[round(value, STATE_DECIMALS) for value in state],
        )
        for *each, state in zip(codes.tolist(), shares.tolist(), outputs[0, :, :STATE_UNITS].tolist(), strict=True)
    ]
