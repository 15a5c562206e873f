"""Answers that a language model computes."""

from charplay.data.input_text import read_prime
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.interpret.surprisal import candidates_at
from charplay.lesson.answer import Answer, percent
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM

_OFFERED = 5  # likeliest characters that can be chosen from
_SIGNS = {" ": "a space", "\n": "a line end"}


def next_character(checkpoint: Checkpoint[CharLM], prime: str) -> Answer:
    """The likeliest character after a text."""
    text = read_prime(prime, checkpoint.vocabulary)
    found = candidates_at(checkpoint, text, len(text), 1)
    (first, probability), (second, second_probability), *_ = zip(
        found["characters"], found["probabilities"], strict=True
    )
    offered = sorted(found["characters"][:_OFFERED], key=lambda character: (character.lower(), character))
    facts = {
        "probability": percent(probability),
        "second": _visible(second),
        "second_probability": percent(second_probability),
    }
    return Answer(_visible(first), facts, tuple(map(_visible, offered)))


def _visible(character: str) -> str:
    return _SIGNS.get(character, character)


def text_at_temperature(
    checkpoint: Checkpoint[CharLM],
    prime: str,
    temperature: float,
    temperatures: list[float],
    length: int,
    seed: int,
) -> Answer:
    """Which of several continuations of one prime was sampled at a temperature."""
    if temperature not in temperatures:
        raise ValueError("The temperature must be one of the temperatures.")
    requests = [make_request(prime, each, length, seed=seed, vocabulary=checkpoint.vocabulary) for each in temperatures]
    texts = [request.prime + text for request, text in zip(requests, generate(checkpoint, requests), strict=True)]
    shown = [text.replace("\n", "↵") for text in texts]
    return Answer(
        shown[temperatures.index(temperature)],
        {"temperature": f"{temperature:g}"},
        tuple(sorted(set(shown))),
    )
