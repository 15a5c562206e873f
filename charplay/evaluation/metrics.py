"""Accuracy, macro-F1 and bits per character: how good a model is, by the protocol of the data.

Names: train on the 13,374 rows, report on the 6,700 once: accuracy, macro-F1 over the countries, and accuracy on
the rows whose name is not in train. Speech: join the speeches of a split with an empty line, run once from a zero
state over the whole, teacher-forced, and report the mean of -log2 p(next character).
"""

import csv
import io
import math
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from charplay.cancellation import check_cancelled
from charplay.data.datasets import NameRows
from charplay.data.text import normalize_name
from charplay.data.vocabulary import ASCII, Vocabulary
from charplay.evaluation.calibration import calibration_error, reliability
from charplay.inference.classify import logits_of, remove_prior
from charplay.inference.quantized import QuantizedStep
from charplay.inference.quantized import State as QuantizedState
from charplay.models.networks import CharLM, NameClassifier

CHUNK_CHARACTERS = 4096  # of one call of a language model; the hidden state is carried over


def macro_f1(confusion: torch.Tensor) -> float:
    """The mean over the classes of F1 = 2 tp / (2 tp + fp + fn); a class without rows and predictions counts 0.

    Args:
        confusion: (classes, classes), rows by true class (down) and predicted class (across).
    """
    hits = confusion.diag().double()
    involved = (confusion.sum(0) + confusion.sum(1)).double()  # 2 tp + fp + fn
    return (2 * hits / involved.clamp(min=1)).mean().item()


def score_predictions(
    truth: torch.Tensor, guesses: torch.Tensor, classes: int, unseen: torch.Tensor | None
) -> dict[str, Any]:
    """Accuracy and macro-F1 of predictions, for models and baselines alike.

    Args:
        truth, guesses: int64 (rows,).
        classes: their number.
        unseen: bool (rows,), whether the name is not in train; None if that is not known.

    Returns:
        n, accuracy, macro_f1, unseen_n and unseen_accuracy (None without `unseen`).
    """
    correct = guesses == truth
    return {
        "n": len(truth),
        "accuracy": correct.double().mean().item(),
        "macro_f1": macro_f1(confusion_matrix(truth, guesses, classes)),
        "unseen_n": int(unseen.sum()) if unseen is not None else None,
        "unseen_accuracy": correct[unseen].double().mean().item() if unseen is not None and unseen.any() else None,
    }


def confusion_matrix(truth: torch.Tensor, guesses: torch.Tensor, classes: int) -> torch.Tensor:
    """The confusion matrix (classes, classes): rows by true class (down) and predicted class (across)."""
    return torch.bincount(truth * classes + guesses, minlength=classes * classes).view(classes, classes)


@torch.no_grad()
def evaluate_names(
    model: NameClassifier,
    classes: Sequence[str],
    rows: NameRows,
    known: Collection[str] | None = None,
    shares: Sequence[float] | None = None,
    engine: bool = False,
    vocabulary: Vocabulary = ASCII,
) -> dict[str, Any]:
    """Measures a name classifier on `rows`.

    Args:
        model: a `NameClassifier`.
        classes: the country of each logit.
        rows: (name, country), names as the network reads them.
        known: the names of the training rows; None without the data.
        shares: the class shares to divide out, for a uniform prior; None: as trained.
        engine: run the network as the page does, on 8-bit integers where they are faster.
        vocabulary: the model's.

    Returns:
        What `score_predictions` gives, and loss (mean nats), calibration_error, reliability (its bins) and
        confusion (lists: true classes down, guesses across).
    """
    truth = _truth(classes, rows)
    logits = logits_of(model, [name for name, _ in rows], engine, vocabulary)  # (rows, classes)
    if shares is not None:
        logits = remove_prior(logits, shares)
    guesses = logits.argmax(1)
    unseen = torch.tensor([name not in known for name, _ in rows]) if known is not None else None
    bins = reliability(logits.softmax(1), truth)
    return score_predictions(truth, guesses, len(classes), unseen) | {
        "loss": nn.functional.cross_entropy(logits, truth).item(),
        "calibration_error": calibration_error(bins),
        "reliability": bins,
        "confusion": confusion_matrix(truth, guesses, len(classes)).tolist(),
    }


