"""The Teacher forcing tab: two decoders learn one text side by side, one teacher-forced, one free-running."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import asdict
from typing import Any, NamedTuple

import gradio as gr

from charplay.training.teacher_forcing import make_settings
from charplay.ui import controls, html, links
from charplay.ui.assets import read_asset
from charplay.ui.events import LATEST, QUIET
from charplay.ui.examples import examples_html
from charplay.ui.link_events import TabLink
from charplay.ui.teacher_forcing import code, run
from charplay.ui.teacher_forcing.run import BUTTONS, IDLE, PLOTS, UNCHANGED_PLOTS, UNCHANGED_STATE
from charplay.ui.text_fields import as_typed
from charplay.ui.widgets import curves, diagrams
from charplay.workers.protocol import WorkerRequest

_LEAD = (
    "Press Start: two decoders learn one text. Watch how much worse each does once it reads its own output. "
    "<i>Teacher forcing</i>: in training, reading the true previous character instead."
)
_ABOUT = (
    "Both decoders begin as the same network. The first is always <b>teacher-forced</b> in training; the second reads "
    "the true character as often as the ratio says (scheduled sampling), else its own last prediction. When they are "
    "used, both are <b>free-running</b>: there is no true text. A decoder that was trained teacher-forced then meets "
    "mistakes that training never showed it (exposure bias)."
)
# On a phone the plots lie below the controls.
_SHOW_CURVES = "(...inputs) => { document.getElementById('curves').scrollIntoView({block: 'nearest'}); return inputs; }"
_Steps = AsyncGenerator[tuple, None]
_BUTTON_ROWS = (("Start", "Pause", "Stop"), ("One epoch", "Go on"))


class _Components(NamedTuple):
    """What the tab consists of."""

    target: gr.Textbox
    settings: list[gr.components.Component]  # in the order of `make_settings`
    ratio: gr.Slider  # the last of them
    ratio_note: gr.HTML
    speed: gr.Slider
    shown_epoch: gr.Slider
    buttons: dict[str, gr.Button]
    message: gr.HTML
    plots: list[gr.HTML]  # verdict, curves, first and second decoder
    run: gr.Textbox  # the worker's id of the page's run, a secret of this page; empty once it has ended
    shown_run: gr.Textbox  # the same, and still there when it has ended; empty: the initial example
    has_plots: gr.Checkbox  # whether the tab has been opened and shows something since

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What `run.follow` and `run.stop` have values for."""
        buttons = (self.buttons[label] for label in BUTTONS)
        return [*self.plots, self.shown_epoch, self.message, self.run, self.shown_run, *buttons]


def _settings() -> tuple[list[gr.components.Component], gr.Slider]:
    """The settings after the target, in the order of `make_settings`, and the last of them."""
    cell = gr.Radio(**controls.DECODER_CELL.arguments())
    with gr.Row(elem_classes="bottom"):
        size = gr.Number(**controls.DECODER_SIZE.arguments(), min_width=106, scale=1)
        rate = gr.Number(**controls.DECODER_RATE.arguments(), min_width=122, scale=1)
        seed = gr.Number(**controls.DECODER_SEED.arguments(), min_width=50, scale=1)
    ratio = gr.Slider(**controls.RATIO.arguments())
    return [cell, size, rate, seed, ratio], ratio


def _button(label: str) -> gr.Button:
    return gr.Button(
        label,
        variant="primary" if label == "Start" else "secondary",
        interactive=IDLE in BUTTONS[label],
        elem_id=f"decoders-{label.lower().replace(' ', '-')}",
        size="md",
        min_width=80,
    )


def _plots() -> tuple[gr.Slider, list[gr.HTML]]:
    """The slider over the epochs, and the plots."""
    verdict = gr.HTML(elem_id="verdict", js_on_load=read_asset(__file__, "look.js"))
    gr.HTML(curves.legend())
    plot = gr.HTML(elem_id="curves", min_height=132)
    shown_epoch = gr.Slider(
        **controls.SHOWN_EPOCH.arguments() | {"maximum": controls.EXAMPLE_EPOCHS}, elem_classes="one-line"
    )
    with gr.Row():
        with gr.Column(min_width=300):
            first = gr.HTML(elem_id="first-decoder", min_height=262)
        with gr.Column(min_width=300):
            second = gr.HTML(elem_id="second-decoder", min_height=262)
    return shown_epoch, [verdict, plot, first, second]


def _lay_out() -> _Components:
    """Controls left, plots right."""
    with gr.Row(elem_id="decoders"):
        with gr.Column(scale=1, min_width=300):
            target = gr.Textbox(**controls.TARGET.arguments(), max_lines=2, html_attributes=as_typed())
            buttons: dict[str, gr.Button] = {}
            for labels in _BUTTON_ROWS:
                with gr.Row():
                    buttons |= {label: _button(label) for label in labels}
            message = gr.HTML(elem_id="decoders-message")
            speed = gr.Slider(**controls.DECODER_SPEED.arguments())
            settings, ratio = _settings()
            ratio_note = gr.HTML(run.ratio_html(controls.RATIO.default), elem_id="ratio-note")
            gr.HTML(examples_html("teacher-forcing"))
        with gr.Column(scale=3, min_width=320, elem_id="decoders-plots"):
            shown_epoch, plots = _plots()
    return _Components(
        target=target,
        settings=[target, *settings],
        ratio=ratio,
        ratio_note=ratio_note,
        speed=speed,
        shown_epoch=shown_epoch,
        buttons=buttons,
        message=message,
        plots=plots,
        run=gr.Textbox("", visible="hidden", elem_id="decoders-run"),
        shown_run=gr.Textbox("", visible="hidden"),
        has_plots=gr.Checkbox(False, visible="hidden"),
    )


