"""The one place that turns an error of the core into what the page shows: a sentence beside what was requested."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from html import escape
from typing import Any

import gradio as gr

from charplay.inference.engine import GenerationError
from charplay.ui import html

USER_ERRORS = (ValueError, GenerationError)  # whose sentence says what to change


@contextmanager
def _to_gradio_error() -> Iterator[None]:
    try:
        yield
    except USER_ERRORS as error:
        # Gradio renders the sentence as HTML, and it may quote what a visitor typed or named.
        raise gr.Error(escape(str(error), quote=False), print_exception=False) from None


def as_gradio_error(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps an endpoint, a function, coroutine or asynchronous generator: a user error becomes its sentence.

    There is no traceback, so that nothing that a user typed gets into a log. Other exceptions are faults, and stay
    loud. On the page such an error would be a toast, which goes away by itself and stacks: see `with_problem`.
    """
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def generator(*args: Any, **kwargs: Any) -> Any:
            with _to_gradio_error():
                async with aclosing(function(*args, **kwargs)) as items:
                    async for item in items:
                        yield item

        return generator

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> Any:
            with _to_gradio_error():
                return await function(*args, **kwargs)

        return coroutine

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> Any:
        with _to_gradio_error():
            return function(*args, **kwargs)

    return wrapper


def with_problem(function: Callable[..., Any], outputs: int) -> Callable[..., Any]:
    """Wraps a function or coroutine of an event of the page: adds one output, the sentence of a user error (HTML).

    It is empty once the function succeeds: the sentence stays as long as its cause. Beside a sentence the other outputs
    keep what they show.

    Args:
        function: returns the value of its output, or a sequence of values.
        outputs: how many it has.
    """

    def succeeded(result: Any) -> list[Any]:
        return [*(result if isinstance(result, tuple | list) else [result]), ""]

    def failed(error: Exception) -> list[Any]:
        return [*[gr.skip()] * outputs, html.problem(str(error))]

    if inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def coroutine(*args: Any, **kwargs: Any) -> list[Any]:
            try:
                return succeeded(await function(*args, **kwargs))
            except USER_ERRORS as error:
                return failed(error)

        return coroutine

    @functools.wraps(function)
    def wrapper(*args: Any, **kwargs: Any) -> list[Any]:
        try:
            return succeeded(function(*args, **kwargs))
        except USER_ERRORS as error:
            return failed(error)

    return wrapper
