"""Apps of their own behind proxies from Debian; a test is skipped, with the reason, where one is not installed."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.conftest import missing

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120  # for an app or a proxy to answer on a busy machine


def free_port() -> int:
    with closing(socket.socket()) as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def program(name: str) -> str:
    """The path of a program, which may lie where only root looks."""
    path = shutil.which(name, path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    return path or missing(f"{name} is not installed: apt-get install {name}")


def wait_for(url: str, **how) -> None:
    """Returns when the address answers."""
    end = time.monotonic() + START_SECONDS
    while True:
        try:
            with urllib.request.urlopen(url, timeout=5, **how):
                return
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


@contextmanager
def running(command: list[str], log: Path, **environment: str):
    """A program with a process group of its own, which ends with the block."""
    with log.open("wb") as out:
        process = subprocess.Popen(
            command, stdout=out, stderr=out, cwd=ROOT, env=os.environ | environment, start_new_session=True
        )
        try:
            yield process
        finally:
            kill(process)


def kill(process: subprocess.Popen) -> None:
    """Ends a program and those that it started, at once."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def starting_app(log: Path, **environment: str):
    """The app on a free port, which it will answer on: (its process, its port)."""
    port = free_port()
    command = [sys.executable, "app.py", "--no-browser", "--host", "127.0.0.1", "--port", str(port)]
    with running(command, log, **environment) as process:
        yield process, port


@contextmanager
def running_app(log: Path, **environment: str):
    """As `starting_app`, once it answers."""
    with starting_app(log, **environment) as (process, port):
        wait_for(f"http://127.0.0.1:{port}/")
        yield process, port


@pytest.fixture(scope="session")
def certificate(tmp_path_factory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that nobody but the test trusts, and its key."""
    directory = tmp_path_factory.mktemp("certificate")
    certificate, key = directory / "page.crt", directory / "page.key"
    subject = ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    command = [program("openssl"), "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", *subject, *files]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
