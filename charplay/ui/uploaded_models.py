"""What an uploaded checkpoint must be for a tab to show it, and what it can be tried with."""

from charplay import limits
from charplay.data.text import is_dropped
from charplay.inference.classify import USER_RESULTS
from charplay.models.checkpoints import Checkpoint, CheckpointError
from charplay.models.networks import count_parameters

LOADABLE_TASKS = ("names", "speech", "invent")


def opening_in(checkpoint: Checkpoint) -> str:
    """The text of its data with which an uploaded model can be tried; empty if its header has none."""
    own = checkpoint.results.get(USER_RESULTS)
    opening = own.get("opening") if isinstance(own, dict) else None
    return opening if isinstance(opening, str) and len(opening) <= limits.MAX_USER_ROW_CHARACTERS else ""


def check_usable(checkpoint: Checkpoint, name: str) -> Checkpoint:
    """Returns an uploaded checkpoint, from the file `name`, that a tab can show.

    Raises:
        CheckpointError: no tab can load its kind, it is too large, or has classes or characters that cannot be shown.
    """
    if checkpoint.task not in LOADABLE_TASKS:
        raise CheckpointError(f"{name} holds a model for {checkpoint.task}, which no tab can load.")
    parameters = count_parameters(checkpoint.model)
    if parameters > limits.MAX_USER_PARAMETERS:
        raise CheckpointError(
            f"{name} has {parameters:,} parameters; a model of your own may have {limits.MAX_USER_PARAMETERS:,} here."
        )
    if any(map(is_dropped, checkpoint.alphabet)):
        raise CheckpointError(f"{name} has an alphabet with characters that cannot be shown.")
    classes = checkpoint.classes
    if len(classes) > limits.MAX_USER_CLASSES or len(set(classes)) < len(classes):
        raise CheckpointError(
            f"{name} must have at most {limits.MAX_USER_CLASSES} classes, each with a name of its own."
        )
    if not all(0 < len(label) <= limits.MAX_NAME_CHARACTERS and label.isprintable() for label in classes):
        raise CheckpointError(f"{name} has a class whose name is empty, too long, or cannot be shown.")
    return checkpoint
