"""Functions that Numba compiles for this processor, at their first call on this computer; later processes load them.

A function is compiled anew for each combination of the types of its arguments. Without Numba it runs as it is written:
the results are the same, after a hundred times as long.
"""

import functools
import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar, cast

from filelock import FileLock

from charplay.system import cache_directory

Function = TypeVar("Function", bound=Callable[..., Any])
MAX_UNUSED_SECONDS = 30 * 86_400  # of what was compiled for another version; then it is removed
LOCK_SECONDS = 30.0  # that a process waits for another which writes; then its function is not cached

try:
    import numba
except (ImportError, OSError) as error:  # the latter where its library cannot be loaded
    logging.warning("Networks run much more slowly, without Numba: %s", error)

    def compiled(function: Function) -> Function:
        """The function itself."""
        return function

else:
    # Sums may be reordered and terms fused, as vector instructions need it; NaN and infinity stay what they are.
    _FAST = {"contract", "reassoc", "arcp", "nsz"}
    _OPTIONS: dict[str, Any] = {"nogil": True, "error_model": "numpy", "fastmath": _FAST}
    _settings = vars(numba.config)

    @functools.cache
    def _find_directory() -> Path | None:
        """Where functions are cached; None: nowhere, as in a read-only container, or of a user with no home.

        By itself Numba would write beside the module, which may be installed for all users of a computer, and would not
        see that a constant of another module has changed.
        """
        sources = b"".join(path.read_bytes() for path in sorted(Path(__file__).parent.glob("*.py")))
        try:
            versions = cache_directory() / "compiled"
            directory = versions / f"{numba.__version__}-{hashlib.sha256(sources).hexdigest()[:16]}"
            directory.mkdir(parents=True, exist_ok=True)
            os.utime(directory)  # it is in use
            for each in versions.iterdir():
                if each.stat().st_mtime < time.time() - MAX_UNUSED_SECONDS:
                    shutil.rmtree(each, ignore_errors=True)
        except (OSError, RuntimeError):
            return None
        return directory if os.access(directory, os.W_OK) else None

    class _SafeCache:
        """Numba's cache of a function, whose faults (a full disk, a file cut short) are no faults of the function."""

        def __init__(self, cache: Any, directory: Path):
            self._cache, self._directory = cache, directory

        def __getattr__(self, name: str) -> Any:
            return getattr(self._cache, name)

        def load_overload(self, *arguments: Any) -> Any:
            """The compiled function; None: it is not there, or cannot be read."""
            return self._attempt(self._cache.load_overload, *arguments)

        def save_overload(self, *arguments: Any) -> None:
            """Caches it, if that can be done."""
            self._attempt(self._cache.save_overload, *arguments)

        def _attempt(self, access: Callable[..., Any], *arguments: Any) -> Any:
            try:
                # Numba writes an index and then a file; of two processes at once one would have the other's.
                with FileLock(self._directory / "lock", timeout=LOCK_SECONDS):
                    return access(*arguments)
            except Exception as failure:
                logging.warning("A compiled function cannot be cached or read: %s", failure)
                return None

    def compiled(function: Function) -> Function:
        """The function, compiled. It releases Python's lock while it runs."""
        directory = _find_directory()
        if directory is None:
            return cast(Function, numba.njit(**_OPTIONS)(function))
        before, _settings["CACHE_DIR"] = _settings["CACHE_DIR"], str(directory)  # which others of this process may use
        try:
            made = numba.njit(cache=True, **_OPTIONS)(function)
        finally:
            _settings["CACHE_DIR"] = before
        made._cache = _SafeCache(made._cache, directory)
        return cast(Function, made)
