"""Neurons: the single units of a language model's hidden state that track an interpretable feature of the text.

After Karpathy, Johnson and Fei-Fei (2015), Visualizing and Understanding Recurrent Networks: some units are on inside
quotes, some count along the line. They were found by eye;
here they are found by correlation, over all units, on the given text.
"""

import re
import unicodedata
from collections.abc import Callable
from typing import TypedDict

import numpy as np
import torch

from charplay import limits
from charplay.cancellation import check_cancelled
from charplay.inference.long_text import cached_forward_pass, check_document
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM

MIN_CORRELATION = 0.5  # of a unit with the feature it is said to track
MIN_RECURRENCES = 3  # ends of the feature in each half of the text, so that chance is unlikely
MIN_VARIANCE_PRODUCT = 1e-9  # of two sums of squares; below it one of the two is constant


class Tracker(TypedDict):
    """A unit that tracks a feature on a text."""

    feature: str  # one of `FEATURES`
    layer: int  # from 1, the one next to the embedding
    unit: int  # from 0
    correlation: float  # Pearson's, over the text; negative if the unit is low where the feature is present


def _inside_quotes(text: str) -> np.ndarray:
    """1 from an opening quotation mark up to its closing one; the end of a paragraph closes an open quotation."""
    inside, marks = False, np.zeros(len(text))
    for at, character in enumerate(text):
        inside = character != "\n" and inside ^ (character == '"')
        marks[at] = inside
    return marks


def _since(is_start: np.ndarray) -> np.ndarray:
    """The distance of each character from the last one that `is_start`, or from the start of the text."""
    steps = np.arange(len(is_start))
    return steps - np.maximum.accumulate(np.where(is_start, steps, 0))


def _after(pattern: str) -> Callable[[str], np.ndarray]:
    """1 at the characters of the first group of each match of `pattern`."""

    def mark(text: str) -> np.ndarray:
        marks = np.zeros(len(text))
        for match in re.finditer(pattern, text):
            marks[match.start(1) : match.end(1)] = 1
        return marks

    return mark


def _among(is_in: Callable[[str], bool]) -> Callable[[str], np.ndarray]:
    return lambda text: np.array([is_in(character) for character in text], dtype=float)


def _since_any(is_start: Callable[[str], bool]) -> Callable[[str], np.ndarray]:
    return lambda text: _since(_among(is_start)(text) > 0)


def _is_vowel(character: str) -> bool:
    """Of the Latin, Greek and Cyrillic letters, with or without an accent."""
    return unicodedata.normalize("NFD", character)[0].lower() in "aeiouαεηιουωаеиоуыэюяіє"


# feature -> function of the text, which gives a number for each character, (time,)
FEATURES: dict[str, Callable[[str], np.ndarray]] = {
    "inside quotes": _inside_quotes,
    "after a full stop": _after(r"[.!?][\"')]*(\s+)"),
    "position in the line": _since_any("\n".__eq__),
    "position in the sentence": _since_any(".!?\n…。！？؟".__contains__),
    "position in the word": _since_any(lambda character: not (character.isalpha() or character == "'")),
    "capitals": _among(str.isupper),
    "vowels": _among(_is_vowel),
    "spaces": _among(" \n".__contains__),
    "commas": _among(",،、，".__contains__),
    "digits": _among(str.isdecimal),
}


def features(text: str) -> dict[str, np.ndarray]:
    """Every feature of `text`, a number for each character, (time,)."""
    return {name: np.asarray(measure(text), dtype=np.float64) for name, measure in FEATURES.items()}


