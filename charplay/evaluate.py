"""Accuracy, macro-F1 and bits per character: how good a model is, by the protocol of the data.

Names: train on the 13,374 rows, report on the 6,700 once: accuracy, macro-F1 over the countries, and accuracy on
the rows whose name is not in train. Speech: join the speeches of a split with an empty line, run once from a zero
state over the whole, teacher-forced, and report the mean of -log2 p(next character).
"""

import csv
import io
import math
from collections.abc import Collection, Sequence
from pathlib import Path

import torch
from torch import nn

from charplay.classify import logits_of
from charplay.datasets import Names
from charplay.models import CharLM
from charplay.text import encode, normalize_name, normalize_prose

CHUNK = 4096  # characters a language model reads at once; the state is carried over


def macro_f1(truth: torch.Tensor, guesses: torch.Tensor, classes: int) -> float:
    """The mean over `classes` of F1 = 2 tp / (2 tp + fp + fn); a class never seen nor guessed counts 0.

    Args:
        truth, guesses: int64 (rows,).
    """
    confusion = torch.bincount(truth * classes + guesses, minlength=classes * classes).view(classes, classes)
    hits = confusion.diag().double()
    involved = (confusion.sum(0) + confusion.sum(1)).double()  # 2 tp + fp + fn
    return (2 * hits / involved.clamp(min=1)).mean().item()


@torch.no_grad()
def evaluate_names(
    model: nn.Module, classes: Sequence[str], rows: Names, known: Collection[str] | None = None
) -> dict[str, float | int | None]:
    """Measures a name classifier on `rows`.

    Args:
        model: a `NameClassifier`.
        classes: the country of each logit.
        rows: (name, country), names as the network reads them.
        known: the names of the training rows; None where they are not at hand.

    Returns:
        n, accuracy, macro_f1, unseen_n and unseen_accuracy (None without `known`), loss (mean nats).
    """
    index = {country: number for number, country in enumerate(classes)}
    unknown = {country for _, country in rows} - set(index)
    if unknown:
        raise ValueError(f"The model has no class for {', '.join(sorted(unknown))}: it knows {', '.join(classes)}.")
    truth = torch.tensor([index[country] for _, country in rows])
    logits = logits_of(model, [name for name, _ in rows])  # (rows, classes)
    guesses = logits.argmax(1)
    right = guesses == truth
    unseen = torch.tensor([name not in known for name, _ in rows]) if known is not None else None
    return {
        "n": len(rows),
        "accuracy": right.double().mean().item(),
        "macro_f1": macro_f1(truth, guesses, len(classes)),
        "unseen_n": int(unseen.sum()) if unseen is not None else None,
        "unseen_accuracy": right[unseen].double().mean().item() if unseen is not None and unseen.any() else None,
        "loss": nn.functional.cross_entropy(logits, truth).item(),
    }


@torch.no_grad()
def evaluate_speech(model: CharLM, text: str) -> dict[str, float | int]:
    """Measures a language model on `text`: {"characters", "bits_per_character"}; all but the first are predicted."""
    if len(text) < 2:
        raise ValueError("The text needs at least two characters, one to read and one to predict.")
    codes = encode(text).to(next(model.parameters()).device)
    bits, state = 0.0, None
    for inputs, targets in zip(codes[:-1].split(CHUNK), codes[1:].split(CHUNK), strict=True):
        logits, state = model(inputs[None], state)  # (1, chunk, 128)
        bits += nn.functional.cross_entropy(logits[0].float(), targets, reduction="sum").item() / math.log(2)
    return {"characters": len(text), "bits_per_character": bits / (len(text) - 1)}


def read_names_csv(path: Path, classes: Sequence[str]) -> Names:
    """Rows `name,country` of a CSV file, names normalised; a first row "name,country" is a heading.

    Raises:
        ValueError: naming the first row that cannot be used, and why.
    """
    text = _read_text(path)
    rows, number = [], 1
    try:
        for number, row in enumerate(csv.reader(io.StringIO(text, newline="")), 1):
            is_heading = number == 1 and [cell.strip().lower() for cell in row] == ["name", "country"]
            if row and not is_heading:
                rows.append(_read_row(row, classes))
    except (csv.Error, ValueError) as error:
        raise ValueError(f"{path}, row {number}: {error}") from None
    if not rows:
        raise ValueError(f"{path} holds no row name,country.")
    return rows


def _read_row(row: list[str], classes: Sequence[str]) -> tuple[str, str]:
    if len(row) != 2:
        raise ValueError(f"expected two cells, name,country, and found {len(row)}.")
    name, country = normalize_name(row[0]), row[1].strip()
    if not name:
        raise ValueError("the name is blank.")
    if country not in classes:
        raise ValueError(f"{country!r} is none of {', '.join(classes)}.")
    return name, country


def read_speech_txt(path: Path) -> str:
    """A text file, normalised as the speeches were."""
    return normalize_prose(_read_text(path)).strip()


def _read_text(path: Path) -> str:
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            return file.read()
    except UnicodeDecodeError:
        raise ValueError(f"{path} is no UTF-8 text: please save it as one.") from None
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from None
