"""User errors of the page's events: a sentence beside what was requested."""

import asyncio
from pathlib import Path

import gradio as gr
import pytest

from charplay.bench.timing import on_own_thread
from charplay.inference.engine import GenerationError
from charplay.ui import errors
from charplay.ui.errors import with_problem


def run(function, *values):
    result = function(*values)
    return on_own_thread(lambda: asyncio.run(result)) if asyncio.iscoroutine(result) else result


def halve(number):
    if number % 2:
        raise ValueError("<b>odd</b>")
    return number // 2, "even"


async def halve_later(number):
    return halve(number)


@pytest.mark.parametrize("function", [halve, halve_later])
def test_a_user_error_is_a_sentence_beside_outputs_that_stay(function):
    wrapped = with_problem(function, 2)
    *values, problem = run(wrapped, 3)
    assert values == [gr.skip(), gr.skip()]
    assert "&lt;b&gt;odd" in problem
    assert run(wrapped, 4) == [2, "even", ""]


def test_a_fault_stays_one():
    def fail():
        raise KeyError("x")

    with pytest.raises(KeyError):
        with_problem(fail, 1)()
    assert issubclass(GenerationError, errors.USER_ERRORS)


def test_no_event_of_the_page_raises_an_error_of_gradio_which_would_be_a_toast():
    """Endpoints do: a client has no page."""
    folder = Path(errors.__file__).parent
    raising = {path.name for path in folder.rglob("*.py") if "as_gradio_error" in path.read_text(encoding="utf-8")}
    assert raising == {"api.py", "errors.py"}
