"""The page's head: title, icon and picture, for browsers and for pages that link here, and the scripts that run first.

Gradio puts its own name and picture there, and what `launch(head=)` adds comes by Gradio's own script, which no crawler
runs, and which may be what does not arrive. So the head is changed in the response.
"""

import re
from html import escape
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.responses import FileResponse
from fastapi.routing import APIRoute
from gradio.route_utils import get_root_url

from charplay.ui.assets import read_asset
from charplay.ui.changed_responses import send_changed
from charplay.ui.request_limits import App, Receive, Send

TITLE = "charplay"
DESCRIPTION = "A playground for character-level recurrent networks"
ICON = Path(__file__).parent / "images" / "icon.png"  # drawn by icon.svg beside it
PICTURE = ICON.with_name("preview.png")
PICTURE_ROUTE = "/preview.png"
PICTURE_SIZE = (1200, 630)  # px
_PICTURE_SHOWS = "The letters of the name Costa, each read by one step of a recurrent network, and its answer: Spanish?"
_FIRST_SCRIPTS = "".join(
    f"<script>{read_asset(__file__, name)}</script>" for name in ("missing_files.js", "plain_values.js")
)
_GRADIOS = re.compile(rb'<meta\s+(?:property="og:|name="twitter:)[^>]*>\s*')
_FIRST_IN_HEAD = b'<meta charset="utf-8" />'
_MAX_HEAD_BYTES = 8_000  # in which Gradio's own tags are looked for; after them comes the page's whole description


def picture_route() -> APIRoute:
    """The picture that other pages show beside a link."""
    return APIRoute(PICTURE_ROUTE, lambda: FileResponse(PICTURE), include_in_schema=False)


def tags(root: str) -> str:
    """The tags of the page's head; `root` is its absolute address."""
    described = {"og:title": TITLE, "og:description": DESCRIPTION, "og:type": "website", "og:url": f"{root}/"}
    width, height = map(str, PICTURE_SIZE)
    described |= {"og:image": root + PICTURE_ROUTE, "og:image:width": width, "og:image:height": height}
    described |= {"og:image:alt": _PICTURE_SHOWS}
    lines = [f'<meta property="{name}" content="{escape(value)}" />' for name, value in described.items()]
    return "\n".join(
        [
            f"<title>{TITLE}</title>",
            f'<meta name="description" content="{DESCRIPTION}" />',
            '<meta name="twitter:card" content="summary_large_image" />',
            '<link rel="icon" type="image/png" href="favicon.ico" />',
            '<link rel="apple-touch-icon" href="pwa_icon/192" />',
            *lines,
        ]
    )


def described(page: bytes, root: str) -> bytes:
    """The page with our tags in the place of Gradio's, and our scripts; as it is where its head is none of Gradio's."""
    head, rest = page[:_MAX_HEAD_BYTES], page[_MAX_HEAD_BYTES:]
    if head.count(_FIRST_IN_HEAD) != 1:
        return page
    ours = _FIRST_IN_HEAD + f"\n{tags(root)}\n{_FIRST_SCRIPTS}".encode()
    return _GRADIOS.sub(b"", head).replace(_FIRST_IN_HEAD, ours) + rest


class PageHead:
    """ASGI middleware: changes the head of the page, and no other response."""

    def __init__(self, app: App):
        self._app = app

    async def __call__(self, scope: Any, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != "/":
            await self._app(scope, receive, send)
            return
        root = get_root_url(Request(scope), "/", scope["app"].root_path).rstrip("/")
        await send_changed(self._app, scope, receive, send, "html", lambda page: described(page, root))
