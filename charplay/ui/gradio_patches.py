"""What Gradio does anew for every visitor and every event, made cheap where nothing differs between them."""

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import fastapi.dependencies.utils
import gradio.queueing
from gradio.blocks import Block, BlocksConfig
from gradio.routes import App
from gradio.state_holder import SessionState

HOT_PATHS = ("/queue/join", "/queue/data")  # the paths of nearly all requests

_create_app = App.create_app
_describe = BlocksConfig.config_for_block


def _describe_once(_id: int, rendered_ids: list[int], block: Block, renderable=None) -> dict:
    """A block's description, to be read alone; made once, unless the block belongs to a part that is rendered anew."""
    if renderable is not None:
        return _describe(_id, rendered_ids, block, renderable)
    # It lies with the block, under the block's number: a copy of the block that is changed has another.
    number, shared = vars(block).get("_described", (None, None))
    if number != id(block):
        shared = _describe(_id, rendered_ids, block)
        block._described = id(block), shared
    return shared


def _write_value(session: SessionState, key: int, value: Any) -> None:
    """Notes a block's value in a session's own description of it: what stood there is every session's."""
    shared = session.config_values.get(key) or _describe_once(key, [], session.blocks_config.blocks[key])
    session.config_values[key] = (
        {**shared, "props": {**shared["props"], "value": value}} if "props" in shared else shared
    )


def _create_ordered_app(*args: Any, **kwargs: Any) -> App:
    """Gradio's app, whose routes stand in the order in which they are looked for."""
    app = _create_app(*args, **kwargs)
    included = [getattr(route, "original_router", app.router) for route in app.router.routes]
    for router in {id(router): router for router in [app.router, *included]}.values():
        router.routes.sort(key=lambda route: not getattr(route, "path", "").endswith(HOT_PATHS))
    return app


async def _at_once(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls where it stands what would be handed to another thread and back."""
    return call(*args, **kwargs)


def apply() -> None:
    """Call before a page is launched.

    The first event of a visitor describes every block of the page again, 20 ms and more on the one thread that serves
    all: two hundred who press a button together would wait for seconds. What one session changes is another block in
    its place, so that the descriptions of the page's own blocks can be shared; what it writes goes into a copy.

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
    SessionState._update_value_in_config = _write_value
    if importlib.util.find_spec("matplotlib") is None:
        sys.modules["matplotlib"] = None
