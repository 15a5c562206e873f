"""What an operating system lacks is taken away: its fallback does."""

import io
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from charplay import system


def test_without_priorities_a_process_keeps_its_own(monkeypatch):
    monkeypatch.delattr(os, "setpriority", raising=False)
    assert not system.lower_priority(19, os.getpid())


def test_a_priority_is_lowered_by_so_much_where_there_are_any(monkeypatch):
    given = []
    monkeypatch.setattr(os, "PRIO_PROCESS", 0, raising=False)
    monkeypatch.setattr(os, "getpriority", lambda which, pid: 3, raising=False)
    monkeypatch.setattr(os, "setpriority", lambda *arguments: given.append(arguments), raising=False)
    assert system.lower_priority(7, 42)
    assert not system.lower_priority(0, 42)
    assert given == [(0, 42, 10)]


def test_a_process_that_has_ended_needs_no_priority():
    with subprocess.Popen([sys.executable, "-c", ""]) as ended:
        ended.wait()
        system.lower_priority(1, ended.pid)


def test_of_a_thread_alone_it_is_lowered_where_threads_have_one(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not system.lower_thread_priority(5)
    monkeypatch.undo()
    if sys.platform == "linux":
        with ThreadPoolExecutor(1) as pool:
            assert pool.submit(system.lower_thread_priority, 5).result()
            assert pool.submit(os.nice, 0).result() == os.nice(0) + 5


def test_without_a_load_average_there_is_no_number(monkeypatch):
    monkeypatch.delattr(os, "getloadavg", raising=False)
    assert system.load_average() is None


def test_without_owners_every_file_is_ones_own(monkeypatch, tmp_path):
    assert system.is_own(tmp_path)
    monkeypatch.setattr(os, "getuid", lambda: -1, raising=False)
    assert not system.is_own(tmp_path)
    monkeypatch.delattr(os, "getuid")
    assert system.is_own(tmp_path)


def test_without_proc_the_resident_memory_is_not_known(monkeypatch):
    def no_file(path):
        raise FileNotFoundError(path)

    monkeypatch.setattr(Path, "read_text", no_file)
    assert system.resident_mib(os.getpid()) is None


def test_without_descriptors_what_python_prints_goes_to_standard_error(monkeypatch):
    def no_descriptor(number):
        raise OSError(9, "Bad file descriptor")

    responses, errors = io.TextIOWrapper(io.BytesIO()), io.StringIO()
    monkeypatch.setattr(os, "dup", no_descriptor)
    monkeypatch.setattr(sys, "stdout", responses)
    monkeypatch.setattr(sys, "stderr", errors)
    out = system.take_standard_output()
    print("from a library")
    out.write(b"a response\n")
    assert responses.buffer.getvalue() == b"a response\n"
    assert errors.getvalue() == "from a library\n"


@pytest.fixture
def windows(monkeypatch):
    """A file in this set is open, and cannot be removed as long as it is."""
    opened, unlink = set(), Path.unlink

    def unlink_closed(path, missing_ok=False):
        if path in opened:
            raise PermissionError(13, "The process cannot access the file")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", unlink_closed)
    return opened


def test_a_file_that_is_open_is_removed_later(windows, tmp_path):
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first, second):
        path.touch()
    windows.add(first)
    system.remove_file(first)
    assert first.exists()
    windows.clear()
    system.remove_file(second)
    assert list(tmp_path.iterdir()) == []
    system.remove_file(first)  # there is none any more


WORKER = """
import os, signal
for name in ("getuid", "dup", "dup2"):
    delattr(os, name)
from charplay.workers import server
def start(responses):
    print("a library prints")
    return lambda request: responses.finish(request["id"], "answer")
server.run_worker(start)
"""


def test_a_worker_answers_without_owners_and_descriptors():
    request = b'{"id": 1, "kind": "any", "arguments": {}}\n'
    worker = subprocess.run([sys.executable, "-c", WORKER], input=request, capture_output=True, check=True)
    assert worker.stdout.count(b"\n") == 1
    assert b'"answer"' in worker.stdout
    assert b"a library prints" in worker.stderr