def correlations(features: np.ndarray, hidden: torch.Tensor) -> np.ndarray:
    """Pearson's correlation of each feature with each unit, over a text and each half of it; 0 where one is constant.

    Args:
        features: (features, time).
        hidden: (time, units).

    Returns:
        (3, features, units), each -1 to 1: of the whole, of the first half, of the second.
    """
    # Both are centred first: float32 sums of squares of almost equal numbers would cancel.
    x = torch.from_numpy(features)
    x = (x - x.mean(1, keepdim=True)).float()
    y = hidden.float()
    y -= y.mean(0, dtype=torch.float64)
    middle, halves = len(y) // 2, []
    for part in (slice(None, middle), slice(middle, None)):
        x_part, y_part = x[:, part], y[part]
        sums = (x_part @ y_part, x_part.sum(1), y_part.sum(0), x_part.square().sum(1), y_part.square().sum(0))
        halves.append((y_part.shape[0], *(each.double().numpy() for each in sums)))
    whole = [first + second for first, second in zip(*halves, strict=True)]
    return np.stack([_pearson(*sums) for sums in (whole, *halves)])


def _pearson(n: int, xy: np.ndarray, x: np.ndarray, y: np.ndarray, xx: np.ndarray, yy: np.ndarray) -> np.ndarray:
    """Correlations (features, units) from sums over `n` characters: of products, of values, of their squares."""
    n = max(n, 1)
    squares = np.maximum(xx - x**2 / n, 0)[:, None] * np.maximum(yy - y**2 / n, 0)
    return np.divide(
        xy - np.outer(x, y) / n, np.sqrt(squares), out=np.zeros_like(xy), where=squares > MIN_VARIANCE_PRODUCT
    )


def _recurs(marks: np.ndarray) -> bool:
    """Whether a feature ends often enough in each half of a text."""
    middle = len(marks) // 2
    return all((np.diff(part) < 0).sum() >= MIN_RECURRENCES for part in (marks[:middle], marks[middle:]))


def trackers(checkpoint: Checkpoint[CharLM], text: object) -> list[Tracker]:
    """For each feature the unit that tracks it best on `text`, if one does; the strongest first.

    Among a thousand units some correlate with anything by chance over a few characters, and any that drifts correlates
    with the position in an endless line. So the correlation must be at least 0.5, with one sign, over the whole text
    and each half of it, and the feature must recur in each half.

    Raises:
        ValueError: `text` is not acceptable; the sentence says why.
    """
    text = check_document(text, checkpoint.vocabulary)
    measured = {name: marks for name, marks in features(text).items() if _recurs(marks)}
    if not measured:
        return []
    best: dict[str, Tracker] = {}
    for layer, hidden in enumerate(cached_forward_pass(checkpoint.model, text, checkpoint.vocabulary).hidden, 1):
        check_cancelled()
        whole, first, second = correlations(np.stack([*measured.values()]), hidden)
        weakest = np.stack([np.abs(whole), np.sign(whole) * first, np.sign(whole) * second]).min(0)
        for name, row in zip(measured, np.where(weakest >= MIN_CORRELATION, whole, 0.0), strict=True):
            unit = int(np.abs(row).argmax())
            if abs(row[unit]) > abs(best[name]["correlation"] if name in best else 0.0):
                best[name] = Tracker(feature=name, layer=layer, unit=unit, correlation=float(row[unit]))
    return sorted(best.values(), key=lambda tracker: -abs(tracker["correlation"]))


def activation(checkpoint: Checkpoint[CharLM], text: object, layer: object, unit: object) -> list[float]:
    """One unit of a layer's hidden state h after each character of `text`, -1 to 1, rounded to 4 decimals.

    Args:
        checkpoint: a language model.
        text: as the network reads it.
        layer: from 1.
        unit: from 0.

    Raises:
        ValueError: `text` is not acceptable, or the model has no such unit.
    """
    text, config = check_document(text, checkpoint.vocabulary), checkpoint.config
    layer = limits.Limit("layer", 1, config.layers).check(layer)
    unit = limits.Limit("unit", 0, config.hidden_size - 1).check(unit)
    hidden = cached_forward_pass(checkpoint.model, text, checkpoint.vocabulary).hidden
    return [round(value, 4) for value in hidden[layer - 1, :, unit].tolist()]
