"""The environment that Gradio is imported and started in, made such that neither fails. Imports no gradio."""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from charplay import system

_PROXIES = ("http_proxy", "https_proxy", "all_proxy", "ws_proxy", "wss_proxy", "ftp_proxy", "no_proxy")
_SERVER_NAME = "GRADIO_SERVER_NAME"


@contextmanager
def local_start() -> Iterator[None]:
    """Within it no HTTP request of this process takes a proxy, and $GRADIO_SERVER_NAME is not set.

    Gradio requests a page of its own app when it starts, waits for it without a limit, and fails at its import where
    the proxy is one that its HTTP client does not know. It tries whether a port is free at what $GRADIO_SERVER_NAME
    was at its import, as an IPv4 number.
    """
    kept = {name: value for name, value in os.environ.items() if name.lower() in _PROXIES or name == _SERVER_NAME}
    for name in kept:
        del os.environ[name]
    os.environ["NO_PROXY"] = "*"  # of a proxy in the system's settings too
    try:
        yield
    finally:
        del os.environ["NO_PROXY"]
        os.environ.update(kept)


def ensure_upload_directory() -> None:
    """Gives Gradio a directory of this process's own where its usual one is another user's or cannot be written.

    Raises:
        ValueError: there is no directory for temporary files at all.
    """
    try:
        usual = Path(os.environ.get("GRADIO_TEMP_DIR") or Path(tempfile.gettempdir()).resolve() / "gradio")
        if not _is_own(usual):
            own = tempfile.mkdtemp(prefix="gradio-")
            atexit.register(shutil.rmtree, own, ignore_errors=True)
            os.environ["GRADIO_TEMP_DIR"] = own
            logging.warning("%s cannot be used for uploads: they go to %s.", usual, own)
    except OSError as error:
        raise ValueError(f"There is no directory for temporary files: set TMPDIR to one ({error.strerror}).") from None


def _is_own(directory: Path) -> bool:
    """Whether the directory is this user's, or can be made, and can be written."""
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=directory):
            return system.is_own(directory)
    except OSError:
        return False
