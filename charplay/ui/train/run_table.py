"""The runs of a page: a row for each training, as a table and as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from html import escape

from charplay.ui import html


@dataclass(frozen=True)
class RunRow:
    """One training: its settings, and its result."""

    model: str  # "yours 2"
    data: str
    network: str  # "GRU 1 x 64"
    parameters: int
    epochs: float  # trained
    batch_size: int
    learning_rate: float
    seed: int
    measure: str  # "bits per character" or "accuracy"
    result: float | None  # the best evaluation
    baseline: float | None  # in the same measure
    seconds: float
    ended: str  # why: "done", "stopped", ...


_COLUMNS = (
    "model",
    "result",
    "by counting",
    "",
    "data",
    "network",
    "parameters",
    "epochs",
    "batch",
    "rate",
    "seed",
    "s",
)


def _result(value: float | None, measure: str) -> str:
    if value is None:
        return html.DASH
    return f"{html.percent(value)} right" if measure == "accuracy" else f"{value:.3f} bits"


def table(runs: Sequence[RunRow]) -> str:
    """The runs, the latest first (HTML); empty if there is none."""
    if not runs:
        return ""
    rows = []
    for run in reversed(runs):
        cells = (
            run.model,
            _result(run.result, run.measure),
            _result(run.baseline, run.measure),
            run.ended,
            run.data,
            run.network,
            f"{run.parameters:,}",
            f"{run.epochs:.3g}",
            f"{run.batch_size:,}",
            f"{run.learning_rate:g}",
            str(run.seed),
            f"{run.seconds:.0f}",
        )
        rows.append([escape(cell) for cell in cells])
    return html.table(_COLUMNS, rows)


def as_csv(runs: Sequence[RunRow]) -> str:
    """The runs in order; no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(RunRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _without_formula(value) for key, value in asdict(run).items()} for run in runs)
    return out.getvalue()


def _without_formula(value: object) -> object:
    """A text that begins like a formula gets an apostrophe before it, which a spreadsheet hides."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t" else value
