"""An app of its own, in processes of its own, that is loaded or attacked from outside."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from charplay.bench.classroom import started
from charplay.bench.page_client import HOST, PageConfig


@contextmanager
def launched_app() -> Iterator[tuple[int, subprocess.Popen, PageConfig]]:
    """Its port, its process, and the configuration of its page, once all of its processes have started."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    arguments = ["app", "--no-browser", "--host", HOST, "--port", str(port)]
    with subprocess.Popen([sys.executable, "-m", "charplay", *arguments], stdout=subprocess.DEVNULL) as process:
        try:
            yield port, process, asyncio.run(started(port, process))
        finally:
            process.terminate()
