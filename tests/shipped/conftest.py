"""The data of the shipped models, read once."""

import functools

import pytest

from charplay.data import datasets


@pytest.fixture(scope="package", autouse=True)
def data_read_once():
    """To verify and read the speeches takes seconds, and most of these tests do; none may change what it gets."""
    with pytest.MonkeyPatch.context() as patch:
        for name in ("load_names", "load_speeches"):
            patch.setattr(datasets, name, functools.cache(getattr(datasets, name)))
        yield
