"""The endpoints as tools of an MCP server, listed and called by an MCP client."""

import asyncio
import json
import urllib.request
from importlib.util import find_spec

import pytest

from charplay import limits
from charplay.bench.timing import on_own_thread
from charplay.data.datasets import COUNTRIES
from tests.conftest import launched, missing

TOOLS = {"classify", "prefix_probabilities", "generate", "surprise", "invent", "compare_batches"}


@pytest.fixture(scope="module")
def mcp_url():
    if find_spec("mcp") is None:
        missing("the mcp package is not installed")
    with launched(with_tools=True) as (_, url):
        yield f"{url}gradio_api/mcp"


def converse(url: str, *calls: tuple[str, dict]) -> tuple[dict, list]:
    """The tools by name, and the results of calls that are made at once."""
    from mcp import ClientSession
    from mcp.client.streamable_http import streamable_http_client

    async def run():
        async with streamable_http_client(f"{url}/") as (receive, send, _), ClientSession(receive, send) as session:
            await session.initialize()
            tools = {tool.name: tool for tool in (await session.list_tools()).tools}
            return tools, await asyncio.gather(*(session.call_tool(name, arguments) for name, arguments in calls))

    return on_own_thread(lambda: asyncio.run(run()))  # pytest's may have the browser's event loop


def text_of(result) -> str:
    return " ".join(content.text for content in result.content)


def test_the_tools_are_the_endpoints_each_described(mcp_url):
    tools, _ = converse(mcp_url)
    assert set(tools) == TOOLS
    for tool in tools.values():
        assert tool.description
        assert all(parameter["description"] for parameter in tool.inputSchema["properties"].values())
    assert tools["generate"].inputSchema["required"] == ["prime"]
    with urllib.request.urlopen(f"{mcp_url}/schema", timeout=30) as response:
        assert {tool["name"] for tool in json.load(response)} == TOOLS


def test_each_tool_answers_and_its_bounds_hold(mcp_url):
    _, results = converse(
        mcp_url,
        ("classify", {"name": "Müller", "prior": "uniform"}),
        ("prefix_probabilities", {"name": "Li"}),
        ("generate", {"prime": "My fellow ", "length": 30, "seed": 1}),
        ("surprise", {"text": "We the people"}),
        ("compare_batches", {"names": ["adylov", "solan", "hard", "san"]}),
        ("generate", {"prime": "My", "temperature": limits.TEMPERATURE.high + 1}),
        ("classify", {"name": "a" * (limits.MAX_NAME_CHARACTERS + 1)}),
        ("classify", {"name": 7}),
        ("belief", {"name": "Li"}),
    )
    assert [result.isError for result in results] == [False] * 5 + [True] * 4
    answers = [text_of(result) for result in results]
    assert all(country in answers[0] for country in COUNTRIES)
    assert "'normalized': 'Li'" in answers[1]
    assert answers[2].startswith("My fellow ")
    assert len(answers[2]) == len("My fellow ") + 30
    assert "bits_per_character" in answers[3]
    assert "'batch_sizes': [4, 4, 4, 3, 2, 1]" in answers[4]
    assert str(limits.MAX_NAME_CHARACTERS) in answers[6]
    assert not any("Traceback" in answer for answer in answers)


def test_the_callers_together_have_the_share_of_one_session(mcp_url):
    long = ("generate", {"prime": "My", "length": limits.LENGTH.high, "seed": 1})
    _, results = converse(mcp_url, *[long] * (limits.MAX_SESSION_TEXTS + 4))
    refused = [result for result in results if result.isError]
    assert 1 <= len(refused) <= 4
    assert all(str(limits.MAX_SESSION_TEXTS) in text_of(result) for result in refused)
