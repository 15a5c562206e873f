"""Train and Stop, the progress of a training, and the table of the page's runs."""

import asyncio
import functools
import shutil
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component

from charplay.ui import html, training_client
from charplay.ui.assets import read_asset
from charplay.ui.events import QUIET
from charplay.ui.session_store import STORE
from charplay.ui.train import run_table
from charplay.ui.train.form import Form
from charplay.ui.train.progress import TrainingProgress
from charplay.ui.train.summary_events import Summaries, request_of
from charplay.ui.train.user_models import UserModels
from charplay.ui.training_client import TrainingRequest

_SAVE_CSV = read_asset(__file__, "save_csv.js")
_SCROLL_TO_PROGRESS = read_asset(__file__, "scroll_to_progress.js")
_CLEAR_PROBLEM = read_asset(__file__, "clear_problem.js")
_START_LABEL, _RUNNING_LABEL = "Train", "Training …"


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
        start = gr.Button(_START_LABEL, variant="primary", elem_id="train-start", size="md", min_width=90)
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
    """The trainings that are running now, one a page."""

    def __init__(self, user_models: UserModels, summaries: Summaries):
        self._user_models, self._summaries = user_models, summaries
        self._running: dict[str | None, training_client.Training] = {}  # by session

    async def train(self, values: dict[Component, Any], page: gr.Request) -> AsyncIterator[tuple]:
        """Trains, and yields values of the `TrainingView` and of the page's models on the way."""
        session = page.session_hash
        unchanged = [gr.skip()] * (3 + len(self._user_models.outputs))  # table of runs, and models
        try:
            request = request_of(values, page)
            if not session:
                raise ValueError("Models are kept for a page: open one in a browser.")
            if session in self._running:
                raise ValueError("This page trains already: stop that first.")
            progress = TrainingProgress(request)
            with STORE.temporary_directory() as directory:
                training = training_client.Training(
                    with_own_file(request, directory),
                    directory / "trained.safetensors",
                    self._summaries.expected_seconds(session),
                )
                self._running[session] = training  # before the first yield: a second Start must find it
                try:
                    running = gr.update(value=_RUNNING_LABEL, interactive=False)
                    yield *progress.render(), gr.update(visible=True), running, *unchanged
                    async with aclosing(training.follow()) as responses:
                        async for response in responses:
                            if response is not None:
                                progress.receive(response)
                            if response is None or not response["is_done"]:
                                yield *progress.render(), gr.skip(), gr.skip(), *unchanged
                    name = await asyncio.to_thread(
                        STORE.keep_model,
                        session,
                        training.out,
                        "The trained model",
                        opening=progress.opening,
                        is_saved=False,
                    )
                finally:
                    del self._running[session]
        except ValueError as error:
            yield html.problem(str(error)), *[gr.skip()] * 3, gr.update(visible=True), gr.skip(), *unchanged
            return
        STORE.add_run(session, progress.as_row(name, STORE.models(session)[name]))
        models = self._user_models.updates(session, name)
        yield *progress.render(), gr.skip(), gr.skip(), *_render_runs(session), *models

    def stop(self, page: gr.Request) -> None:
        """Ends the page's training; its best model so far is kept."""
        if training := self._running.get(page.session_hash):
            training.stop()


def _render_runs(session: str | None) -> tuple:
    """Column, table and CSV of the page's runs."""
    runs = STORE.runs(session)
    return gr.update(visible=bool(runs)), run_table.table(runs), run_table.as_csv(runs)


def with_own_file(request: TrainingRequest, directory: Path) -> TrainingRequest:
    """The request with a copy of its uploaded file, which another upload may replace before its turn has come."""
    if "file" not in request.data:
        return request
    copy = directory / "data"
    shutil.copyfile(request.data["file"], copy)
    return replace(request, data=request.data | {"file": str(copy)})


def wire(form: Form, view: TrainingView, stop: gr.Button, user_models: UserModels, summaries: Summaries) -> None:
    """Train and Stop."""
    trainings = _Trainings(user_models, summaries)
    view.start.click(None, None, None, js=_SCROLL_TO_PROGRESS)  # first: the next event of a click waits for the last
    trained = view.start.click(
        trainings.train,
        form.inputs,
        [*view, *user_models.outputs],
        **QUIET,
    )
    trained.then(functools.partial(gr.update, value=_START_LABEL, interactive=True), None, view.start, **QUIET)
    changes = [form.kind.input, form.source.input, form.pasted.input, form.file.upload, form.preset.input]
    changes += [control.input for control in (*form.row_format_controls, *form.settings)]
    gr.on(changes, None, view.status, view.status, js=_CLEAR_PROBLEM, **QUIET)
    stop.click(trainings.stop, None, None, **QUIET)
