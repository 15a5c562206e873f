"""What each patch of Gradio brings: `python -m tests.gradio_patch_costs`. Processor time, the least of several runs."""

import asyncio
import time
from collections.abc import Callable

import anyio
from gradio.routes import App
from gradio.state_holder import SessionState
from gradio.utils import MatplotlibBackendMananger
from starlette.routing import Match

from charplay.ui import gradio_patches, initial_examples, page
from charplay.workers.client import INFERENCE

RUNS = 5  # of each measurement; the least counts, since other processes slow some of them down
CONCURRENT = 100  # events that are answered together
BUSY_SECONDS = 0.001  # that each of them computes on the event loop


def microseconds(function: Callable[[], object], count: int) -> float:
    """Of processor time, of one call."""
    function()
    times = []
    for _ in range(RUNS):
        start = time.process_time()
        for _ in range(count):
            function()
        times.append((time.process_time() - start) / count * 1e6)
    return min(times)


def hop_microseconds() -> float:
    """Of processor time, of one call that is handed to a thread while the event loop has other things to do."""

    async def event(is_threaded: bool) -> None:
        end = time.thread_time() + BUSY_SECONDS
        while time.thread_time() < end:
            pass
        if is_threaded:
            await anyio.to_thread.run_sync(int)

    async def all_events(is_threaded: bool) -> None:
        await asyncio.gather(*(event(is_threaded) for _ in range(CONCURRENT)))

    threaded, plain = (microseconds(lambda kind=kind: asyncio.run(all_events(kind)), 3) for kind in (True, False))
    return (threaded - plain) / CONCURRENT


def route_microseconds(app: App, path: str, method: str) -> float:
    """Of comparing a request with the routes up to its own."""
    scope = {"type": "http", "path": path, "method": method, "root_path": "", "headers": [], "query_string": b""}

    def match() -> None:
        next(route for route in app.router.routes if route.matches(dict(scope))[0] == Match.FULL)

    return microseconds(match, 50)


def enter_and_leave() -> None:
    """What surrounds every event."""
    with MatplotlibBackendMananger():
        pass


def main() -> None:
    """Print a line for each."""
    initial_examples.MAX_SECONDS, INFERENCE.send = 0.0, lambda *_: 1  # no model is needed
    demo = page.build()
    gradio_patches.remove()
    plain = microseconds(lambda: SessionState(demo), 5)
    unpatched = microseconds(enter_and_leave, 50)
    gradio_patches.apply()
    print(f"looking for matplotlib: {unpatched:.0f} us, without {microseconds(enter_and_leave, 50):.1f}")
    print(
        f"a new session: {plain:,.0f} us, with shared descriptions {microseconds(lambda: SessionState(demo), 5):,.0f}"
    )
    print(f"a call handed to a thread: {hop_microseconds():.0f} us")
    unordered, ordered = (App.create_app(demo, app_kwargs={}) for _ in range(2))
    gradio_patches.order_routes(ordered)
    for path, method in (("/gradio_api/queue/join", "POST"), ("/gradio_api/queue/data", "GET")):
        before, after = (route_microseconds(app, path, method) for app in (unordered, ordered))
        print(f"finding the route of {path}: {before:.0f} us, in order {after:.0f}")


if __name__ == "__main__":
    main()
