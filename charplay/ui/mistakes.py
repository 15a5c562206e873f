"""The one place that turns the core's `ValueError` sentences into what Gradio shows to a visitor."""

import functools
import inspect
from collections.abc import Callable

import gradio as gr


def spoken(function: Callable) -> Callable:
    """Wraps a function or generator function: a user's mistake becomes its sentence, without a traceback.

    What a visitor typed must not land in a log, so the exception is not printed. A fault of ours stays loud.
    """
    if inspect.isgeneratorfunction(function):

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            try:
                yield from function(*args, **kwargs)
            except ValueError as mistake:
                raise gr.Error(str(mistake), print_exception=False) from None

    else:

        @functools.wraps(function)
        def wrapper(*args, **kwargs):
            try:
                return function(*args, **kwargs)
            except ValueError as mistake:
                raise gr.Error(str(mistake), print_exception=False) from None

    return wrapper
