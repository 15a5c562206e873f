"""What Gradio does anew for every visitor and every event, made cheap where nothing differs between them."""

import importlib.util
import sys
import weakref
from collections.abc import Callable
from typing import Any

import fastapi.dependencies.utils
from gradio.blocks import Block, BlocksConfig

_describe = BlocksConfig.config_for_block
_described: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()  # block -> its description


def _describe_once(_id: int, rendered_ids: list[int], block: Block, renderable=None) -> dict:
    """A block's description, from the last time unless it belongs to a part that is rendered anew."""
    if renderable is not None:
        return _describe(_id, rendered_ids, block, renderable)
    if block not in _described:
        _described[block] = _describe(_id, rendered_ids, block)
    shared = _described[block]
    return {**shared, "props": {**shared["props"]}}  # a session may write into its own


async def _at_once(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls where it stands what would be handed to another thread and back."""
    return call(*args, **kwargs)


def make_cheap() -> None:
    """Call before a page is launched.

    The first event of a visitor describes every block of the page again, 20 ms and more on the one thread that serves
    all: two hundred who press a button together would wait for seconds. What one session changes is another block in
    its place, so that the descriptions of the page's own blocks can be shared.

    Around every call Gradio looks for matplotlib, which is not installed here: looking for it in vain in every
    directory of the path took a seventh of that thread. A None among the modules is found at once.

    Before every request Gradio looks whether the visitor is logged in, which takes microseconds, on a thread of a pool:
    handing it over and taking it back was a fifth of what a typed letter costs the thread that serves all.
    """
    fastapi.dependencies.utils.run_in_threadpool = _at_once
    BlocksConfig.config_for_block = staticmethod(_describe_once)
    if importlib.util.find_spec("matplotlib") is None:
        sys.modules["matplotlib"] = None
