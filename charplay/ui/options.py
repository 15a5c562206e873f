"""The options of `python app.py` and `charplay app`, checked before anything is built. Imports no gradio."""

import argparse
from pathlib import Path

from charplay.ui import addresses, mcp


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Where to listen, who is to know of it, and what the page teaches."""
    parser.add_argument("--host", help="address to listen on; 0.0.0.0 lets others in the room connect")
    parser.add_argument(
        "--class",
        dest="for_class",
        action="store_true",
        help="let others in the room connect, and show them the address on the screen, large, and as a QR code",
    )
    parser.add_argument("--port", type=int, help="port to listen on")
    parser.add_argument("--share", action="store_true", help="a public link, through Gradio's relay")
    parser.add_argument("--no-browser", action="store_true", help="do not open the browser")
    parser.add_argument("--mcp", action="store_true", help="also serve the endpoints as tools, for MCP clients")
    parser.add_argument("--lesson", type=Path, metavar="FILE", help="a lesson of your own, a JSON file")


def check(arguments: argparse.Namespace) -> tuple[str, int]:
    """The host and port to listen on; sets `mcp` to whether tools are served.

    Raises:
        ValueError: the app cannot run so; the sentence says why.
    """
    arguments.mcp = mcp.is_requested(arguments.mcp)
    host = arguments.host or (addresses.EVERY_ADDRESS if arguments.for_class else None)
    host, port = addresses.choose(host, arguments.port)
    if arguments.for_class and addresses.is_loopback(host) and not arguments.share:
        raise ValueError(f"--class is for others in the room, and {host} is this machine's alone: leave out --host.")
    return host, port
