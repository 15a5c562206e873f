"""The app started as a program on machines that are not a developer's: it starts, or says in a sentence why not."""

import os
import shutil
import socket
import stat
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from gradio import networking
from gradio_client import Client

from charplay.models import checkpoints
from tests.conftest import launched, make_checkpoint, missing

ROOT = Path(__file__).resolve().parents[2]
START_SECONDS = 120  # seconds to the first answer; a machine that tests run on is busy
REFUSE_SECONDS = 60  # seconds to a sentence; ports of an address that is not here must not be tried one by one


@contextmanager
def silent_proxy():
    """The address of a proxy that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"127.0.0.1:{server.getsockname()[1]}"


@contextmanager
def started(*arguments: str, program=(sys.executable, "app.py"), cwd: Path = ROOT, **variables: str):
    """The address that the app prints, once it does; the app is ended afterwards."""
    app = subprocess.Popen(
        [*program, "--no-browser", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONUNBUFFERED": "1"} | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    printed = []
    limit = threading.Timer(START_SECONDS, app.kill)
    limit.start()
    try:
        for line in app.stdout:
            printed.append(line)
            if "Running on local URL" in line:
                break
        else:
            pytest.fail(f"it ended, or printed no address in time:\n{''.join(printed)}")
        url = line.split()[-1]
        client = Client(url, verbose=False)
        yield url, client
        client.close()
    finally:
        limit.cancel()
        app.kill()
        app.wait()


def refused(*arguments: str, **variables: str) -> str:
    """What the app prints where it does not start."""
    program = [sys.executable, "app.py", "--no-browser", *arguments]
    out = subprocess.run(
        program, cwd=ROOT, env=os.environ | variables, capture_output=True, text=True, timeout=REFUSE_SECONDS
    )
    assert out.returncode == 1
    assert out.stderr.count("\n") == 1, out.stderr
    return out.stderr


def free_port(host: str) -> int:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.create_server((host, 0), family=family) as server:
            return server.getsockname()[1]
    except OSError:
        missing(f"this machine has no {host}")


def test_a_proxy_that_never_answers_does_not_hang_the_start_at_an_ipv6_address():
    port = free_port("::1")
    with silent_proxy() as proxy:
        proxies = dict.fromkeys(("http_proxy", "HTTP_PROXY", "https_proxy"), f"http://{proxy}")
        proxies |= {"ALL_PROXY": f"socks5://{proxy}", "no_proxy": "", "NO_PROXY": ""}
        with started("--host", "::1", "--port", str(port), **proxies) as (url, client):
            assert url == f"http://[::1]:{port}"
            assert client.predict("Rossi", api_name="/classify")["country"] == "Italian"


def test_every_ipv6_address_can_be_listened_on_by_the_environment():
    port = free_port("::")
    variables = {"GRADIO_SERVER_NAME": "::", "GRADIO_SERVER_PORT": str(port)}
    with started(**variables) as (url, client):
        assert url == f"http://[::]:{port}"
        assert client.predict("Rossi", api_name="/classify")["country"] == "Italian"


@pytest.fixture
def read_only_checkout(tmp_path):
    """A copy of the program in directories that cannot be written to."""
    checkout = tmp_path / "checkout"
    for name in ("charplay", "checkpoints"):
        shutil.copytree(ROOT / name, checkout / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "app.py", checkout)
    directories = [checkout, *(path for path in checkout.rglob("*") if path.is_dir())]
    for directory in directories:
        directory.chmod(stat.S_IRUSR | stat.S_IXUSR)
    yield checkout
    for directory in directories:
        directory.chmod(stat.S_IRWXU)


def as_ordinary_user() -> tuple[str, ...]:
    """What to put before a program so that the modes of files hold for it, as they do not for root."""
    if not hasattr(os, "getuid") or os.getuid() != 0:
        return ()
    if not shutil.which("setpriv"):
        missing("root is stopped by no file's mode, and there is no setpriv")
    return ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


def test_where_nothing_but_a_temporary_directory_can_be_written_it_starts_and_takes_uploads(
    read_only_checkout, tmp_path
):
    locked, temporary = tmp_path / "locked", tmp_path / "temporary"
    locked.mkdir(mode=0o500)
    temporary.mkdir()
    variables = {"TMPDIR": str(temporary), "GRADIO_TEMP_DIR": str(locked), "HOME": str(locked)}
    program = (*as_ordinary_user(), sys.executable, "app.py")
    port = str(free_port("127.0.0.1"))
    with started("--port", port, program=program, cwd=read_only_checkout, **variables) as (url, client):
        assert client.predict("Rossi", api_name="/classify")["country"] == "Italian"
        assert client.predict("My fellow", length=5, api_name="/generate")
        files = {"files": ("text.txt", b"the cat sat on the mat. " * 100)}
        assert httpx.post(f"{url}/gradio_api/upload", files=files).is_success
    assert list(locked.iterdir()) == []


def test_a_machine_too_busy_to_answer_its_own_first_request_in_time_starts(monkeypatch, tmp_path):
    monkeypatch.setattr(networking, "url_ok", lambda url: False)
    checkpoints.save(tmp_path / "names.safetensors", make_checkpoint("names"))
    with launched(tmp_path) as (_, url):
        assert httpx.get(url, timeout=START_SECONDS).is_success


def test_a_port_in_use_is_one_sentence():
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = str(server.getsockname()[1])
        assert port in refused("--port", port)


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_an_address_that_is_not_this_machines_is_one_sentence(host):
    assert host in refused("--host", host)
