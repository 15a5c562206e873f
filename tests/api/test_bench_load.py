"""The load test against an app of its own."""

import json
import subprocess
import sys

import pytest

PROGRAM = [sys.executable, "-m", "charplay"]


def test_bench_load_lets_a_small_class_loose_on_the_app():
    arguments = ["bench", "load", "--students", "4", "--seconds", "2", "--json"]
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert (result["students"], result["errors"]) == (4, 0)
    assert result["streams"] >= 4
    assert result["slowest_stream_cps"] > 0
    assert result["first_text_p95_s"] > 0
    assert result["typing_p95_s"] > 0


def test_bench_load_opens_the_accordions_that_follow_a_name():
    arguments = ["bench", "load", "--students", "2", "--seconds", "1", "--accordions", "--json"]
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert (result["accordions"], result["errors"]) == (True, 0)
    assert result["typing_median_s"] > 0
    assert result["typing_bytes"] > 10_000  # the plots of the accordions


def test_bench_load_measures_the_same_class_beside_a_training():
    arguments = ["bench", "load", "--students", "2", "--seconds", "2", "--training", "--json"]
    done = subprocess.run([*PROGRAM, *arguments], capture_output=True, text=True, check=True)
    result = json.loads(done.stdout)
    assert result["without"]["errors"] == result["beside"]["errors"] == 0
    assert result["training_characters_per_second"] > 0
    for what in ("typing", "first_text"):
        without, beside = (result[which][f"{what}_p95_s"] for which in ("without", "beside"))
        assert result[f"{what}_p95_ratio"] == pytest.approx(beside / without)
