"""Baselines that a model has to beat, without a neural network, and an oracle that none can.

Names: the commonest country, a look-up in the training rows, naive Bayes on letter n-grams, and logistic regression on
them. Speech: uniform over the characters, unigram, and an interpolated 5-gram.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import torch

from charplay.data.datasets import NameRows
from charplay.data.vocabulary import ASCII
from charplay.evaluation.metrics import confusion_matrix, score_predictions
from charplay.models.ngrams import NgramClassifier, ngrams_of

NAIVE_BAYES_ORDER = 4  # letters of the longest n-gram
SMOOTHING = 0.1  # added to every count of naive Bayes
TEXT_ORDER = 5  # characters of an n-gram of text, the predicted one included


Guess = Callable[[Sequence[str]], list[str]]  # names -> the country of each


def _commonest(train: NameRows) -> Guess:
    country = Counter(country for _, country in train).most_common(1)[0][0]
    return lambda names: [country] * len(names)


def _look_up(train: NameRows) -> Guess:
    countries: dict[str, Counter] = {}
    for name, country in train:
        countries.setdefault(name, Counter())[country] += 1
    otherwise = Counter(country for _, country in train)
    return lambda names: [countries.get(name, otherwise).most_common(1)[0][0] for name in names]


def _naive_bayes(train: NameRows) -> Guess:
    """Multinomial naive Bayes: log p(country) + the sum over n-grams of log p(n-gram | country)."""
    classes = sorted({country for _, country in train})
    rows = torch.zeros(len(classes))
    vocabulary: dict[str, int] = {}
    seen: Counter[tuple[int, int]] = Counter()
    for name, country in train:
        column = classes.index(country)
        rows[column] += 1
        for gram in ngrams_of(name, NAIVE_BAYES_ORDER):
            seen[vocabulary.setdefault(gram, len(vocabulary)), column] += 1
    counts = torch.full((len(vocabulary), len(classes)), SMOOTHING)
    for (row, column), count in seen.items():
        counts[row, column] += count
    log_likelihoods = (counts / counts.sum(0)).log()  # (n-grams, classes)
    log_shares = (rows / rows.sum()).log()

    def guess(name: str) -> str:
        known = [vocabulary[gram] for gram in ngrams_of(name, NAIVE_BAYES_ORDER) if gram in vocabulary]
        return classes[int((log_shares + log_likelihoods[known].sum(0)).argmax())]

    return lambda names: [guess(name) for name in names]


def _logistic_regression(train: NameRows) -> Guess:
    classes = sorted({country for _, country in train})
    classifier = NgramClassifier(train, classes)
    return lambda names: [classes[best] for best in classifier.logits(names).argmax(1).tolist()]


NAME_BASELINES = {
    "commonest country": _commonest,
    "look-up": _look_up,
    "naive Bayes": _naive_bayes,
    "logistic regression": _logistic_regression,
}


def names_baselines(
    train: NameRows, test: NameRows, classes: Sequence[str]
) -> dict[str, dict[str, float | int | None]]:
    """The name baselines, fitted on `train`, on `test`: {baseline: {"n", "accuracy", "macro_f1", ...}}."""
    known = {name for name, _ in train}
    truth = torch.tensor([classes.index(country) for _, country in test])
    unseen = torch.tensor([name not in known for name, _ in test])
    measured = {}
    for label, fit in NAME_BASELINES.items():
        guess = fit(train)
        guesses = torch.tensor([classes.index(country) for country in guess([name for name, _ in test])])
        measured[label] = score_predictions(truth, guesses, len(classes), unseen)
    return measured


def oracle(train: NameRows, test: NameRows, classes: Sequence[str], is_uniform: bool = False) -> dict[str, Any]:
    """What is left to the best classifier of names: it knows how often each name has each class, `test` included.

    It gives a name the class that it has most often, of equals the one with most rows; a name that has several is wrong
    for the others.

    Args:
        train, test: all rows that there are.
        classes: their order.
        is_uniform: every class counts the same, as if it had as many rows as any other.

    Returns:
        What `score_predictions` gives on `test`, and recall, a number for each class (0 where it has no row).
    """
    known = {name for name, _ in train}
    weights = Counter(country for _, country in [*train, *test])
    countries: dict[str, Counter[str]] = {}
    for name, country in [*train, *test]:
        countries.setdefault(name, Counter())[country] += 1

    def guess(name: str) -> str:
        counts = countries[name]
        share = {country: counts[country] / (weights[country] if is_uniform else 1) for country in counts}
        return max(share, key=lambda country: (share[country], weights[country]))

    truth = torch.tensor([classes.index(country) for _, country in test])
    guesses = torch.tensor([classes.index(guess(name)) for name, _ in test])
    confusion = confusion_matrix(truth, guesses, len(classes))
    unseen = torch.tensor([name not in known for name, _ in test])
    recall = confusion.diag() / confusion.sum(1).clamp(min=1)
    return score_predictions(truth, guesses, len(classes), unseen) | {"recall": recall.tolist()}


def speech_baselines(train: str, test: str) -> dict[str, dict[str, float]]:
    """Bits per character of `test` for n-gram models fitted on `train`: {baseline: {"bits_per_character"}}.

    All but the first character are predicted, as by the networks. The 5-gram interpolates each order with the shorter
    ones after Witten and Bell (1991): p(c | h) = (n(h c) + t(h) p(c | shorter h)) / (n(h) + t(h)), where t(h) is the
    number of distinct characters seen after h.
    """
    known, text = ASCII.encode(train), ASCII.encode(test)
    alphabet = len(torch.cat([known, text[1:]]).unique())
    probabilities = torch.full((len(text) - 1,), 1 / alphabet, dtype=torch.float64)
    reached = {"uniform": probabilities}
    for order in range(1, TEXT_ORDER + 1):
        probabilities = _interpolate(known, text, order, probabilities)
        reached[{1: "unigram"}.get(order, f"{order}-gram")] = probabilities
    shown = ("uniform", "unigram", f"{TEXT_ORDER}-gram")
    return {label: {"bits_per_character": -(reached[label].log2().mean().item())} for label in shown}


def _interpolate(known: torch.Tensor, text: torch.Tensor, order: int, shorter: torch.Tensor) -> torch.Tensor:
    """p(character | the order - 1 before it) of text[1:], from counts in `known` and the `shorter` order's p."""
    ngrams, counts = _windows(known, order).unique(return_counts=True)  # sorted
    histories, belongs = (ngrams // ASCII.size).unique(return_inverse=True)
    totals = torch.zeros(len(histories), dtype=torch.int64).index_add_(0, belongs, counts)  # n(h)
    kinds = belongs.bincount(minlength=len(histories))  # t(h)
    wanted = _windows(text, order)
    if order == 1:
        wanted = wanted[1:]  # nothing predicts the first character
    gram_counts = _find(ngrams, counts, wanted)
    wanted_histories = wanted // ASCII.size
    total, kind = _find(histories, totals, wanted_histories), _find(histories, kinds, wanted_histories)
    result = shorter.clone()  # the first characters have too short a history for this order
    tail = result[len(result) - len(wanted) :]
    seen = total > 0
    tail[seen] = ((gram_counts + kind * tail) / (total + kind))[seen]
    return result


def _windows(codes: torch.Tensor, size: int) -> torch.Tensor:
    """Every n-gram of `size` codes as one number, int64 (codes - size + 1,)."""
    if len(codes) < size:
        return codes.new_zeros(0)
    numbers = torch.zeros(len(codes) - size + 1, dtype=torch.int64)
    for at in range(size):
        numbers = numbers * ASCII.size + codes[at : at + len(numbers)]
    return numbers


def _find(keys: torch.Tensor, values: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
    """The value of each wanted key, float64 (wanted,); 0 for a key that is missing."""
    if not len(keys):
        return torch.zeros(len(wanted), dtype=torch.float64)
    at = torch.searchsorted(keys, wanted).clamp(max=len(keys) - 1)
    return torch.where(keys[at] == wanted, values[at], 0).double()
