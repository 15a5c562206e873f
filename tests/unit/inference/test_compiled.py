import importlib.util
import os
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

import charplay
from charplay.inference import compiled, kernels
from charplay.models.networks import CELLS


def load_again(module, monkeypatch):
    """A second copy of a module, as it is in the process that the test pretends."""
    spec = importlib.util.spec_from_file_location(module.__name__, module.__file__)
    copy = importlib.util.module_from_spec(spec)
    monkeypatch.setitem(sys.modules, module.__name__, copy)
    spec.loader.exec_module(copy)
    return copy


@pytest.fixture
def plain_kernels(monkeypatch, caplog):
    """The kernels where Numba is not installed."""
    with monkeypatch.context() as absent:
        absent.setitem(sys.modules, "numba", None)
        load_again(compiled, absent)
        assert "Numba" in caplog.text
        return load_again(kernels, absent)


def step_arguments(random, cell, batch=3, size=5):
    width = {"rnn": 1, "gru": 3, "lstm": 4}[cell] * size

    def floats(*shape):
        return random.standard_normal(shape, np.float32)

    sums = random.integers(-500, 500, (batch, width + 2)).astype(np.int32)
    states = np.zeros((batch, size), np.int8)
    return {
        "x": floats(6, width + 4),
        "rows": np.array([5, 0, 5]),
        "first": 4,
        "x_scale": floats(width),
        "x_bias": floats(width),
        "sums": sums,
        "scale": floats(width + 2) / 200,
        "bias": floats(width + 2),
        "hidden": floats(batch, size) * 50,
        "memory": floats(batch, size) * 50,
        "states": states,
        "is_rounded": True,
    }


@pytest.mark.parametrize("cell", CELLS)
def test_without_numba_a_step_is_the_same(cell, plain_kernels):
    first, second = (step_arguments(np.random.default_rng(0), cell) for _ in range(2))
    getattr(kernels, f"step_{cell}")(*first.values())
    getattr(plain_kernels, f"step_{cell}")(*second.values())
    assert first["states"].any()
    for name in ("hidden", "memory"):
        np.testing.assert_allclose(first[name], second[name], rtol=0, atol=1e-3)
    np.testing.assert_allclose(first["states"], second["states"], rtol=0, atol=1)


def test_without_numba_a_draw_is_the_same(plain_kernels):
    random = np.random.default_rng(0)
    logits, thresholds = random.standard_normal((20, 30), np.float32), np.full(20, -np.inf, np.float32)
    logits[3, 4] = np.nan
    mask = np.where(np.arange(30) % 3, np.float32(0), np.float32(-np.inf))
    inverses, uniforms = np.full(20, 1.25, np.float32), random.random(20)
    first, second = np.empty(20, np.int64), np.empty(20, np.int64)
    kernels.draw(logits, mask, inverses, thresholds, uniforms, first)
    plain_kernels.draw(logits, mask, inverses, thresholds, uniforms, second)
    assert first.tolist() == second.tolist()
    assert first[3] == 30
    assert len(set(first.tolist())) > 5


@pytest.mark.parametrize("x", [-200.0, -87.0, -3.3, -1e-7, 0.0, 0.34, 1.0, 55.5, 87.9])
def test_the_exponential_is_that_of_the_c_library(x):
    expected = np.exp(np.float64(max(np.float32(x), np.float32(-87))))
    assert kernels.exponential(np.float32(x)) == pytest.approx(expected, rel=1e-5)


@pytest.fixture
def home(monkeypatch, tmp_path):
    """An empty cache of a user, in which functions are compiled by a second copy of the module."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def halve(x):
    return x / 2


def test_functions_are_cached_for_the_user_and_loaded_from_there(home, monkeypatch):
    assert load_again(compiled, monkeypatch).compiled(halve)(3.0) == 1.5
    assert len(list(home.rglob("*.nbi"))) == len(list(home.rglob("*.nbc"))) == 1
    again = load_again(compiled, monkeypatch).compiled(halve)
    assert again(3.0) == 1.5
    assert sum(again.stats.cache_hits.values()) == 1
    assert not list(Path(charplay.__file__).parent.rglob("*.nb[ic]"))


def test_what_is_damaged_in_the_cache_is_compiled_again(home, monkeypatch):
    load_again(compiled, monkeypatch).compiled(halve)(3.0)
    for file in home.rglob("*.nb[ic]"):
        file.write_bytes(b"")
    assert load_again(compiled, monkeypatch).compiled(halve)(3.0) == 1.5


def test_what_cannot_be_cached_runs_all_the_same(home, monkeypatch, caplog):
    function = load_again(compiled, monkeypatch).compiled(halve)

    def fail(*arguments):
        raise OSError("No space left on device")

    monkeypatch.setattr(function._cache._cache, "save_overload", fail)
    assert function(3.0) == 1.5
    assert "No space left" in caplog.text


def test_where_nothing_can_be_written_functions_are_compiled_all_the_same(home, monkeypatch):
    (home / "charplay").touch()
    assert load_again(compiled, monkeypatch).compiled(halve)(3.0) == 1.5
    assert [path.name for path in home.iterdir()] == ["charplay"]


def test_functions_of_others_are_cached_where_they_would_be_without_charplay():
    before = numba.config.CACHE_DIR
    compiled.compiled(halve)
    assert before == numba.config.CACHE_DIR


def test_what_older_versions_cached_is_removed(home, monkeypatch):
    old, recent = (home / "charplay" / "compiled" / name for name in ("0.1-old", "0.2-recent"))
    for each in (old, recent):
        each.mkdir(parents=True)
        (each / "cached.nbc").touch()
    os.utime(old, (0, 0))
    load_again(compiled, monkeypatch).compiled(halve)
    assert not old.exists()
    assert (recent / "cached.nbc").exists()


def test_what_this_version_cached_long_ago_is_used(home, monkeypatch):
    load_again(compiled, monkeypatch).compiled(halve)(3.0)
    [directory] = (home / "charplay" / "compiled").iterdir()
    os.utime(directory, (0, 0))
    function = load_again(compiled, monkeypatch).compiled(halve)
    assert function(3.0) == 1.5
    assert sum(function.stats.cache_hits.values()) == 1
