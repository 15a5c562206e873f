"""Whether the endpoints are served as tools."""

import pytest

from charplay.ui import mcp


@pytest.mark.parametrize("option", [False, True])
@pytest.mark.parametrize("variable", ["", "True"])
def test_tools_are_requested_by_the_option_or_by_gradios_variable(monkeypatch, option, variable):
    monkeypatch.setenv("GRADIO_MCP_SERVER", variable)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: object())
    assert mcp.is_requested(option) is (option or variable == "True")


def test_without_the_package_the_option_says_what_to_install(monkeypatch):
    monkeypatch.delenv("GRADIO_MCP_SERVER", raising=False)
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    assert not mcp.is_requested(False)
    with pytest.raises(ValueError, match=r"pip install .*gradio\[mcp\]"):
        mcp.is_requested(True)
