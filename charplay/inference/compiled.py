"""Functions that Numba compiles for this processor, at their first call on this computer; later processes load them.

A function is compiled anew for each combination of the types of its arguments. Without Numba it runs as it is written:
the results are the same, after a hundred times as long.
"""

import logging
import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

from charplay.system import cache_directory

Function = TypeVar("Function", bound=Callable[..., Any])

try:
    import numba
except ImportError:
    logging.warning("Numba is not installed: networks run much more slowly.")

    def compiled(function: Function) -> Function:
        """The function itself."""
        return function

else:
    _settings = vars(numba.config)

    def _find_directory() -> str | None:
        """Where compiled functions are kept; None: nowhere, as in a read-only container, or of a user with no home.

        By itself Numba would write beside the module, which may be installed for all users of a computer.
        """
        try:
            directory = _settings["CACHE_DIR"] or str(cache_directory() / "compiled")
            os.makedirs(directory, exist_ok=True)
        except (OSError, RuntimeError):
            return None
        return directory if os.access(directory, os.W_OK) else None

    _directory = _find_directory()
    if _directory:
        _settings["CACHE_DIR"] = _directory
    # Sums may be reordered and terms fused, as vector instructions need it; NaN and infinity stay what they are.
    _compile = numba.njit(
        nogil=True, cache=_directory is not None, error_model="numpy", fastmath={"contract", "reassoc", "arcp", "nsz"}
    )

    def compiled(function: Function) -> Function:
        """The function, compiled. It releases Python's lock while it runs."""
        return cast(Function, _compile(function))
