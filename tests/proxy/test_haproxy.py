"""Two apps behind HAProxy, by the lines of the serving page; one of them is killed under load."""

import asyncio
import re

import httpx
import pytest

from tests.proxy.conftest import free_port, kill, program, running, starting_app, wait_for
from tests.proxy.test_nginx import documented_lines

ANSWER_SECONDS = 60


@pytest.fixture
def two_apps(tmp_path):
    """The address of HAProxy, and the two apps' processes by their cookie."""
    port = free_port()
    with starting_app(tmp_path / "one.log") as (one, one_port), starting_app(tmp_path / "two.log") as (two, two_port):
        for each in (one_port, two_port):
            wait_for(f"http://127.0.0.1:{each}/")
        lines = documented_lines("frontend page").replace("bind :80", f"bind 127.0.0.1:{port}")
        lines = lines.replace("10.0.0.1:7860", f"127.0.0.1:{one_port}").replace(
            "10.0.0.2:7860", f"127.0.0.1:{two_port}"
        )
        configuration = tmp_path / "haproxy.cfg"
        configuration.write_text(f"global\n    maxconn 500\n{lines}")
        with running([program("haproxy"), "-db", "-f", str(configuration)], tmp_path / "haproxy.log"):
            url = f"http://127.0.0.1:{port}"
            wait_for(url)
            yield url, {"one": one, "two": two}


async def generate(client: httpx.AsyncClient, on_text=lambda: None) -> str:
    """The whole of one generated text, by the two requests that a browser makes."""
    call = "/gradio_api/call/generate"
    answer = await client.post(call, json={"data": ["We ", 0.8, 2_000, None, 0, 7]})
    answer.raise_for_status()
    async with client.stream("GET", f"{call}/{answer.json()['event_id']}") as stream:
        lines = []
        async for line in stream.aiter_lines():
            lines.append(line)
            if line == "event: generating":
                on_text()
    assert "event: complete" in lines, lines[-2:]
    return lines[-1] or lines[-2]


def machine_of(client: httpx.AsyncClient) -> str:
    return client.cookies["MACHINE"]


async def open_page(url: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=url, timeout=ANSWER_SECONDS)
    (await client.get("/config")).raise_for_status()
    return client


async def until_answered(client: httpx.AsyncClient) -> str:
    """A text from whichever machine is left; until the balancer has noticed, a request may fail."""
    async with asyncio.timeout(ANSWER_SECONDS):
        while True:
            try:
                return await generate(client)
            except (httpx.HTTPError, AssertionError):
                await asyncio.sleep(0.2)


async def kill_one_under_load(url: str, apps: dict) -> None:
    pages = [await open_page(url) for _ in range(4)]
    by_machine = {name: [page for page in pages if machine_of(page) == name] for name in apps}
    assert all(by_machine.values()), "both machines have pages"
    texts = {await generate(page) for page in pages}
    assert len(texts) == 1  # a seed gives the same text on both

    has_begun = asyncio.Event()
    streams = {page: asyncio.create_task(generate(page, has_begun.set)) for page in pages}
    await has_begun.wait()
    kill(apps["one"])
    assert {await streams[page] for page in by_machine["two"]} == texts  # undisturbed
    await asyncio.gather(*(streams[page] for page in by_machine["one"]), return_exceptions=True)
    for page in by_machine["one"]:
        assert await until_answered(page) in texts
        assert machine_of(page) == "two"
    for page in pages:
        await page.aclose()


def test_a_machine_that_dies_takes_no_page_of_the_other_with_it(two_apps, run_async):
    run_async(kill_one_under_load(*two_apps), 300)


def test_the_documented_lines_keep_a_visitor_on_a_machine():
    assert re.search(r"cookie \w+ insert", documented_lines("frontend page"))
