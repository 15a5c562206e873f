"""Answers that a name classifier computes."""

import math
from dataclasses import replace

import torch

from charplay import limits
from charplay.data.batches import pad
from charplay.data.vocabulary import ASCII
from charplay.inference.classify import classify, read_text
from charplay.interpret.packing import normalize_names, read_batch
from charplay.interpret.prefixes import prefixes_of
from charplay.interpret.unmasked import compare_unmasked
from charplay.lesson.answer import Answer, percent
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import NameClassifier, NameClassifierConfig

_UNTRAINED = NameClassifierConfig("gru", 16, 32, 1, bidirectional=False, pooling=False)
_UNTRAINED_SEED = 1


def check_character(value: object) -> str:
    """Returns `value` if it is a character of printable ASCII.

    Raises:
        ValueError: it is not.
    """
    text = limits.check_text("character", value, 1)
    if not text or not " " <= text <= "~":
        raise ValueError("The character must be one of ASCII that can be seen.")
    return text


def code(_: Checkpoint, character: str) -> Answer:
    """The code that stands for a character."""
    return Answer(str(ASCII.code_of(character)), {"character": character})


@torch.no_grad()
def embedding_rows(checkpoint: Checkpoint[NameClassifier], name: str) -> Answer:
    """How many different rows of the embedding the letters of a name pick."""
    read = read_text(checkpoint, name)
    rows = checkpoint.model.embedding(pad([read], vocabulary=checkpoint.vocabulary).codes)[0]  # (letters, embedding)
    distinct = len(rows.unique(dim=0))
    return Answer(str(distinct), {"letters": str(len(read)), "size": str(rows.shape[1])})


def outputs(checkpoint: Checkpoint[NameClassifier], name: str) -> Answer:
    """How many probabilities come out for a name."""
    [result] = classify(checkpoint, [name])
    return Answer(str(len(result["probabilities"])), {"letters": str(len(result["normalized"]))})


def country(checkpoint: Checkpoint[NameClassifier], name: str) -> Answer:
    """The likeliest country of a name."""
    [result] = classify(checkpoint, [name])
    (first, probability), (second, second_probability), *_ = sorted(
        result["probabilities"].items(), key=lambda pair: pair[1], reverse=True
    )
    facts = {
        "probability": percent(probability),
        "second": second,
        "second_probability": percent(second_probability),
    }
    return Answer(first, facts, tuple(checkpoint.classes))


def deciding_prefix(checkpoint: Checkpoint[NameClassifier], name: str) -> Answer:
    """The shortest prefix of a name from which on its likeliest country stays the same."""
    prefixes = prefixes_of(checkpoint, name)
    results = classify(checkpoint, prefixes, are_read=True)
    last = results[-1]["country"]
    others = [index for index, each in enumerate(results) if each["country"] != last]
    first = others[-1] + 1 if others else 0
    facts = {"country": last, "probability": percent(results[first]["probabilities"][last])}
    return Answer(prefixes[first], facts, tuple(prefixes))


def pads(_: Checkpoint, names: list[str]) -> Answer:
    """How many cells of the padded rectangle of a batch are pads."""
    padded = read_batch(names, True).padded
    cells = padded.codes.numel()
    facts = {
        "cells": str(cells),
        "longest": str(padded.codes.shape[1]),
        "share": percent(padded.padding_fraction),
    }
    return Answer(str(cells - int(padded.lengths.sum())), facts)


def unmasked_country(checkpoint: Checkpoint[NameClassifier], name: str, names: list[str]) -> Answer:
    """The likeliest country of a name of a batch if its pads are read too."""
    batch = normalize_names(names, checkpoint.vocabulary)
    [read] = normalize_names([name], checkpoint.vocabulary)
    if read not in batch:
        raise ValueError("The name must be one of the names.")
    time = max(map(len, batch))
    [compared] = compare_unmasked(checkpoint, [read], time)
    facts = {
        "packed": compared["country"],
        "packed_probability": percent(compared["probability"]),
        "probability": percent(compared["naive_probability"]),
        "pads": str(time - len(read)),
    }
    return Answer(compared["naive_country"], facts, tuple(checkpoint.classes))


@torch.no_grad()
def untrained_loss(checkpoint: Checkpoint[NameClassifier], labels: int) -> Answer:
    """The mean cross-entropy, in nats, of a network that has not been trained, over its labels."""
    with torch.random.fork_rng():
        torch.manual_seed(_UNTRAINED_SEED)
        network = NameClassifier(replace(_UNTRAINED, classes=labels)).eval()
    padded = pad(list(checkpoint.classes), vocabulary=ASCII)  # words for a text: it knows none
    losses = -network(padded.codes, padded.lengths).log_softmax(1)  # (words, labels)
    return Answer(f"{losses.mean().item():.1f}", {"uniform": f"{math.log(labels):.2f}"})
