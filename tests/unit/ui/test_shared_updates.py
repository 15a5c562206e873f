"""No update of a component is a constant: Gradio takes the value out of one that it sends, so that it works once."""

import importlib
import pkgutil
from collections.abc import Iterator

import gradio as gr
import pytest
from gradio.blocks import postprocess_update_dict

import charplay.ui

MODULES = [module.name for module in pkgutil.walk_packages(charplay.ui.__path__, "charplay.ui.")]


def updates_in(value: object) -> Iterator[dict]:
    """The updates in a constant and in what it contains."""
    if isinstance(value, dict) and "__type__" in value:
        yield value
    elif isinstance(value, list | tuple | set | dict):
        for each in value.values() if isinstance(value, dict) else value:
            yield from updates_in(each)


@pytest.mark.parametrize("module", MODULES)
def test_no_constant_is_an_update_with_a_value(module):
    constants = vars(importlib.import_module(module))
    with_values = {name for name, value in constants.items() for each in updates_in(value) if "value" in each}
    assert not {name for name in with_values if not name.startswith("__")}


def test_gradio_takes_the_value_out_of_an_update():
    update = gr.update(value="Generating…")
    for is_first in (True, False):
        sent = postprocess_update_dict(gr.Button(render=False), update)
        assert ("value" in sent) == is_first
