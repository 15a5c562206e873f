"""An uploaded file is read once and removed: nobody can fetch it from the server again."""

import threading
from collections import OrderedDict
from pathlib import Path

from charplay import limits, system

_MAX_REMEMBERED = 4  # uploads whose content is kept for a moment after their file was removed
_LOCK = threading.Lock()
_remembered: OrderedDict[str, bytes] = OrderedDict()  # path -> content, the latest last


def take(upload: object) -> tuple[str, bytes]:
    """The name and the content of an uploaded file, which is removed.

    Gradio stores equal files of equal name at one path. Where a whole class uploads one handout, another page's event
    may have removed the file already, so the latest contents are remembered.

    Args:
        upload: what Gradio passes to an event for a file; it has checked that the path is that of an upload.

    Raises:
        ValueError: there is no such file any more.
    """
    if not isinstance(upload, dict) or not isinstance(upload.get("path"), str):
        raise ValueError("Choose a file.")
    path = Path(upload["path"])
    with _LOCK:
        try:
            content = path.read_bytes()
            system.remove_file(path)
        except FileNotFoundError:
            if upload["path"] not in _remembered:
                raise ValueError("The file did not arrive whole: please choose it again.") from None
            content = _remembered[upload["path"]]
        _remembered[upload["path"]] = content
        _remembered.move_to_end(upload["path"])
        while len(_remembered) > _MAX_REMEMBERED:
            _remembered.popitem(last=False)
    name = upload.get("orig_name")
    return Path(name).name[-limits.MAX_NAME_CHARACTERS :] if isinstance(name, str) and name else path.name, content
