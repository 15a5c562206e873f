"""Which single numbers of a language model's hidden state track something that a reader knows of, too. No view here.

After Karpathy, Johnson and Fei-Fei (2015), Visualizing and Understanding Recurrent Networks: some units are on inside
quotes, some count along the line. They were found by eye; here by correlation, over all units, on the text at hand.
"""

import re
from collections.abc import Callable
from typing import TypedDict

import numpy as np
import torch

from charplay import limits
from charplay.data.text import encode
from charplay.inference.long_text import cached_forward_pass, check_document
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM

MIN_CORRELATION = 0.5  # correlation, below which nothing is claimed
MIN_RECURRENCES = 3  # times that a feature must have come and gone in each half of a text to be claimed
MIN_VARIANCE_PRODUCT = 1e-9  # a sum of squares, times another, of what has never changed


class Tracker(TypedDict):
    """A unit that tracks something on the text that was read."""

    feature: str  # what it tracks
    layer: int  # from 1, the one that reads the characters
    unit: int  # from 0
    correlation: float  # Pearson's, over the text; negative where the unit is low when the feature is there


def _inside_quotes(text: str, codes: np.ndarray) -> np.ndarray:
    """1 from an opening quotation mark up to its closing one; a paragraph that ends closes what was left open."""
    inside, marks = False, np.zeros(len(text))
    for at, character in enumerate(text):
        inside = character != "\n" and inside ^ (character == '"')
        marks[at] = inside
    return marks


def _since(is_start: np.ndarray) -> np.ndarray:
    """At each character, how many came after the last one that `is_start`; before the first, how many came at all."""
    steps = np.arange(len(is_start))
    return steps - np.maximum.accumulate(np.where(is_start, steps, 0))


def _after(pattern: str) -> Callable[[str, np.ndarray], np.ndarray]:
    """1 at the characters of the group in each match of `pattern`."""

    def mark(text: str, codes: np.ndarray) -> np.ndarray:
        marks = np.zeros(len(text))
        for match in re.finditer(pattern, text):
            marks[match.start(1) : match.end(1)] = 1
        return marks

    return mark


def _among(characters: str) -> Callable[[str, np.ndarray], np.ndarray]:
    known = encode(characters).numpy()
    return lambda text, codes: np.isin(codes, known).astype(float)


_CAPITALS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_LETTERS = _CAPITALS + _CAPITALS.lower() + "'"

# what it is called -> a function of the text and its codes (time,) to a number for each character (time,)
FEATURES: dict[str, Callable[[str, np.ndarray], np.ndarray]] = {
    "inside quotes": _inside_quotes,
    "after a full stop": _after(r"[.!?][\"')]*(\s+)"),
    "position in the line": lambda text, codes: _since(codes == ord("\n")),
    "position in the sentence": lambda text, codes: _since(np.isin(codes, encode(".!?\n").numpy())),
    "position in the word": lambda text, codes: _since(~np.isin(codes, encode(_LETTERS).numpy())),
    "capitals": _among(_CAPITALS),
    "vowels": _among("aeiouAEIOU"),
    "blanks": _among(" \n"),
    "commas": _among(","),
    "digits": _among("0123456789"),
}


def features(text: str) -> dict[str, np.ndarray]:
    """What can be tracked on `text`, a number for each character (time,)."""
    codes = encode(text).numpy()
    return {name: np.asarray(measure(text, codes), dtype=np.float64) for name, measure in FEATURES.items()}


def correlations(features: np.ndarray, hidden: torch.Tensor) -> np.ndarray:
    """Pearson's correlation of each feature with each unit, over a text and over each half of it; 0 where one is still.

    Args:
        features: (features, time).
        hidden: (time, units).

    Returns:
        (3, features, units), each -1 to 1: of the whole, of the first half, of the second.
    """
    # Both are centred first: sums of squares of numbers that hardly differ would lose what differs.
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
    """Whether a feature falls off often enough in each half of a text."""
    middle = len(marks) // 2
    return all((np.diff(part) < 0).sum() >= MIN_RECURRENCES for part in (marks[:middle], marks[middle:]))


def trackers(checkpoint: Checkpoint[CharLM], text: object) -> list[Tracker]:
    """For each feature the unit that tracks it best on `text`, those that do; the strongest first.

    Among a thousand units some follow anything by chance over a few characters, and whatever drifts follows a line that
    does not end. So one is claimed only where its correlation is at least 0.5, in one direction, over the whole text
    and over each half of it, and where what it follows comes and goes in each half.

    Raises:
        ValueError: it is no text that can be read.
    """
    text = check_document(text)
    measured = {name: marks for name, marks in features(text).items() if _recurs(marks)}
    if not measured:
        return []
    best: dict[str, Tracker] = {}
    for layer, hidden in enumerate(cached_forward_pass(checkpoint.model, text).hidden, 1):
        whole, first, second = correlations(np.stack([*measured.values()]), hidden)
        weakest = np.stack([np.abs(whole), np.sign(whole) * first, np.sign(whole) * second]).min(0)
        for name, row in zip(measured, np.where(weakest >= MIN_CORRELATION, whole, 0.0), strict=True):
            unit = int(np.abs(row).argmax())
            if abs(row[unit]) > abs(best[name]["correlation"] if name in best else 0.0):
                best[name] = Tracker(feature=name, layer=layer, unit=unit, correlation=float(row[unit]))
    return sorted(best.values(), key=lambda tracker: -abs(tracker["correlation"]))


def activation(checkpoint: Checkpoint[CharLM], text: object, layer: object, unit: object) -> list[float]:
    """One number of a layer's hidden state h after each character of `text`, -1 to 1, to 0.0005.

    Args:
        checkpoint: a language model.
        text: of ASCII characters.
        layer: from 1.
        unit: from 0.

    Raises:
        ValueError: it is no text that can be read, or the model has no such unit.
    """
    text, config = check_document(text), checkpoint.config
    layer = limits.Limit("layer", 1, config.layers).check(layer)
    unit = limits.Limit("unit", 0, config.hidden_size - 1).check(unit)
    return [
        round(value, 4) for value in cached_forward_pass(checkpoint.model, text).hidden[layer - 1, :, unit].tolist()
    ]
