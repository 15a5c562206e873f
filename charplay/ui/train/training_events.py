"""Train and Stop, the progress of a training, and the table of the page's runs."""

import functools
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component

from charplay.ui import html
from charplay.ui.assets import read_asset
from charplay.ui.events import CLEAR_PROBLEM, QUIET, enable_after
from charplay.ui.session_store import STORE
from charplay.ui.train import run_table
from charplay.ui.train.form import Form
from charplay.ui.train.page_training import TRAININGS, PageTraining
from charplay.ui.train.summary_events import Summaries
from charplay.ui.train.user_models import UserModels

_SAVE_CSV = read_asset(__file__, "save_csv.js")
_SCROLL_TO_PROGRESS = read_asset(__file__, "scroll_to_progress.js")
_RUNNING = functools.partial(gr.update, value="Training …", interactive=False)


class TrainingView(NamedTuple):
    """The components that show a training, with their values in `Trainings.train`."""

    status: gr.HTML
    losses: gr.Plot
    sample: gr.HTML
    confusion: gr.Plot
    progress: gr.Column  # holds the four above
    start: gr.Button
    runs: gr.Column  # holds the table
    table: gr.HTML
    csv: gr.Textbox  # hidden: the table as CSV


def lay_out_buttons() -> tuple[gr.Button, gr.Button]:
    """Train and Stop."""
    with gr.Row():
        start = gr.Button("Train", variant="primary", elem_id="train-start", size="md", min_width=90)
        stop = gr.Button("Stop", elem_id="train-stop", size="md", min_width=90)
    return start, stop


def lay_out_view(start: gr.Button) -> TrainingView:
    """Progress, and below it the table of runs; both are hidden until there is something to show."""
    with gr.Column(visible=False, elem_id="progress") as progress:
        status = gr.HTML(elem_id="train-status")
        losses = gr.Plot(elem_id="losses", show_label=False, container=False)
        sample = gr.HTML(elem_id="sample")
        confusion = gr.Plot(elem_id="user-confusion", show_label=False, container=False, visible=False)
    csv = gr.Textbox("", visible="hidden", elem_id="runs-csv")
    with gr.Column(visible=False) as runs:
        table = gr.HTML(elem_id="runs")
        save = gr.Button("Save this table (CSV)", elem_id="save-runs", size="md")
    save.click(None, csv, None, js=_SAVE_CSV)
    return TrainingView(status, losses, sample, confusion, progress, start, runs, table, csv)


class _Trainings:
    """What Train, Stop and a page that has been disconnected do."""

    def __init__(self, user_models: UserModels, summaries: Summaries):
        self._user_models, self._summaries = user_models, summaries

    async def train(self, values: dict[Component, Any], page: gr.Request) -> AsyncIterator[tuple]:
        """Trains, and yields values of the `TrainingView` and of the page's models on the way."""
        session = page.session_hash
        try:
            request = self._summaries.request_of(values, page)
            training = TRAININGS.start(session, request, self._summaries.expected_seconds(session))
        except ValueError as error:
            yield self._problem(error)
            return
        async with aclosing(self._follow(page, training)) as shown:
            async for each in shown:
                yield each

    async def rejoin(self, page: gr.Request) -> AsyncIterator[tuple]:
        """Goes on with the page's training where there is one, and shows the models and runs that it has by now."""
        if training := TRAININGS.find(page.session_hash):
            async with aclosing(self._follow(page, training)) as shown:
                async for each in shown:
                    yield each
        else:
            models = self._user_models.updates(page.session_hash)
            yield *[gr.skip()] * 6, *_render_runs(page.session_hash), *models

    async def _follow(self, page: gr.Request, training: PageTraining) -> AsyncGenerator[tuple, None]:
        session, state = page.session_hash or "", (gr.update(visible=True), _RUNNING())
        try:
            async with aclosing(training.follow()) as changes:
                async for _ in changes:
                    yield *training.progress.render(), *state, *self._unchanged
                    state = gr.skip(), gr.skip()
        except ValueError as error:
            TRAININGS.drop(session, training)
            yield self._problem(error)
            return
        if training.is_over and training.name is not None:
            TRAININGS.drop(session, training)
            models = self._user_models.updates(session, training.name)
            yield *training.progress.render(), gr.update(visible=True), gr.skip(), *_render_runs(session), *models

    def _problem(self, error: ValueError) -> tuple:
        return html.problem(str(error)), *[gr.skip()] * 3, gr.update(visible=True), gr.skip(), *self._unchanged

    @property
    def _unchanged(self) -> list[dict]:
        """Of the table of runs, and of the models."""
        return [gr.skip()] * (3 + len(self._user_models.outputs))

    def stop(self, page: gr.Request) -> None:
        """Ends the page's training; its best model so far is kept."""
        if training := TRAININGS.find(page.session_hash):
            training.stop()


def _render_runs(session: str | None) -> tuple:
    """Column, table and CSV of the page's runs."""
    runs = STORE.runs(session)
    return gr.update(visible=bool(runs)), run_table.table(runs), run_table.as_csv(runs)


def wire(form: Form, view: TrainingView, stop: gr.Button, user_models: UserModels, summaries: Summaries) -> None:
    """Train and Stop."""
    trainings = _Trainings(user_models, summaries)
    view.start.click(None, None, None, js=_SCROLL_TO_PROGRESS)  # first: the next event of a click waits for the last
    outputs = [*view, *user_models.outputs]
    trained = view.start.click(trainings.train, form.inputs, outputs, **QUIET)
    rejoin = gr.Button("Go on with the training", visible="hidden", elem_id="rejoin-training")  # clicked by the page
    rejoined = rejoin.click(trainings.rejoin, None, outputs, **QUIET)
    for ended in (trained, rejoined):
        enable_after(ended, view.start, "Train")
    changes = [form.kind.input, form.goal.input, form.source.input, form.pasted.input, form.file.upload]
    changes += [form.start.input, form.preset.input]
    changes += [control.input for control in (*form.row_format_controls, *form.settings)]
    gr.on(changes, None, view.status, view.status, js=CLEAR_PROBLEM, **QUIET)
    stop.click(trainings.stop, None, None, **QUIET)
