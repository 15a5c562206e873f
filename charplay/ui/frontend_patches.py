"""Patches of the JavaScript of Gradio's page that remove needless work, applied to its files on their way.

Each patch is applied only where its file holds what it replaces, once; otherwise the file is sent as it is and a line
is logged. What they bring together is measured by `python -m tests.browser.opening_costs` (figures:
charplay/bench/README.md). Two more, which need no change of a file, are in plain_values.js.
"""

import logging
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from charplay.ui.assets import read_asset
from charplay.ui.changed_responses import send_changed
from charplay.ui.request_limits import App, Receive, Send

_FILE = re.compile(r"/assets/(?P<name>[\w.]+)-[\w-]+\.js$")
_FIND_COMPONENT = read_asset(__file__, "find_component.js")


class FilePatch(NamedTuple):
    """A piece of a file, whatever the names are that its minifier chose, and what replaces it."""

    file: str  # its name, without the hash that follows
    piece: re.Pattern[str]
    replace: Callable[[re.Match[str]], str]


FILE_PATCHES = {
    # At each value that an event reads or sets Gradio searches all six hundred components, through Svelte's proxies.
    "find_component": FilePatch(
        "core",
        re.compile(
            r"function (?P<name>\w+)\((?P<root>\w+),(?P<id>\w+)\)\{if\((?P=root)\.id===(?P=id)\)return (?P=root);"
            r"if\((?P=root)\.children\)for\(let (?P<child>\w+) of (?P=root)\.children\)"
            r"\{let (?P<found>\w+)=(?P=name)\((?P=child),(?P=id)\);if\((?P=found)\)return (?P=found)\}return null\}"
        ),
        lambda match: _FIND_COMPONENT.replace("FIND", match["name"]),
    ),
    # What shows that Gradio loads has a clock, which goes on once it is removed: sixty frames a second for ever.
    "removed_clock": FilePatch(
        "statustracker",
        re.compile(
            r"function (?P<start>\w+)\(\)\{(?P<is_running>\w+)\|\|\([^{}]*\)\}function \w+\(\)\{[^{}]*\}"
            r"(?P<effect>\w+)\(\(\)=>\{(?=\w+\.status===`pending`\?(?P=start)\(\))"
        ),
        lambda match: (
            match[0][: match.start("effect") - match.start()]
            + "{effect}(()=>()=>{{{is_running}=!1}}),{effect}(()=>{{".format(**match.groupdict())
        ),
    ),
}


def patched(file: str, content: bytes) -> bytes:
    """A file of Gradio's page with its patches, or as it is where it does not hold once what they replace.

    Args:
        file: its name, without the hash that follows.
        content: UTF-8.
    """
    text = content.decode()
    for name, patch in FILE_PATCHES.items():
        if patch.file != file:
            continue
        pieces = list(patch.piece.finditer(text))
        if len(pieces) == 1:
            text = text[: pieces[0].start()] + patch.replace(pieces[0]) + text[pieces[0].end() :]
        else:
            logging.warning("Gradio's page is not as known, it runs without a patch: %s", name)
    return text.encode()


class PatchedFrontend:
    """ASGI middleware: patches the files of Gradio's page, and changes no other response."""

    def __init__(self, app: App):
        self._app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        file = _FILE.search(scope["path"]) if scope["type"] == "http" else None
        if file is None or all(patch.file != file["name"] for patch in FILE_PATCHES.values()):
            await self._app(scope, receive, send)
            return
        await send_changed(
            self._app, scope, receive, send, "javascript", lambda content: patched(file["name"], content)
        )
