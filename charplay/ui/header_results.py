"""Results in a checkpoint's header, which may come from anywhere: what it lacks or holds wrongly is left out."""

from typing import Any

import numpy as np

from charplay.models.checkpoints import Checkpoint
from charplay.ui.html import DASH


def number(results: Any, key: str) -> float | None:
    """The number under `key` of what a header should hold as a dict; None if there is none."""
    value = results.get(key) if isinstance(results, dict) else None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


def decimals(results: Any, key: str) -> str:
    value = number(results, key)
    return f"{value:.3f}" if value is not None else DASH


def baselines(checkpoints: dict[str, Checkpoint]) -> dict[str, Any]:
    """The baselines' results by their label, from the default model's header."""
    baselines = next(iter(checkpoints.values())).results.get("baselines")
    return baselines if isinstance(baselines, dict) else {}


def training_rows(checkpoint: Checkpoint) -> list[int] | None:
    """How many training names each class had; None if the header has no such list."""
    rows = checkpoint.results.get("training_rows")
    is_valid = isinstance(rows, list) and len(rows) == len(checkpoint.classes) and all(type(n) is int for n in rows)
    return rows if is_valid else None


def confusion(checkpoint: Checkpoint, part: str) -> np.ndarray | None:
    """The confusion matrix of a header, (classes, classes) counts; None if it has no valid one."""
    measured = checkpoint.results.get(part)
    counts = measured.get("confusion") if isinstance(measured, dict) else None
    classes = len(checkpoint.classes)
    if not isinstance(counts, list) or len(counts) != classes:
        return None
    if not all(isinstance(row, list) and len(row) == classes for row in counts):
        return None
    if not all(type(count) is int and count >= 0 for row in counts for count in row):
        return None
    return np.array(counts)


def reliability_bins(checkpoint: Checkpoint, part: str) -> list[dict]:
    """The bins of the reliability diagram in a header, without invalid ones."""
    measured = checkpoint.results.get(part)
    bins = measured.get("reliability") if isinstance(measured, dict) else None
    if not isinstance(bins, list):
        return []
    return [each for each in bins if all(number(each, key) is not None for key in ("n", "confidence", "accuracy"))]


def oracle(checkpoint: Checkpoint, part: str) -> dict[str, Any]:
    """What a header says of an oracle's results in one part; empty if nothing."""
    measured = checkpoint.results.get(part)
    found = measured.get("oracle") if isinstance(measured, dict) else None
    return found if isinstance(found, dict) else {}


def oracle_recall(checkpoint: Checkpoint, part: str) -> list[float] | None:
    """An oracle's recall of each class; None if a header has no valid list."""
    recall = oracle(checkpoint, part).get("recall")
    if not isinstance(recall, list) or len(recall) != len(checkpoint.classes):
        return None
    return recall if all(type(share) is float and 0 <= share <= 1 for share in recall) else None
