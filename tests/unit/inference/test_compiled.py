import importlib.util
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


def test_nothing_is_written_beside_the_package():
    kernels.exponential(np.float32(1))
    assert not list(Path(charplay.__file__).parent.rglob("*.nb[ic]"))
    assert list(Path(numba.config.CACHE_DIR).rglob("*.nbi"))


def test_where_nothing_can_be_written_functions_are_compiled_all_the_same(monkeypatch, tmp_path):
    (tmp_path / "file").touch()
    monkeypatch.setitem(vars(numba.config), "CACHE_DIR", "")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert load_again(compiled, monkeypatch).compiled(lambda x: x + 1)(2) == 3
    assert not numba.config.CACHE_DIR
