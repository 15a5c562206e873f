"""CSS and JavaScript that lie in files of their own beside the module that uses them."""

from pathlib import Path


def read_asset(module: str, name: str) -> str:
    """The text of a file beside a module.

    Args:
        module: the module's `__file__`.
        name: of the file, such as "bars.css".
    """
    return Path(module).with_name(name).read_text(encoding="utf-8")
