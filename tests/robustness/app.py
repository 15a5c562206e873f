"""An app of its own, in processes of its own, that is loaded or attacked from outside."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from charplay.bench.classroom import started
from charplay.bench.page_client import HOST, Page, PageConfig


async def _all_started(port: int, process: subprocess.Popen) -> PageConfig:
    """Waits until the page and the worker processes that start with it answer; the configuration of the page.

    The page answers while the teacher-forcing worker still imports PyTorch: some 150 MiB later, and as many seconds of
    a core, that would count as what a load costs.
    """
    config = await started(port, process)
    page, verdict = Page(port, config), config.components["verdict"]
    shows_example = [each for each in config.events if verdict in each["outputs"] and each["targets"][0][1] == "select"]
    async for _ in page.run(shows_example):
        pass
    page.close()
    return config


@contextmanager
def launched_app() -> Iterator[tuple[int, subprocess.Popen, PageConfig]]:
    """Its port, its process, and the configuration of its page, once all of its processes have started."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    arguments = ["app", "--no-browser", "--host", HOST, "--port", str(port)]
    with subprocess.Popen([sys.executable, "-m", "charplay", *arguments], stdout=subprocess.DEVNULL) as process:
        try:
            yield port, process, asyncio.run(_all_started(port, process))
        finally:
            process.terminate()