async def _begin(kind: str, page: gr.Request, chosen: Sequence[Any], **arguments: object) -> _Steps:
    """Begins a run in place of the page's current one; `chosen` are the settings."""
    try:
        settings = make_settings(*chosen)
    except ValueError as error:  # the plots, and a run that goes on, stay
        yield *UNCHANGED_PLOTS, gr.skip(), html.problem(f"{error} The plots show the last run."), *UNCHANGED_STATE[1:]
        return
    note = f'<p class="note">read as “{html.as_typed(settings.target)}”</p>' if settings.target != chosen[0] else ""
    request = WorkerRequest(kind, {"settings": asdict(settings), "page": page.session_hash, **arguments})
    async with aclosing(run.follow(request, note)) as values_to_show:
        async for shown in values_to_show:
            yield shown


async def _start(page: gr.Request, speed: object, *chosen: Any) -> _Steps:
    async with aclosing(_begin("start", page, chosen, speed=speed)) as values_to_show:
        async for shown in values_to_show:
            yield shown


async def _step(page: gr.Request, run_id: object, *chosen: Any) -> _Steps:
    """Trains the paused run for an epoch, or a new one from epoch 0 to 1."""
    steps = run.follow(WorkerRequest("step", {"run": run_id})) if run_id else _begin("create", page, chosen)
    async with aclosing(steps) as values_to_show:
        async for shown in values_to_show:
            yield shown


async def _pause(run_id: object) -> _Steps:
    async with aclosing(run.follow(WorkerRequest("pause", {"run": run_id}))) as values_to_show:
        async for shown in values_to_show:
            yield shown


async def _resume(run_id: object, speed: object) -> _Steps:
    async with aclosing(run.follow(WorkerRequest("resume", {"run": run_id, "speed": speed}))) as values_to_show:
        async for shown in values_to_show:
            yield shown


async def _open(has_plots: bool, field: object) -> tuple:
    """Plots, slider and message when the tab is opened for the first time."""
    if has_plots:
        return *UNCHANGED_PLOTS, gr.skip(), gr.skip(), True
    return await _show_linked(field)


async def _show_linked(field: object) -> tuple:
    """What the page's link says: an epoch of the initial example, or settings that wait for Start."""
    if any(links.linked(field, control) is not None for control in run.SETTINGS):
        return *[""] * PLOTS, gr.skip(), html.note("The settings are those of the link: press Start."), True
    epoch = links.linked(field, controls.SHOWN_EPOCH)
    if epoch is None:
        plots = await run.render_example()
        return (*UNCHANGED_PLOTS, gr.skip(), "", False) if plots is None else (*plots, gr.skip(), "", True)
    epoch = min(epoch, controls.EXAMPLE_EPOCHS)
    *looked, message = await run.look("", epoch)
    return *looked, epoch, message, True


def build(tab: gr.Tab, link: TabLink) -> None:
    """Adds the tab to the current Blocks."""
    run.prepare_example()
    gr.HTML(diagrams.lead(diagrams.FORCING, _LEAD, _ABOUT))
    parts = _lay_out()
    code.build(parts.settings, parts.shown_epoch, link)
    buttons = parts.buttons
    starts = [buttons["Start"].click, parts.target.submit]
    gr.on(starts, _start, [parts.speed, *parts.settings], parts.outputs, js=_SHOW_CURVES, **QUIET)
    buttons["One epoch"].click(_step, [parts.run, *parts.settings], parts.outputs, js=_SHOW_CURVES, **QUIET)
    buttons["Pause"].click(_pause, parts.run, parts.outputs, **QUIET)
    buttons["Go on"].click(_resume, [parts.run, parts.speed], parts.outputs, js=_SHOW_CURVES, **QUIET)
    buttons["Stop"].click(run.stop, parts.run, parts.outputs, **QUIET)
    looked = [*parts.plots, parts.message]
    parts.shown_epoch.input(run.look, [parts.shown_run, parts.shown_epoch], looked, **LATEST)
    parts.speed.input(run.pace, [parts.run, parts.speed], None, **LATEST)
    parts.ratio.change(run.ratio_html, parts.ratio, parts.ratio_note, **LATEST)
    settings: list[Any] = parts.settings  # a message stays as long as its cause
    gr.on([each.change for each in settings], None, None, parts.message, js="() => ''", **QUIET)
    shown = [*parts.plots, parts.shown_epoch, parts.message, parts.has_plots]
    tab.select(_open, [parts.has_plots, link.applied], shown, **LATEST)
    link.applied.change(_show_linked, link.applied, shown, **LATEST)
