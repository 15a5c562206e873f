"""The values of the Train tab's form -> a request to train. All of them come from a browser and are checked."""

import json
from collections.abc import Mapping
from typing import Any

from charplay import limits
from charplay.ui import controls
from charplay.ui.session_store import STORE
from charplay.ui.training_client import SettingsError, TrainingRequest

CHANGES = "changes"  # name of the hidden field with the settings that the user has changed
MAX_CHANGES_CHARACTERS = 1_000
# field of the recipe -> its control
SETTINGS = {
    "cell": controls.CELL,
    "hidden_size": controls.HIDDEN_SIZE,
    "layers": controls.LAYERS,
    "epochs": controls.EPOCHS,
    "batch_size": controls.BATCH_SIZE,
    "learning_rate": controls.LEARNING_RATE,
    "seed": controls.TRAINING_SEED,
}


def task_of(kind: object, goal: object) -> str:
    """What is trained, from what is learnt from, and for rows what to train.

    Raises:
        ValueError: one of them is no choice of the page's.
    """
    if controls.DATA_KIND.choose(kind) == controls.TEXT:
        return "speech"
    return "invent" if controls.ROWS_GOAL.choose(goal) == controls.INVENT else "names"


def parse_request(values: Mapping[str, Any], session: str | None) -> TrainingRequest:
    """The request that the form describes.

    Args:
        values: of the controls, by their names.
        session: of the page, which may have uploaded a file.

    Raises:
        SettingsError: a setting of the training is out of bounds.
        ValueError: another value is none that the page offers, or the data is missing.
    """
    task = task_of(values[controls.DATA_KIND.name], values[controls.ROWS_GOAL.name])
    source = controls.SOURCE.choose(values[controls.SOURCE.name])
    name, data = _data(task, source, values[controls.PASTED_DATA.name], session)
    if task != "speech" and source != controls.BUILT_IN:
        data |= {
            "delimiter": controls.DELIMITERS[controls.DELIMITER.choose(values[controls.DELIMITER.name])],
            "has_header": controls.HEADERS[controls.HEADER.choose(values[controls.HEADER.name])],
            "text_column": _column(values[controls.TEXT_COLUMN.name]),
            "label_column": _column(values[controls.LABEL_COLUMN.name]),
            "merge_case": values[controls.MERGE_CASE.name] is True,
        }
    if source == controls.UPLOAD:
        encoding = controls.ENCODING.choose(values[controls.ENCODING.name])
        data["encoding"] = None if encoding == controls.DETECTED else encoding
    try:
        preset = controls.PRESET.choose(values[controls.PRESET.name])
        return TrainingRequest(task, name, data, preset, _parse_changes(values[CHANGES]))
    except ValueError as error:
        raise SettingsError(str(error)) from None


def _data(task: str, source: str, pasted: object, session: str | None) -> tuple[str, dict[str, Any]]:
    """What the page calls the data, and the data as a request holds it."""
    if source == controls.PASTE:
        text = limits.check_text("text", pasted, limits.MAX_USER_DATA_BYTES)
        if not text.strip():
            raise ValueError("The box is empty: paste a text into it, or rows of text,label.")
        return "pasted", {"text": text}
    if source == controls.UPLOAD:
        file = STORE.data(session)
        if file is None:
            raise ValueError("Drop a file first: a text, or rows of text,label as CSV.")
        return file.name, {"file": str(file.path)}
    return "speeches" if task == "speech" else "names and countries", {"built_in": True}


def _column(chosen: object) -> int | None:
    """The number of a column; None: to be detected."""
    if chosen == controls.DETECTED or chosen is None:
        return None
    return int(limits.COLUMN.check(chosen))


def _parse_changes(field: object) -> dict[str, Any]:
    """The settings that the user has changed from the preset's, from the page's hidden field."""
    try:
        changes = json.loads(limits.check_text("settings", field, MAX_CHANGES_CHARACTERS))
    except (ValueError, RecursionError):
        changes = None
    if not isinstance(changes, dict) or set(changes) - set(SETTINGS):
        raise ValueError("The settings cannot be read any more: choose a size of network again.")
    return {field: _check(SETTINGS[field], value) for field, value in changes.items()}


def _check(control: controls.Control, value: object) -> object:
    """The value of a setting, if the control offers it."""
    return control.choose(value) if control.limit is None else control.limit.check(value)
