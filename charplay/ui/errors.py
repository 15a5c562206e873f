"""The one place that turns an error of the core into what Gradio shows on the page."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from html import escape
from typing import Any

import gradio as gr

from charplay.inference.engine import GenerationError


@contextmanager
def _to_gradio_error() -> Iterator[None]:
    try:
        yield
    except (ValueError, GenerationError) as error:
        # Gradio renders the sentence as HTML, and it may quote what a visitor typed or named.
        raise gr.Error(escape(str(error), quote=False), print_exception=False) from None


def as_gradio_error(function: Callable[..., Any]) -> Callable[..., Any]:
    """Wraps a function, coroutine or asynchronous generator: a user error becomes its sentence, without a traceback.

    It is not printed, so that nothing that a user typed gets into a log. Other exceptions are faults, and stay loud.
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
