"""The data that a request names: a pasted text, a file, or a built-in data set, fetched where it is missing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from charplay import limits
from charplay.data import datasets
from charplay.training.data_summary import UserData, read_data_set, read_user_data
from charplay.training.fine_tuning import StartingModel, load_start
from charplay.training.recipes import USER_RECIPES


def is_missing(source: dict[str, Any]) -> bool:
    """Whether the data is a built-in data set that is not on this machine."""
    directory = datasets.data_directory()
    return bool(source.get("built_in")) and not all((directory / file.name).exists() for file in datasets.FILES)


def fetch(on_progress: Callable[[str], None]) -> None:
    """Fetches the built-in data sets.

    Raises:
        ValueError: they cannot be fetched; the sentence is for someone at a page, who cannot change this machine.
    """
    try:
        datasets.fetch(datasets.data_directory(), on_progress=on_progress)
    except (datasets.DataError, OSError):
        raise ValueError(
            "The built-in data is not on the machine that runs this page, and it could not be fetched: it may have no "
            "connection to the internet. Paste or upload data of your own, which needs none."
        ) from None


def read_start(task: str, arguments: dict[str, Any]) -> StartingModel | None:
    """The model that a request's training goes on from; None: it has a new network.

    Raises:
        ValueError: it cannot be loaded, or is for another task.
    """
    path = arguments.get("start")
    return None if path is None else load_start(Path(path), task)


def read(task: object, source: dict[str, Any]) -> UserData:
    """Reads the data.

    Raises:
        ValueError: it cannot be used; the sentence says what to change.
    """
    task, options = limits.check_choice("task", task, tuple(USER_RECIPES)), dict(source)
    if options.pop("built_in", False):
        return read_data_set(task, datasets.data_directory())
    text, file = options.pop("text", ""), options.pop("file", None)
    if file is None:
        return read_user_data(task, text, options)
    with open(file, "rb") as content:  # a byte more than the limit, so that too large a file is refused unread
        return read_user_data(task, content.read(limits.MAX_USER_DATA_BYTES + 1), options)
