"""A run of a decoder pair as the page follows it: requests to the worker, and what its responses show."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import Any

import gradio as gr

from charplay import limits
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
    "One epoch": (IDLE, PAUSED),
    "Go on": (PAUSED,),
    "Stop": (RUNNING, PAUSED),
}
PLOTS = 4  # verdict, curves, first and second decoder
UNCHANGED_PLOTS = [gr.skip()] * PLOTS
UNCHANGED_STATE = [gr.skip()] * (3 + len(BUTTONS))  # message, ids of the run and of the one that is shown, buttons


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
        target, epoch = self._latest["target"], self._latest["epoch"]
        steps = len(target) - 1
        titles = ("First: teacher-forced", "teacher-forced"), _second_titles(self._latest["ratio"])
        decoders = [
            report.decoder_html(f"tip-decoder-{number}", *title, target, decoder)
            for number, (title, decoder) in enumerate(zip(titles, self._latest["decoders"], strict=True))
        ]
        return report.verdict(self._history, steps, epoch), curves.curves(self._history, steps, epoch), *decoders

    def slider(self, is_running: bool) -> dict:
        """The slider at the epoch that is shown; while the run goes on, it follows."""
        epochs = len(self._history)
        return gr.update(maximum=epochs, value=self._latest["epoch"], interactive=not is_running)


def _second_titles(ratio: float) -> tuple[str, str]:
    """Title of the second decoder, and what its inputs in training are called."""
    if ratio == 1:
        return "Second: teacher-forced too", "teacher-forced"
    if ratio:
        return f"Second: teacher-forced at {100 * ratio:.0f} % of the steps", "as trained"
    return "Second: free-running", ""


def ratio_html(ratio: object) -> str:
    """What the second decoder reads (HTML)."""
    try:
        ratio = limits.FORCING_RATIO.check(ratio)
    except ValueError as error:
        return html.problem(str(error))
    if ratio == 1:
        reads = "the true previous character too: both decoders stay the same"
    elif ratio:
        reads = f"the true previous character at {100 * ratio:.0f} % of the steps, else what it has just predicted"
    else:
        reads = "what it has just predicted"
    return html.note(f"The second decoder reads {reads}.")


def button_updates(state: str) -> list[dict]:
    """Which buttons can be pressed; Start says that a run goes on."""
    updates = {label: gr.update(interactive=state in states) for label, states in BUTTONS.items()}
    updates["Start"]["value"] = "Running" if state == RUNNING else "Start"
    return list(updates.values())


async def follow(request: WorkerRequest, note: str = "") -> AsyncGenerator[tuple, None]:
    """Plots, slider, message, ids of the run and buttons, as the responses to a request arrive.

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
            slider = view.slider(new_state == RUNNING) if has_update else gr.skip()
            changes = UNCHANGED_STATE
            if new_state is not None and new_state != button_state:
                changes = [message, "" if new_state == IDLE else run, run or gr.skip(), *button_updates(new_state)]
            button_state = new_state
            yield *plots, slider, *changes


async def stop(run: object) -> tuple:
    """Ends a run; its plots stay."""
    await TEACHER_FORCING.request(WorkerRequest("stop", {"run": run}))
    return *UNCHANGED_PLOTS, gr.update(interactive=True), "", "", gr.skip(), *button_updates(IDLE)


async def look(shown_run: object, epoch: object) -> tuple:
    """Plots and message at an epoch of the run that the page shows, or of the initial example where there is none."""
    if shown_run:
        request = WorkerRequest("look", {"run": shown_run, "epoch": epoch})
    else:
        example = example_request()
        request = WorkerRequest(example.kind, example.arguments | {"shown": epoch})
    response = await TEACHER_FORCING.request(request)
    if response["failure"] is not None:
        return *UNCHANGED_PLOTS, html.problem(response["failure"])
    view = RunView()
    view.update(response["result"]["state"])
    return *view.render(), ""


async def pace(run: object, speed: object) -> None:
    """Has a run go on at another speed; one that has ended has none."""
    if run:
        await TEACHER_FORCING.request(WorkerRequest("pace", {"run": run, "speed": speed}))


SETTINGS = (
    controls.TARGET,
    controls.DECODER_CELL,
    controls.DECODER_SIZE,
    controls.DECODER_RATE,
    controls.DECODER_SEED,
    controls.RATIO,
)  # in the order of `make_settings`
_example: dict[str, Any] = {}  # the worker's update on the initial example, once it is there


def example_request() -> WorkerRequest:
    """The request for the initial example: a run of the default settings."""
    settings = make_settings(*(control.default for control in SETTINGS))
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
