"""What a visitor uploads is read once and removed: nobody can ask the server for it again."""

import threading
from collections import OrderedDict
from pathlib import Path

from charplay import limits

_MAX_KEPT = 4  # uploads that are still known after their file has gone
_LOCK = threading.Lock()
_taken: OrderedDict[str, bytes] = OrderedDict()


def take(upload: object) -> tuple[str, bytes]:
    """The name and the content of a file that was uploaded; the file itself goes.

    A class that uploads the handout of its teacher uploads one file: Gradio keeps equal ones of equal name in one
    place, and it may have gone with a neighbour's. So the latest are remembered.

    Args:
        upload: what Gradio hands to an event for a file; that it lies among the uploads has been checked by then.

    Raises:
        ValueError: there is no such file any more, or it is too large.
    """
    if not isinstance(upload, dict) or not isinstance(upload.get("path"), str):
        raise ValueError("Choose a file.")
    path = Path(upload["path"])
    with _LOCK:
        try:
            content = path.read_bytes()
            path.unlink()
        except FileNotFoundError:
            if upload["path"] not in _taken:
                raise ValueError("The file did not arrive whole: please choose it again.") from None
            content = _taken[upload["path"]]
        _taken[upload["path"]] = content
        _taken.move_to_end(upload["path"])
        while len(_taken) > _MAX_KEPT:
            _taken.popitem(last=False)
    name = upload.get("orig_name")
    return Path(name).name[-limits.MAX_NAME_CHARACTERS :] if isinstance(name, str) and name else path.name, content
