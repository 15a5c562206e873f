"""What stands in the controls of the Train tab, as the core is asked for it. All of it comes from a browser."""

import json
from dataclasses import dataclass
from typing import Any

from charplay import limits
from charplay.ui import state
from charplay.ui.store import STORE

TASKS = {state.TEXT: "speech", state.ROWS: "names"}  # what is learnt from -> the task of the core
# Settings of the fold, by the field of the recipe that each is.
SETTINGS = {
    "cell": state.CELL,
    "hidden_size": state.HIDDEN_SIZE,
    "layers": state.LAYERS,
    "epochs": state.EPOCHS,
    "batch_size": state.BATCH_SIZE,
    "learning_rate": state.LEARNING_RATE,
    "seed": state.TRAINING_SEED,
}


@dataclass(frozen=True)
class Asked:
    """What is to be surveyed or trained."""

    task: str  # "names" or "speech"
    called: str  # how the run table names the data
    data: bytes | str | None  # None: the project's own data set
    options: dict[str, Any]  # of `own.read_rows`
    preset: str
    changes: dict[str, Any]  # fields of the recipe that were chosen otherwise
    seconds: float  # of training at most


def read(
    learns: object,
    source: object,
    box: object,
    delimiter: object,
    header: object,
    text_column: object,
    label_column: object,
    preset: object,
    changes: object,
    minutes: object,
    session: str | None,
) -> Asked:
    """The controls' values, checked.

    Raises:
        ValueError: one of them is none that the page offers, or there is no file yet.
    """
    task = TASKS[state.LEARNS.choose(learns)]
    source = state.SOURCE.choose(source)
    called, data = {"names": "names and countries", "speech": "speeches"}[task], None
    if source == state.IN_BOX:
        called, data = "the box", limits.check_text("text", box, limits.OWN_DATA_BYTES)
        if not data.strip():
            raise ValueError("The box is empty: paste a text into it, or rows of text,label.")
    elif source == state.IN_FILE:
        file = STORE.data(session)
        if file is None:
            raise ValueError(f"Drop a file first: text or CSV, at most {limits.OWN_DATA_BYTES / 1e6:g} MB.")
        called, data = file.name, file.raw
    options = {
        "delimiter": state.DELIMITERS[state.DELIMITER.choose(delimiter)],
        "has_header": state.HEADERS[state.HEADER.choose(header)],
        "text_column": _column(text_column),
        "label_column": _column(label_column),
    }
    return Asked(
        task,
        called,
        data,
        options if task == "names" and data is not None else {},
        state.PRESET.choose(preset),
        read_changes(changes),
        60 * state.MINUTES.limit.check(minutes),
    )


def _column(chosen: object) -> int | None:
    """The number of a column; None: it is to be found out."""
    if chosen == state.DETECTED or chosen is None:
        return None
    return int(limits.Limit("column", 0, 999).check(chosen))


def read_changes(field: object) -> dict[str, Any]:
    """What of the settings was chosen otherwise than the size suggests, from the page's hidden field."""
    try:
        changes = json.loads(limits.check_text("settings", field, 1_000))
    except (ValueError, RecursionError):
        changes = None
    if not isinstance(changes, dict) or set(changes) - set(SETTINGS):
        raise ValueError("The settings cannot be read any more: choose a size of network again.")
    return changes


def change(changes: object, field: str, value: object) -> str:
    """The hidden field, with one more setting chosen.

    Raises:
        ValueError: the value is out of bounds.
    """
    control = SETTINGS[field]
    if control.choices:
        control.choose(value)
    else:
        value = control.limit.check(value)
    return json.dumps(read_changes(changes) | {field: value})
