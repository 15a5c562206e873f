"""The Teacher forcing tab: two decoders learn one text side by side, one teacher-forced, one free-running."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import asdict
from html import escape
from typing import Any, NamedTuple

import gradio as gr

from charplay.training.teacher_forcing import make_settings
from charplay.ui import controls, html
from charplay.ui.events import QUIET
from charplay.ui.teacher_forcing import run
from charplay.ui.teacher_forcing.run import BUTTONS, IDLE, UNCHANGED_PLOTS, UNCHANGED_STATE
from charplay.ui.widgets import curves, diagrams
from charplay.workers.protocol import WorkerRequest

_LEAD = (
    "<b>Teacher forcing.</b> Two decoders begin as the same network and learn the same text. Look at what each is fed: "
    "the first reads the true previous character, the second what it has just predicted."
)
_BUTTON_ROWS = (("Start", "Pause", "Stop"), ("One epoch", "Go on"))


class _Components(NamedTuple):
    """What the tab consists of."""

    target: gr.Textbox
    settings: list[gr.components.Component]  # in the order of `make_settings`
    buttons: dict[str, gr.Button]
    message: gr.HTML
    plots: list[gr.HTML]  # verdict, curves, first and second decoder
    run: gr.Textbox  # the worker's id of the page's run, a secret of this page
    has_plots: gr.Checkbox  # whether the tab has been opened and shows something since

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What `run.follow` and `run.stop` have values for."""
        return [*self.plots, self.message, self.run, *(self.buttons[label] for label in BUTTONS)]


def _settings() -> tuple[gr.Textbox, list[gr.components.Component]]:
    """The target, and all settings in the order of `make_settings`."""
    target = gr.Textbox(**controls.TARGET.arguments(), max_lines=2)
    cell = gr.Radio(**controls.DECODER_CELL.arguments())
    size = gr.Slider(**controls.DECODER_SIZE.arguments())
    with gr.Row():
        rate = gr.Number(**controls.DECODER_RATE.arguments(), min_width=120)
        seed = gr.Number(**controls.DECODER_SEED.arguments(), min_width=120)
    return target, [target, cell, size, rate, seed, gr.Slider(**controls.RATIO.arguments())]


def _button(label: str) -> gr.Button:
    return gr.Button(
        label,
        variant="primary" if label == "Start" else "secondary",
        interactive=IDLE in BUTTONS[label],
        elem_id=f"decoders-{label.lower().replace(' ', '-')}",
        size="md",
        min_width=80,
    )


def _plots() -> list[gr.HTML]:
    verdict = gr.HTML(elem_id="verdict")
    gr.HTML(curves.legend())
    plot = gr.HTML(elem_id="curves", min_height=132)
    with gr.Row():
        with gr.Column(min_width=300):
            first = gr.HTML(elem_id="first-decoder", min_height=262)
        with gr.Column(min_width=300):
            second = gr.HTML(elem_id="second-decoder", min_height=262)
    return [verdict, plot, first, second]


def _lay_out() -> _Components:
    """Controls left, plots right."""
    with gr.Row():
        with gr.Column(scale=1, min_width=300):
            target, settings = _settings()
            buttons: dict[str, gr.Button] = {}
            for labels in _BUTTON_ROWS:
                with gr.Row():
                    buttons |= {label: _button(label) for label in labels}
            message = gr.HTML(elem_id="decoders-message")
        with gr.Column(scale=3, min_width=320):
            plots = _plots()
    run_id = gr.Textbox("", visible="hidden", elem_id="decoders-run")
    return _Components(target, settings, buttons, message, plots, run_id, gr.Checkbox(False, visible="hidden"))


async def _start(page: gr.Request, *chosen: Any) -> AsyncGenerator[tuple, None]:
    """Starts a run in place of the page's current one; `chosen` are the settings."""
    try:
        settings = make_settings(*chosen)
    except ValueError as error:  # the plots, and a run that goes on, stay
        yield *UNCHANGED_PLOTS, html.problem(str(error)), *UNCHANGED_STATE[1:]
        return
    note = f'<p class="note">read as “{escape(settings.target)}”</p>' if settings.target != chosen[0] else ""
    request = WorkerRequest("start", {"settings": asdict(settings), "page": page.session_hash})
    async with aclosing(run.follow(request, note)) as values_to_show:
        async for shown in values_to_show:
            yield shown


def _request(kind: str) -> Callable[[object], AsyncGenerator[tuple, None]]:
    """The function of a button whose request needs only the id of the run."""

    async def send(run_id: object) -> AsyncGenerator[tuple, None]:
        async with aclosing(run.follow(WorkerRequest(kind, {"run": run_id}))) as values_to_show:
            async for shown in values_to_show:
                yield shown

    return send


async def _open(has_plots: bool) -> tuple:
    """Plots the initial example when the tab is opened for the first time."""
    plots = None if has_plots else await run.render_example()
    return (*UNCHANGED_PLOTS, has_plots) if plots is None else (*plots, True)


def build(tab: gr.Tab) -> None:
    """Adds the tab to the current Blocks."""
    run.prepare_example()
    gr.HTML(diagrams.lead(diagrams.FORCING, _LEAD))
    parts = _lay_out()
    gr.on(
        [parts.buttons["Start"].click, parts.target.submit],
        _start,
        parts.settings,
        parts.outputs,
        scroll_to_output=True,  # on a phone the plots lie below the controls
        **QUIET,
    )
    for label, kind in (("Pause", "pause"), ("One epoch", "step"), ("Go on", "resume")):
        parts.buttons[label].click(_request(kind), parts.run, parts.outputs, **QUIET)
    parts.buttons["Stop"].click(run.stop, parts.run, parts.outputs, **QUIET)
    tab.select(_open, parts.has_plots, [*parts.plots, parts.has_plots], **QUIET)
