"""What stands in the controls of the Train tab, as the core is asked for it. All of it comes from a browser."""

import json
from collections.abc import Mapping
from typing import Any

from charplay import limits
from charplay.ui import controls
from charplay.ui.session_store import STORE
from charplay.ui.training_client import TrainingRequest

CHANGES = "changes"  # the page's hidden field of the settings that were changed
TASKS = {controls.TEXT: "speech", controls.ROWS: "names"}  # what is learnt from -> the task of the core
# Settings of the fold, by the field of the recipe that each is.
SETTINGS = {
    "cell": controls.CELL,
    "hidden_size": controls.HIDDEN_SIZE,
    "layers": controls.LAYERS,
    "epochs": controls.EPOCHS,
    "batch_size": controls.BATCH_SIZE,
    "learning_rate": controls.LEARNING_RATE,
    "seed": controls.TRAINING_SEED,
}


def read(values: Mapping[str, Any], session: str | None) -> TrainingRequest:
    """What the controls ask for.

    Args:
        values: of the controls, by their names.
        session: of the page, which may have brought a file.

    Raises:
        ValueError: one of them is none that the page offers, or there is no file yet.
    """
    task = TASKS[controls.LEARNS.choose(values[controls.LEARNS.name])]
    source = controls.SOURCE.choose(values[controls.SOURCE.name])
    if source == controls.PASTE:
        called, data = (
            "the box",
            {"text": limits.check_text("text", values[controls.BOX.name], limits.MAX_USER_DATA_BYTES)},
        )
        if not data["text"].strip():
            raise ValueError("The box is empty: paste a text into it, or rows of text,label.")
    elif source == controls.UPLOAD:
        file = STORE.data(session)
        if file is None:
            raise ValueError("Drop a file first: a text, or rows of text,label as CSV.")
        called, data = file.name, {"file": str(file.path)}
    else:
        called, data = {"names": "names and countries", "speech": "speeches"}[task], {"built_in": True}
    if task == "names" and source != controls.BUILT_IN:
        data |= {
            "delimiter": controls.DELIMITERS[controls.DELIMITER.choose(values[controls.DELIMITER.name])],
            "has_header": controls.HEADERS[controls.HEADER.choose(values[controls.HEADER.name])],
            "text_column": _column(values[controls.TEXT_COLUMN.name]),
            "label_column": _column(values[controls.LABEL_COLUMN.name]),
        }
    return TrainingRequest(
        task, called, data, controls.PRESET.choose(values[controls.PRESET.name]), read_changes(values[CHANGES])
    )


def _column(chosen: object) -> int | None:
    """The number of a column; None: it is to be found out."""
    if chosen == controls.DETECTED or chosen is None:
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


def _check(control: controls.Control, value: object) -> object:
    """The value of a setting, if it is one that the control offers."""
    return control.choose(value) if control.choices else control.limit.check(value)
