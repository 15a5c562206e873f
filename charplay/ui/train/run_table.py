"""What a page has tried so far: one row for each training, to be compared, and saved as CSV."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from html import escape


@dataclass(frozen=True)
class RunRow:
    """One training: what was chosen, and what came out."""

    model: str  # "yours 2"; "-" if none came of it
    data: str
    network: str  # "GRU 1 x 64"
    parameters: int
    epochs: float  # that it went
    batch_size: int
    learning_rate: float
    seed: int
    measure: str  # "bits per character" or "accuracy"
    result: float | None  # of the best evaluation
    baseline: float | None  # the same measure, by counting alone
    seconds: float
    ended: str  # "finished", "stopped"...


_HEAD = ("model", "result", "by counting", "", "data", "network", "parameters", "epochs", "batch", "rate", "seed", "s")


def _measured(value: float | None, measure: str) -> str:
    if value is None:
        return "–"
    return f"{100 * value:.1f} % right" if measure == "accuracy" else f"{value:.3f} bits"


def table(runs: Sequence[RunRow]) -> str:
    """The runs, the last one first (HTML); nothing if there is none."""
    if not runs:
        return ""
    rows = []
    for run in reversed(runs):
        cells = (
            run.model,
            _measured(run.result, run.measure),
            _measured(run.baseline, run.measure),
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
        rows.append(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>")
    head = "".join(f"<th>{title}</th>" for title in _HEAD)
    return f'<div class="table"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def as_csv(runs: Sequence[RunRow]) -> str:
    """The runs in order, as a spreadsheet reads them: a cell that begins like a formula is no formula."""
    out = io.StringIO()
    writer = csv.DictWriter(out, [field.name for field in fields(RunRow)], lineterminator="\n")
    writer.writeheader()
    writer.writerows({key: _plain(value) for key, value in asdict(run).items()} for run in runs)
    return out.getvalue()


def _plain(value: object) -> object:
    return f"'{value}" if isinstance(value, str) and value[:1] in "=+-@\t" else value
