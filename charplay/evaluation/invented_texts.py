"""How good a conditional language model is: bits per character, and what a classifier makes of the texts it invents."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any

import torch
from torch import nn

from charplay.data.batches import order_by_length, pad
from charplay.data.datasets import NameRows
from charplay.data.vocabulary import ASCII, END_OF_TEXT, PAD, Vocabulary
from charplay.models.networks import ConditionalCharLM
from charplay.models.ngram_language_model import NgramLanguageModel

BATCH_SIZE = 512  # texts
NGRAM_ORDER = 4  # of the baseline: the best of 2 to 8 on the test names
MIN_FOUND = 0.85  # recall of a class by the classifier from which on invented texts can be judged by it


@torch.no_grad()
def bits_of(
    model: ConditionalCharLM, classes: Sequence[str], rows: NameRows, vocabulary: Vocabulary = ASCII
) -> list[float]:
    """-log2 p of each text and its end, given its class."""
    texts = [text + END_OF_TEXT for text, _ in rows]
    order, device = order_by_length(texts), next(model.parameters()).device
    bits = [0.0] * len(rows)
    for start in range(0, len(order), BATCH_SIZE):
        batch = order[start : start + BATCH_SIZE]
        codes = pad([texts[row] for row in batch], vocabulary=vocabulary).codes.to(device)  # (batch, time)
        labels = torch.tensor([classes.index(rows[row][1]) for row in batch], device=device)
        logits, _ = model(codes[:, :-1], nn.functional.one_hot(labels, len(classes)).float())
        losses = nn.functional.cross_entropy(logits.flatten(0, 1).float(), codes.flatten(), reduction="none")
        summed = (losses.view(codes.shape) * (codes != PAD)).sum(1) / math.log(2)
        for row, value in zip(batch, summed.tolist(), strict=True):
            bits[row] = value
    return bits


def bits_per_character(
    model: ConditionalCharLM, classes: Sequence[str], rows: NameRows, vocabulary: Vocabulary = ASCII
) -> float:
    """The mean of -log2 p over all characters of `rows` and their ends, each given its class."""
    return per_character(bits_of(model, classes, rows, vocabulary), rows)


def per_character(bits: Sequence[float], rows: Sequence[tuple[str, str]]) -> float:
    """The mean over all characters of texts and their ends, from the bits of each text."""
    return sum(bits) / sum(len(text) + len(END_OF_TEXT) for text, _ in rows)


def ngram_bits(train: NameRows, test: NameRows, characters: int) -> list[float]:
    """The bits of each test text by n-grams of the training texts of its class."""
    labels = {label for _, label in test}
    models = {
        label: NgramLanguageModel((text for text, each in train if each == label), NGRAM_ORDER, characters)
        for label in labels
    }
    return [models[label].bits(text) for text, label in test]


def describe_texts(
    texts: Sequence[str], label: str, known: Collection[str], predict: Callable[[Sequence[str]], Sequence[str]]
) -> dict[str, float]:
    """Of texts of one class, the shares that the classifier takes for it, that are known, and that occur again."""
    return {
        "taken_for_class": sum(each == label for each in predict(texts)) / len(texts),
        "in_training": sum(text in known for text in texts) / len(texts),
        "doubles": 1 - len(set(texts)) / len(texts),
    }


def evaluate_invented(
    bits: tuple[Sequence[float], Sequence[float]],
    invented: dict[str, list[str]],
    test: NameRows,
    known: Collection[str],
    predict: Callable[[Sequence[str]], Sequence[str]],
) -> dict[str, Any]:
    """The figures of a conditional model, and beside them those of the real test texts.

    Args:
        bits: of each test text, by the model and by the n-grams.
        invented: class -> texts.
        test: rows that were not trained on, of every class.
        known: the training texts.
        predict: the classifier: texts -> the likeliest class of each.

    Returns:
        bits_per_character and ngram_bits_per_character over all test texts; taken_for_class, the mean over the classes
        of whose test texts the classifier finds `MIN_FOUND`; in_training and doubles, the means over all classes;
        "test", these three of the test texts; and "classes" with all of them for each.
    """
    classes: dict[str, Any] = {}
    for label, texts in invented.items():
        rows = [number for number, (_, each) in enumerate(test) if each == label]
        own = [test[row] for row in rows]
        classes[label] = {
            **{
                key: per_character([values[row] for row in rows], own)
                for key, values in zip(("bits_per_character", "ngram_bits_per_character"), bits, strict=True)
            },
            **describe_texts(texts, label, known, predict),
            "test": describe_texts([text for text, _ in own], label, known, predict),
        }
    found = [each for each in classes.values() if each["test"]["taken_for_class"] >= MIN_FOUND]

    def means(of: Callable[[dict[str, Any]], dict[str, float]]) -> dict[str, float | None]:
        return {
            "taken_for_class": _mean([of(each)["taken_for_class"] for each in found]),
            "in_training": _mean([of(each)["in_training"] for each in classes.values()]),
            "doubles": _mean([of(each)["doubles"] for each in classes.values()]),
        }

    return {
        "bits_per_character": per_character(bits[0], test),
        "ngram_bits_per_character": per_character(bits[1], test),
        **means(lambda each: each),
        "test": means(lambda each: each["test"]),
        "classes": classes,
    }


def _mean(values: Sequence[float]) -> float | None:
    return sum(values) / len(values) if values else None
