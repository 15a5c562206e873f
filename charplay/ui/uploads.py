"""An uploaded file is read once and removed: nobody can fetch it from the server again."""

import threading
from pathlib import Path

from charplay import limits, system
from charplay.inference.expiring_cache import ExpiringCache

MAX_REMEMBERED = 4  # uploads whose content is kept for a moment after their file was removed
REMEMBERED_SECONDS = 60.0
_LOCK = threading.Lock()
REMEMBERED: ExpiringCache[str, bytes] = ExpiringCache(REMEMBERED_SECONDS, MAX_REMEMBERED)  # path -> content


def take(upload: object) -> tuple[str, bytes]:
    """The name and the content of an uploaded file, which is removed.

    Gradio stores equal files of equal name at one path. Where a whole class uploads one handout, another page's event
    may have removed the file already, so the latest contents are remembered for a minute.

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
            REMEMBERED.keep(upload["path"], content)
        except FileNotFoundError:
            remembered = REMEMBERED.find(upload["path"])
            if remembered is None:
                raise ValueError("The file did not arrive whole: please choose it again.") from None
            content = remembered
    name = upload.get("orig_name")
    return Path(name).name[-limits.MAX_NAME_CHARACTERS :] if isinstance(name, str) and name else path.name, content
