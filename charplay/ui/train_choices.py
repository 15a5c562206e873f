"""What stands in the controls of the Train tab, as the core is asked for it. All of it comes from a browser."""

import json
from collections.abc import Mapping
from typing import Any

from charplay import limits
from charplay.ui import state
from charplay.ui.store import STORE
from charplay.ui.trainer import Asked

CHANGES = "changes"  # the page's hidden field of the settings that were changed
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


def read(values: Mapping[str, Any], session: str | None) -> Asked:
    """What the controls ask for.

    Args:
        values: of the controls, by their names.
        session: of the page, which may have brought a file.

    Raises:
        ValueError: one of them is none that the page offers, or there is no file yet.
    """
    task = TASKS[state.LEARNS.choose(values[state.LEARNS.name])]
    source = state.SOURCE.choose(values[state.SOURCE.name])
    if source == state.IN_BOX:
        called, data = "the box", {"text": limits.check_text("text", values[state.BOX.name], limits.OWN_DATA_BYTES)}
        if not data["text"].strip():
            raise ValueError("The box is empty: paste a text into it, or rows of text,label.")
    elif source == state.IN_FILE:
        file = STORE.data(session)
        if file is None:
            raise ValueError("Drop a file first: a text, or rows of text,label as CSV.")
        called, data = file.name, {"file": str(file.path)}
    else:
        called, data = {"names": "names and countries", "speech": "speeches"}[task], {"set": True}
    if task == "names" and source != state.DATA_SET:
        data |= {
            "delimiter": state.DELIMITERS[state.DELIMITER.choose(values[state.DELIMITER.name])],
            "has_header": state.HEADERS[state.HEADER.choose(values[state.HEADER.name])],
            "text_column": _column(values[state.TEXT_COLUMN.name]),
            "label_column": _column(values[state.LABEL_COLUMN.name]),
        }
    return Asked(task, called, data, state.PRESET.choose(values[state.PRESET.name]), read_changes(values[CHANGES]))


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
    return {field: _check(SETTINGS[field], value) for field, value in changes.items()}


def _check(control: state.Control, value: object) -> object:
    """The value of a setting, if it is one that the control offers."""
    return control.choose(value) if control.choices else control.limit.check(value)
