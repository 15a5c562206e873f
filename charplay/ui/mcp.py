"""The endpoints as tools of an MCP server (Model Context Protocol), with `--mcp`: Gradio serves them, if it can.

Gradio makes a tool of every public endpoint, described by its docstring, and calls it through the queue: all bounds
hold, and all of the server's callers share what one session may have under way. Imports no gradio.
"""

import importlib.util
import os
from collections.abc import Container
from typing import Any

_VARIABLE = "GRADIO_MCP_SERVER"  # Gradio's own switch, which a Space sets


def is_requested(option: bool) -> bool:
    """Whether to serve tools: by `--mcp`, or by Gradio's environment variable.

    Raises:
        ValueError: what that takes is not installed.
    """
    if not option and os.environ.get(_VARIABLE, "").lower() != "true":
        return False
    if importlib.util.find_spec("mcp") is None:
        raise ValueError('--mcp needs one more package: pip install "gradio[mcp]"')
    return True


def drop_tools(demo: Any, endpoints: Container[str]) -> None:
    """Takes the tools of these endpoints away from a launched page that has an MCP server."""
    tools = demo.mcp_server_obj.tool_to_endpoint
    for tool in [tool for tool, endpoint in tools.items() if endpoint.removeprefix("/") in endpoints]:
        del tools[tool]
