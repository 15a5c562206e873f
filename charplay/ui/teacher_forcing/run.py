"""A run of a decoder pair as the page follows it: requests to the worker, and what its responses show."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

import gradio as gr

from charplay.training.teacher_forcing import make_settings
from charplay.ui import controls, html
from charplay.ui.teacher_forcing import report
from charplay.ui.widgets import curves
from charplay.workers.client import WorkerProcess
from charplay.workers.protocol import Response, WorkerRequest

TEACHER_FORCING = WorkerProcess("charplay.workers.teacher_forcing")

IDLE, RUNNING, PAUSED = "idle", "running", "paused"
# label of a button -> states in which it can be pressed
BUTTONS = {
    "Start": (IDLE, PAUSED),
    "Pause": (RUNNING,),
    "One epoch": (PAUSED,),
    "Go on": (PAUSED,),
    "Stop": (RUNNING, PAUSED),
}
PLOTS = 4  # verdict, curves, first and second decoder
UNCHANGED_PLOTS = [gr.skip()] * PLOTS
UNCHANGED_STATE = [gr.skip()] * (2 + len(BUTTONS))  # message, id of the run, buttons


class RunView:
    """The plots of a run; each update of the worker brings only the epochs since the one before."""

    def __init__(self) -> None:
        self._history: list[list[float]] = []
        self._latest: dict[str, Any] = {}

    def update(self, update: dict[str, Any]) -> None:
        """Takes in what `DecoderPair` measured."""
        self._history = self._history[: update["since"]] + update["history"]
        self._latest = update

    def render(self) -> tuple:
        """Verdict, curves, and both decoders (HTML)."""
        target, last = self._latest["target"], self._history[-1]
        steps = len(target) - 1
        rows = zip(_titles(self._latest["ratio"]), self._latest["decoders"], (last[0], last[3]), strict=True)
        decoders = [
            report.decoder_html(f"tip-decoder-{number}", title, target, decoder, loss)
            for number, (title, decoder, loss) in enumerate(rows)
        ]
        return report.verdict(self._history, steps), curves.curves(self._history, steps), *decoders


def _titles(ratio: float) -> tuple[str, str]:
    second = "its own characters"
    if ratio == 1:
        second = "the true text too"
    elif ratio:
        second = f"the true text {100 * ratio:.0f} % of the time"
    return "First: fed the true text", f"Second: fed {second}"


def button_updates(state: str) -> list[dict]:
    """Which buttons can be pressed."""
    return [gr.update(interactive=state in states) for states in BUTTONS.values()]


async def follow(request: WorkerRequest, note: str = "") -> AsyncGenerator[tuple, None]:
    """Plots, message, id of the run and buttons, as the responses to a request arrive.

    Args:
        request: to the worker.
        note: shown as the message when the run starts (HTML).
    """
    view, button_state = RunView(), None
    async with aclosing(TEACHER_FORCING.stream(request)) as stream:
        async for responses in stream:
            new_state, message, run, has_update = button_state, note, "", False
            for response in responses:
                event = response["update"] or response["result"] or {}
                state, run = event.get("state"), event.get("run", "")
                if response["failure"] is not None:
                    new_state, message = IDLE, html.problem(response["failure"])
                elif state is None:
                    return  # another request has taken the run over, and shows it
                else:
                    new_state = IDLE if state["is_over"] else PAUSED if response["is_done"] else RUNNING
                if state is not None:
                    view.update(state)
                    has_update = True
            plots = view.render() if has_update else UNCHANGED_PLOTS
            changes = UNCHANGED_STATE
            if new_state is not None and new_state != button_state:
                changes = [message, "" if new_state == IDLE else run, *button_updates(new_state)]
            button_state = new_state
            yield *plots, *changes


async def stop(run: object) -> tuple:
    """Ends a run; its plots stay."""
    await TEACHER_FORCING.request(WorkerRequest("stop", {"run": run}))
    return *UNCHANGED_PLOTS, "", "", *button_updates(IDLE)


_example: dict[str, Any] = {}  # the worker's update on the initial example, once it is there


def example_request() -> WorkerRequest:
    """The request for the initial example: a run of the default settings."""
    defaults = (
        controls.TARGET,
        controls.DECODER_CELL,
        controls.DECODER_SIZE,
        controls.DECODER_RATE,
        controls.DECODER_SEED,
        controls.RATIO,
    )
    settings = make_settings(*(control.default for control in defaults))
    return WorkerRequest("preview", {"settings": asdict(settings), "epochs": controls.EXAMPLE_EPOCHS})


def _keep_example(response: Response) -> None:
    if response["failure"] is None:
        _example.update(response["result"]["state"])


def prepare_example() -> None:
    """Requests the initial example while the page is built; the worker is warm for the first run then."""
    TEACHER_FORCING.send(example_request(), _keep_example)


async def render_example() -> tuple | None:
    """The plots of the initial example; None if it cannot be computed."""
    if not _example:
        _keep_example(await TEACHER_FORCING.request(example_request()))
    if not _example:
        return None
    view = RunView()
    view.update(_example)
    return view.render()
