"""Join: a dialog with the page's address, large, and as a QR code, for phones in the same room. joining.js beside it.

The button shows where others can open the page: the app listens to them, or they opened it themselves.
"""

from typing import Any
from urllib.parse import urlsplit, urlunsplit

from fastapi import Request
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute

from charplay.ui import addresses
from charplay.ui.assets import read_asset

BUTTON = '<button type="button" class="sm secondary" aria-haspopup="dialog">Join…</button>'
ROUTE = "/join"  # under the page's own address
_MAX_ADDRESS_CHARACTERS = 500  # of an address that is made a code of
_NO_NETWORK = "This machine is in no network in which others could reach it."
_SCRIPT = read_asset(__file__, "joining.js")


def head(host: str, shows_at_once: bool) -> str:
    """The script for the page's head.

    Args:
        host: where the app listens.
        shows_at_once: whether the dialog opens by itself on this machine.
    """
    options = f"{{listens: {str(not addresses.is_loopback(host)).lower()}, showsAtOnce: {str(shows_at_once).lower()}}}"
    return f"<script>const charplayJoining = {options};\n{_SCRIPT}</script>"


def route() -> APIRoute:
    """What the dialog shows for `?page=`, the page's address in the browser that asks."""
    return APIRoute(ROUTE, _answer, include_in_schema=False)


def shared_address(page: str, share_url: str | None, listening: str) -> str:
    """The address by which others reach the page.

    Args:
        page: its address in some browser.
        share_url: its public link, if it has one.
        listening: the host that the app listens on.

    Raises:
        ValueError: there is none.
    """
    parts = urlsplit(page)
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise ValueError("This is no address of a page.")
    if addresses.is_loopback(parts.hostname) or parts.hostname == addresses.EVERY_ADDRESS:
        if share_url:
            return share_url.rstrip("/")
        number = addresses.in_network(listening)
        if addresses.is_loopback(listening) or number is None:
            raise ValueError(_NO_NETWORK)
        host = f"[{number}]" if ":" in number else number
        parts = parts._replace(netloc=f"{host}:{parts.port}" if parts.port else host)
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def code(address: str) -> str:
    """The address as a QR code: SVG, dark on light in both modes, since not every camera reads the reverse."""
    import segno  # not needed before someone joins

    picture: str = segno.make(address, micro=False).svg_inline(light="#fff", dark="#000", omitsize=True)
    return picture


def _answer(request: Request, page: str) -> JSONResponse:
    blocks: Any = request.app.get_blocks()
    try:
        if len(page) > _MAX_ADDRESS_CHARACTERS:
            raise ValueError("This address is too long.")
        address = shared_address(page, blocks.share_url, blocks.server_name or addresses.DEFAULT_HOST)
        return JSONResponse({"address": address, "code": code(address)})
    except ValueError as error:
        return JSONResponse({"problem": str(error)})
