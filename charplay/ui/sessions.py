"""What Gradio does anew for every visitor and every event, made cheap where nothing differs between them."""

import importlib.util
import sys
import weakref
from collections.abc import Callable
from typing import Any

import fastapi.dependencies.utils
import gradio.queueing
from gradio.blocks import Block, BlocksConfig
from gradio.routes import App

ASKED_MOST = ("/queue/join", "/queue/data")  # the paths of nearly all requests

_create_app = App.create_app
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


def _create_ordered_app(*args: Any, **kwargs: Any) -> App:
    """Gradio's app, whose routes stand in the order in which they are looked for."""
    app = _create_app(*args, **kwargs)
    included = [getattr(route, "original_router", app.router) for route in app.router.routes]
    for router in {id(router): router for router in [app.router, *included]}.values():
        router.routes.sort(key=lambda route: not getattr(route, "path", "").endswith(ASKED_MOST))
    return app


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

    Before every request Gradio looks whether the visitor is logged in, and after every event whether it is time for its
    statistics: both take microseconds, on a thread of a pool. Handing them over and taking them back was a quarter of
    what a typed letter costs the thread that serves all.

    A request is compared with one route after another, and the two that nearly all requests are for stood behind sixty.
    """
    fastapi.dependencies.utils.run_in_threadpool = _at_once
    gradio.queueing.run_sync = _at_once
    App.create_app = staticmethod(_create_ordered_app)
    BlocksConfig.config_for_block = staticmethod(_describe_once)
    if importlib.util.find_spec("matplotlib") is None:
        sys.modules["matplotlib"] = None
