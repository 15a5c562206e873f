"""The runs of a page: a row for each training, as a table and as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, fields
from html import escape

from charplay.ui import html
from charplay.ui.results import BASELINES, MEASURES, MIN_ROWS_FOR_PERCENT
from charplay.ui.run_record import RunRecord

_COLUMNS = (
    "model",
    "result",
    "baseline",
    "ended",
    "data",
    "network",
    "parameters",
    "epochs",
    "batch size",
    "learning rate",
    "seed",
    "seconds",
)

TASK_OF_MEASURE = {measure: task for task, measure in MEASURES.items()}


def _result(run: RunRecord, value: float | None) -> str:
    if value is None:
        return html.DASH
    if run.measure != "accuracy":
        return f"{value:.3f} bits"
    if run.held_out < MIN_ROWS_FOR_PERCENT:
        return f"{round(value * run.held_out)} of {run.held_out} rows"
    return html.percent(value)


def _baseline(run: RunRecord) -> str:
    return f"{_result(run, run.baseline)} ({BASELINES[TASK_OF_MEASURE[run.measure]]})"


def table(runs: Sequence[RunRecord]) -> str:
    """The runs, the latest first (HTML); empty if there is none."""
    if not runs:
        return ""
    rows = []
    for run in reversed(runs):
        cells = (
            run.model,
            _result(run, run.result),
            _baseline(run),
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


def as_csv(runs: Sequence[RunRecord]) -> str:
    """The runs in order; no cell is a formula to a spreadsheet."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(RunRecord)], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _without_formula(value) for key, value in asdict(run).items()} for run in runs)
    return out.getvalue()


def _without_formula(value: object) -> object:
    """A text that begins like a formula gets an apostrophe before it, which a spreadsheet hides."""
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t" else value
