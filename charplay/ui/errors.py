"""The one place that turns the core's sentences into what Gradio shows to a visitor."""

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager

import gradio as gr

from charplay.inference.engine import GenerationError


@contextmanager
def _to_gradio_error() -> Iterator[None]:
    try:
        yield
    except (ValueError, GenerationError) as mistake:
        raise gr.Error(str(mistake), print_exception=False) from None


def as_gradio_error(function: Callable) -> Callable:
    """Wraps a function, coroutine or asynchronous generator: a user's mistake becomes its sentence, no traceback.

    What a visitor typed must not land in a log, so the exception is not printed. A fault of ours stays loud.
    """
    if inspect.isasyncgenfunction(function):

        @functools.wraps(function)
        async def wrapper(*args, **kwargs):
            with _to_gradio_error():
                async with aclosing(function(*args, **kwargs)) as items:
                    async for item in items:
                        yield item

    elif inspect.iscoroutinefunction(function):

        @functools.wraps(function)
        async def wrapper(*args, **kwargs):
            with _to_gradio_error():
                return await function(*args, **kwargs)

    else:

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            with _to_gradio_error():
                return function(*args, **kwargs)

    return wrapper
