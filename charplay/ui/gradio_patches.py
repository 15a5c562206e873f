"""Patches of Gradio: work that it repeats for every session and every event is cached or done in place."""

import importlib.util
import sys
from collections.abc import Callable
from typing import Any

import fastapi.dependencies.utils
import gradio.queueing
from gradio.blocks import Block, BlocksConfig
from gradio.routes import App
from gradio.state_holder import SessionState

HOT_PATHS = ("/queue/join", "/queue/data")  # paths of nearly all requests

_create_app = App.create_app
_describe = BlocksConfig.config_for_block


def _describe_once(_id: int, rendered_ids: list[int], block: Block, renderable=None) -> dict:
    """A block's description, not to be modified: cached, unless the block belongs to a part that is rendered again."""
    if renderable is not None:
        return _describe(_id, rendered_ids, block, renderable)
    # Cached on the block under its id(): a modified copy of the block has another id.
    owner, description = vars(block).get("_described", (None, None))
    if owner != id(block):
        description = _describe(_id, rendered_ids, block)
        block._described = id(block), description  # type: ignore[attr-defined]
    return description


def _write_value(session: SessionState, key: int, value: Any) -> None:
    """Writes a block's value into a session's own copy of the description, which the sessions share until then."""
    shared = session.config_values.get(key) or _describe_once(key, [], session.blocks_config.blocks[key])
    session.config_values[key] = (
        {**shared, "props": {**shared["props"], "value": value}} if "props" in shared else shared
    )


def _create_ordered_app(*args: Any, **kwargs: Any) -> App:
    """Gradio's app, with the routes of `HOT_PATHS` first."""
    app = _create_app(*args, **kwargs)
    included = [getattr(route, "original_router", app.router) for route in app.router.routes]
    for router in {id(router): router for router in [app.router, *included]}.values():
        router.routes.sort(key=lambda route: not getattr(route, "path", "").endswith(HOT_PATHS))
    return app


async def _call_in_place(call: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Calls in the event loop what Gradio would hand to a thread."""
    return call(*args, **kwargs)


def apply() -> None:
    """Applies all patches; call before a page is launched.

    - A session's first event describes every block of the page again: 20 ms and more on the event loop, seconds when
      two hundred sessions press a button together. A session that changes a block replaces it, so that the descriptions
      of the page's own blocks can be shared; a value that it writes goes into a copy.
    - Around every call Gradio tries to import matplotlib, which is not installed: searching the path took a seventh of
      the event loop's time. A None in `sys.modules` fails at once.
    - Before every request Gradio checks the login, and after every event whether statistics are due: microseconds each,
      but on a thread of a pool, which was a quarter of the event loop's time for a typed letter.
    - A request is compared with one route after another; the two of nearly all requests came after sixty others.
    """
    fastapi.dependencies.utils.run_in_threadpool = _call_in_place  # type: ignore[assignment]
    gradio.queueing.run_sync = _call_in_place  # type: ignore[assignment]
    App.create_app = staticmethod(_create_ordered_app)  # type: ignore[method-assign]
    BlocksConfig.config_for_block = staticmethod(_describe_once)  # type: ignore[method-assign]
    SessionState._update_value_in_config = _write_value  # type: ignore[method-assign, assignment]
    if importlib.util.find_spec("matplotlib") is None:
        sys.modules["matplotlib"] = None  # type: ignore[assignment]
