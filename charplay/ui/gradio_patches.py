"""What Gradio does again for every session, event and request, done once or in place: patches of its inside.

Each is applied only where everything that it replaces is what it knows: the version of Gradio, the name, and the
parameters. Otherwise it is left out, a line is logged, and the app runs, only slower. What each brings is measured by
`python -m tests.gradio_patch_costs` (figures: charplay/bench/README.md).
"""

import importlib
import importlib.util
import inspect
import logging
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, NamedTuple

import gradio

KNOWN_VERSIONS = (6,)  # major versions of Gradio whose inside this is
HOT_PATHS = ("/queue/join", "/queue/data")  # paths of nearly all requests

Asgi = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


class UnknownTarget(Exception):
    """What a patch would replace is not what it knows."""


class Target(NamedTuple):
    """A function that is replaced."""

    module: str
    path: str  # in the module
    parameters: tuple[str, ...]

    def find(self) -> tuple[Any, str, Any]:
        """What holds the function, its name there, and the function.

        Raises:
            UnknownTarget: it is not there, or another one.
        """
        *holders, name = self.path.split(".")
        try:
            owner: Any = importlib.import_module(self.module)
            for holder in holders:
                owner = getattr(owner, holder)
            function = getattr(owner, name)
            parameters = tuple(inspect.signature(function).parameters)
        except (ImportError, AttributeError, TypeError, ValueError) as error:
            raise UnknownTarget(f"{self.module}.{self.path}: {error}") from None
        if parameters != self.parameters:
            raise UnknownTarget(f"{self.module}.{self.path} takes {', '.join(parameters)}")
        return owner, name, function


class Patch(NamedTuple):
    """Functions and what replaces them."""

    targets: tuple[Target, ...]
    make: Callable[..., tuple[Callable[..., Any], ...]]  # the functions -> their replacements


def _share_descriptions(describe: Callable[..., dict], write_value: Callable[..., None]) -> tuple[Callable, ...]:
    """A new session describes every block of the page again: 29 ms on the event loop, 0.1 ms with this.

    A session that changes a block replaces it, so that the descriptions of the page's own blocks can be shared; a value
    that it writes goes into a copy.
    """

    def describe_once(_id: int, rendered_ids: list[int], block: Any, renderable: Any = None) -> dict:
        if renderable is not None:  # a part that is rendered again
            return describe(_id, rendered_ids, block, renderable)
        # Cached on the block under its id(): a modified copy of the block has another id.
        owner, description = vars(block).get("_described", (None, None))
        if owner != id(block):
            description = describe(_id, rendered_ids, block)
            block._described = id(block), description
        return description

    def write_copy(self: Any, key: int, value: Any) -> None:
        shared = self.config_values.get(key) or describe_once(key, [], self.blocks_config.blocks[key])
        self.config_values[key] = (
            {**shared, "props": {**shared["props"], "value": value}} if "props" in shared else shared
        )

    return describe_once, write_copy


def _check_login_in_place(run_in_threadpool: Callable[..., Awaitable]) -> tuple[Callable, ...]:
    """Before every request Gradio's check of the login, which reads a dictionary, is handed to a thread: 0.1 ms.

    A typed letter takes two requests. Whatever else FastAPI hands to threads stays there.
    """

    async def run(func: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        if (func.__module__, func.__name__) == ("gradio.routes", "login_check"):
            return func(*args, **kwargs)
        return await run_in_threadpool(func, *args, **kwargs)

    return (run,)


def _check_statistics_in_place(run_sync: Callable[..., Awaitable]) -> tuple[Callable, ...]:
    """After every event Gradio asks a thread whether its statistics are due, which they never are here: 0.1 ms."""

    async def run(func: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if getattr(func, "__name__", "") == "compute_analytics_summary":
            return func(*args)
        return await run_sync(func, *args, **options)

    return (run,)


def _skip_missing_matplotlib(
    enter: Callable[[Any], None], leave: Callable[[Any, Any, Any, Any], None]
) -> tuple[Callable, ...]:
    """Around every event Gradio tries to import matplotlib, twice: where there is none Python looks for it each time.

    An eighth of the event loop of a class whose accordions are open.
    """
    if importlib.util.find_spec("matplotlib") is not None:
        return enter, leave
    return lambda self: None, lambda self, exc_type, exc_val, exc_tb: None


PATCHES = {
    "descriptions": Patch(
        (
            Target("gradio.blocks", "BlocksConfig.config_for_block", ("_id", "rendered_ids", "block", "renderable")),
            Target("gradio.state_holder", "SessionState._update_value_in_config", ("self", "key", "value")),
        ),
        _share_descriptions,
    ),
    "login": Patch(
        (Target("fastapi.dependencies.utils", "run_in_threadpool", ("func", "args", "kwargs")),), _check_login_in_place
    ),
    "statistics": Patch(
        (Target("gradio.queueing", "run_sync", ("func", "args", "abandon_on_cancel", "cancellable", "limiter")),),
        _check_statistics_in_place,
    ),
    "matplotlib": Patch(
        (
            Target("gradio.utils", "MatplotlibBackendMananger.__enter__", ("self",)),
            Target("gradio.utils", "MatplotlibBackendMananger.__exit__", ("self", "exc_type", "exc_val", "exc_tb")),
        ),
        _skip_missing_matplotlib,
    ),
}
_replaced: dict[str, list[tuple[Any, str, Any]]] = {}  # of each patch that is applied: what was where before


def apply() -> None:
    """Applies all patches that can be; call before a page is launched."""
    for name, patch in PATCHES.items():
        if name not in _replaced:
            try:
                _apply(name, patch)
            except UnknownTarget as error:
                logging.warning("Gradio is not as known, the app runs without a patch (%s): %s", name, error)


def _apply(name: str, patch: Patch) -> None:
    if int(gradio.__version__.split(".")[0]) not in KNOWN_VERSIONS:
        raise UnknownTarget(f"version {gradio.__version__}")
    found = [target.find() for target in patch.targets]
    replacements = patch.make(*(function for _, _, function in found))
    _replaced[name] = []
    for (owner, attribute, _), replacement in zip(found, replacements, strict=True):
        before = inspect.getattr_static(owner, attribute)
        _replaced[name].append((owner, attribute, before))
        setattr(owner, attribute, staticmethod(replacement) if isinstance(before, staticmethod) else replacement)


def remove() -> None:
    """Undoes all patches; for measurements and tests."""
    for replaced in _replaced.values():
        for owner, attribute, before in replaced:
            setattr(owner, attribute, before)
    _replaced.clear()


class OrderedRoutes:
    """ASGI middleware that patches nothing: at the first request it puts the routes of `HOT_PATHS` first, in this app.

    A request is compared with one route after another; the two of nearly all requests come after sixty others, which
    takes 0.06 ms.
    """

    def __init__(self, app: Asgi):
        self._app, self._is_ordered = app, False

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        if not self._is_ordered and "app" in scope:
            self._is_ordered = True
            order_routes(scope["app"])
        await self._app(scope, receive, send)


def order_routes(app: Any) -> None:
    """Puts the routes of `HOT_PATHS` first in every router of the app; logs a line where there are none."""
    try:
        included = [getattr(route, "original_router", app.router) for route in app.router.routes]
        routers = {id(router): router for router in [app.router, *included]}.values()
        for router in routers:
            router.routes.sort(key=lambda route: not getattr(route, "path", "").endswith(HOT_PATHS))
    except (AttributeError, TypeError) as error:
        logging.warning("Gradio is not as known, its routes stay in their order: %s", error)
