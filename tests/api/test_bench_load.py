"""The load test against the launched app, and against an app of its own."""

import asyncio
import json
import os
import subprocess
import sys
from types import SimpleNamespace
from urllib.parse import urlsplit

import pytest

from charplay.bench.classroom import classroom
from charplay.bench.timing import on_own_thread
from charplay.cli import main

PROGRAM = [sys.executable, "-m", "charplay"]


def test_a_small_class_is_let_loose_on_the_app(app_url):
    this_process = SimpleNamespace(pid=os.getpid(), poll=lambda: None)
    load = classroom(urlsplit(app_url).port, this_process, students=4, seconds=2, is_open=False)
    result = on_own_thread(lambda: asyncio.run(load))  # pytest's may have the browser's event loop
    assert (result["first_error"], result["errors"]) == (None, 0)
    assert (result["students"], result["accordions"]) == (4, False)
    assert result["streams"] >= 1
    assert result["slowest_stream_cps"] > 0
    assert result["first_text_p95_s"] > 0
    assert result["typing_p95_s"] > 0


def test_bench_load_measures_the_same_class_beside_a_training():
    arguments = ["bench", "load", "--students", "2", "--seconds", "1", "--training", "--accordions", "--json"]
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["training_characters_per_second"] > 0
    for which in ("without", "beside"):
        assert (result[which]["accordions"], result[which]["errors"]) == (True, 0)
        assert result[which]["typing_bytes"] > 10_000  # the plots of the accordions
    for what in ("typing", "first_text"):
        without, beside = (result[which][f"{what}_p95_s"] for which in ("without", "beside"))
        assert result[f"{what}_p95_ratio"] == pytest.approx(beside / without)


@pytest.mark.parametrize("is_open", [False, True])
def test_bench_load_without_a_training_is_one_load(monkeypatch, capsys, is_open):
    monkeypatch.setattr("charplay.cli.bench.bench_load", lambda *arguments: {"arguments": arguments})
    options = ["--accordions"] if is_open else []
    assert main(["bench", "load", "--students", "3", "--seconds", "2", *options, "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == {"arguments": [3, 2.0, is_open]}