def _truth(classes: Sequence[str], rows: NameRows) -> torch.Tensor:
    """The class index of each row's country, int64 (rows,)."""
    index = {country: number for number, country in enumerate(classes)}
    unknown = {country for _, country in rows} - set(index)
    if unknown:
        raise ValueError(f"The model has no class for {', '.join(sorted(unknown))}: it knows {', '.join(classes)}.")
    return torch.tensor([index[country] for _, country in rows])


@torch.no_grad()
def prefix_loss(
    model: NameClassifier,
    classes: Sequence[str],
    rows: NameRows,
    engine: bool = False,
    vocabulary: Vocabulary = ASCII,
) -> float:
    """Mean negative log-likelihood (nats) of the country over all prefixes of two letters and more of each name.

    The page classifies a name while it is being typed: this measures the predictions before it is complete.
    """
    prefixes = [(name[:end], country) for name, country in rows for end in range(2, len(name) + 1)]
    if not prefixes:
        raise ValueError("There is no name of two letters or more.")
    different = sorted({prefix for prefix, _ in prefixes})
    number = {prefix: row for row, prefix in enumerate(different)}
    log_probabilities = logits_of(model, different, engine, vocabulary).log_softmax(1)
    picked = torch.tensor([number[prefix] for prefix, _ in prefixes])
    return -log_probabilities[picked, _truth(classes, prefixes)].mean().item()


@torch.no_grad()
def evaluate_speech(
    model: CharLM, text: str, engine: bool = False, vocabulary: Vocabulary = ASCII
) -> dict[str, float | int]:
    """Measures a language model on `text`: {"characters", "bits_per_character"}; all but the first are predicted.

    Args:
        model: the network.
        text: as the network reads it, of two characters at least.
        engine: run the engine's quantized step, one character at a time.
        vocabulary: the model's.
    """
    vocabulary.check_size(model.config.vocabulary_size)
    if len(text) < 2:
        raise ValueError("The text needs at least two characters, one to read and one to predict.")
    codes = vocabulary.encode(text).to(next(model.parameters()).device)
    run = _step_by_step(QuantizedStep(model)) if engine else lambda inputs, state: model(inputs[None], state)
    bits, state = 0.0, None
    for inputs, targets in zip(codes[:-1].split(CHUNK_CHARACTERS), codes[1:].split(CHUNK_CHARACTERS), strict=True):
        check_cancelled()
        logits, state = run(inputs, state)  # (1, chunk, vocabulary)
        bits += nn.functional.cross_entropy(logits[0].float(), targets, reduction="sum").item() / math.log(2)
    return {"characters": len(text), "bits_per_character": bits / (len(text) - 1)}


def _step_by_step(quantized: QuantizedStep) -> Callable:
    """A quantized step with the interface of `CharLM`: codes (time,), state -> logits (1, time, vocabulary), state."""

    def run(codes: torch.Tensor, state: QuantizedState | None) -> tuple[torch.Tensor, QuantizedState]:
        rows, state = [], state or quantized.initial_state(1)
        for code in codes.split(1):
            row, state = quantized.step(code, state)
            rows.append(row)
        return torch.cat(rows)[None], state

    return run


def read_names_csv(path: Path, classes: Sequence[str], read: Callable[[object], str] = normalize_name) -> NameRows:
    """Rows `name,country` of a CSV file, each name as `read` reads it; a first row "name,country" is a header.

    Raises:
        ValueError: naming the first row that cannot be used, and why.
    """
    text = _read_text(path)
    rows, number = [], 1
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
            is_header = number == 1 and [cell.strip().lower() for cell in row] == ["name", "country"]
            if row and not is_header:
                rows.append(_read_row(row, classes, read))
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{path}, row {number}: {error}") from None
    if not rows:
        raise ValueError(f"{path} holds no row name,country.")
    return rows


def _read_row(row: list[str], classes: Sequence[str], read: Callable[[object], str]) -> tuple[str, str]:
    if len(row) != 2:
        raise ValueError(f"expected two cells, name,country, and found {len(row)}.")
    name, country = read(row[0]), row[1].strip()
    if not name:
        raise ValueError("the name is blank.")
    if country not in classes:
        raise ValueError(f"{country!r} is none of {', '.join(classes)}.")
    return name, country


def read_speech_txt(path: Path, vocabulary: Vocabulary = ASCII) -> str:
    """A text file as a model of this vocabulary reads it: in ASCII, normalised as the speeches were."""
    return vocabulary.read(_read_text(path)).strip()


def _read_text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8 text: please save it as one.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
