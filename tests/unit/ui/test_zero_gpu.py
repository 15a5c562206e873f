"""The declaration that a Space on ZeroGPU wants."""

import builtins
import sys
from types import SimpleNamespace

import pytest

from charplay.ui import zero_gpu


def test_a_zero_gpu_space_has_one_function_for_a_short_time(monkeypatch):
    declared = []
    package = SimpleNamespace(GPU=lambda duration: lambda function: declared.append((function, duration)))
    monkeypatch.setitem(sys.modules, "spaces", package)
    monkeypatch.setenv("SPACES_ZERO_GPU", "true")
    zero_gpu.declare()
    [(function, duration)] = declared
    assert callable(function)
    assert duration == 1


@pytest.mark.parametrize("value", [None, "", "false"])
def test_elsewhere_the_package_is_not_imported(monkeypatch, value):
    imported = builtins.__import__

    def importing(name, *arguments, **options):
        assert name != "spaces"
        return imported(name, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", importing)
    if value is None:
        monkeypatch.delenv("SPACES_ZERO_GPU", raising=False)
    else:
        monkeypatch.setenv("SPACES_ZERO_GPU", value)
    zero_gpu.declare()
