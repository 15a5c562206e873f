"""A training of a page, as its table of runs keeps it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RunRecord:
    """One training: its settings, and the result of the model that was kept."""

    model: str  # "yours 2"
    data: str
    network: str  # "GRU 1 x 64"
    parameters: int
    epochs: float  # trained
    batch_size: int
    learning_rate: float
    seed: int
    measure: str  # "bits per character" or "accuracy"
    result: float | None
    baseline: float | None  # in the same measure: of the most common class, or of the unigram model
    held_out: int  # rows or characters on which both were measured
    seconds: float
    ended: str  # why: "done", "stopped", ...
