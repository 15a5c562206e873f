"""The Train tab: a network of one's own, from a text or from rows, live. Layout and wiring."""

import asyncio
import functools
import json
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import gradio as gr

from charplay import limits
from charplay.models.checkpoints import Registry
from charplay.training.data_summary import choose_recipe, read_user_data
from charplay.training.data_summary import summarize as survey_of
from charplay.ui import controls, training_client, uploads
from charplay.ui.errors import as_gradio_error
from charplay.ui.session_store import STORE
from charplay.ui.train import examples, form, my_models, plots, run_table
from charplay.ui.train import summary as views
from charplay.ui.train.progress import TrainingProgress
from charplay.ui.widgets import diagrams

_LEAD = (
    "<b>Your own.</b> Press Train and watch the orange line, the loss on what the network was not shown: under the "
    "dashed line it knows more than counting does; where it turns up again, it has begun to learn by heart."
)
EXAMPLES = {controls.TEXT: examples.sums(), controls.ROWS: examples.words()}
# A setting is noted, and a suggestion taken over, in the browser: a survey that was asked for before and comes after
# what somebody types must not undo it. What is suggested as before is not written: somebody may be typing there.
_NOTE = "(changes, value) => JSON.stringify({{...JSON.parse(changes), {field}: value}})"
_TAKE_OVER = f"""(suggested, taken, changes, ...now) => {{
  const [given, before, chosen] = [suggested, taken, changes].map(JSON.parse);
  return [suggested, ...{json.dumps(list(form.SETTINGS))}.map((field, at) =>
    field in chosen || [before[field], now[at]].includes(given[field]) ? {{__type__: 'update'}} : given[field])];
}}"""
BOX_CHARACTERS = 50_000  # of more, every event would send them along: they are kept as a file is
_SAVE = """text => {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], {type: 'text/csv'}));
  link.download = 'charplay-runs.csv';
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}"""


def _opening() -> dict[str, Any]:
    """What is known of the example without measuring this machine's speed, for which an app that starts has no time."""
    task = form.TASKS[controls.LEARNS.default]
    own = read_user_data(task, EXAMPLES[controls.LEARNS.default], {})
    return dict(survey_of(own, choose_recipe(task, own, controls.PRESET.default, {}), is_timed=False))


def _settings(suggested: dict[str, Any]) -> list[gr.components.Component]:
    """The settings of a recipe, in the order of `train_choices.SETTINGS`, with what the size suggests."""
    made: list[gr.components.Component] = []
    for field, control in form.SETTINGS.items():
        arguments = control.arguments() | {"value": suggested[field]}
        if control.choices:
            made.append(gr.Radio(**arguments))
        elif control.step:
            made.append(gr.Slider(**arguments))
        else:
            made.append(gr.Number(value=suggested[field], label=control.label, elem_id=control.name, min_width=150))
    return made


def _drawn_lengths(survey: dict[str, Any]) -> dict:
    if not survey["lengths"]:
        return gr.update(visible=False)
    return gr.update(value=plots.lengths(survey["lengths"]), visible=True)


def build(tab: gr.Tab, registry: Registry, tabs: gr.Tabs, choices: dict[str, gr.Dropdown | None]) -> None:
    """Lays out the tab inside the current Blocks.

    Args:
        tab: itself.
        registry: the page's models.
        tabs: of the page.
        choices: task -> the choice of a model in its tab; None where the tab has none.
    """
    opening = _opening()
    gr.HTML(diagrams.lead(diagrams.TRAIN, _LEAD))
    with gr.Row(elem_id="train-row"):
        with gr.Column(scale=2, min_width=320):
            with gr.Row():
                learns = gr.Radio(**controls.LEARNS.arguments(), min_width=180, scale=2)
                source = gr.Radio(**controls.SOURCE.arguments(), min_width=270, scale=3)
            example = {
                "value": EXAMPLES[controls.LEARNS.default],
                "label": controls.BOX_LABELS[controls.LEARNS.default],
            }
            box = gr.Textbox(**controls.BOX.arguments() | example, lines=3, max_lines=3)
            file = gr.File(elem_id="file", visible=False, height=110, show_label=False)
            with gr.Accordion("How the rows are read", open=False, elem_id="reading-fold") as reading:
                with gr.Row():
                    delimiter = gr.Dropdown(**controls.DELIMITER.arguments(), min_width=150)
                    header = gr.Dropdown(**controls.HEADER.arguments(), min_width=150)
                with gr.Row():
                    found = {"choices": [controls.DETECTED], "min_width": 150}
                    text_column = gr.Dropdown(**controls.TEXT_COLUMN.arguments() | found)
                    label_column = gr.Dropdown(**controls.LABEL_COLUMN.arguments() | found)
            preset = gr.Radio(**controls.PRESET.arguments())
            with gr.Accordion("Settings", open=False, elem_id="settings-fold"):
                settings = _settings(opening["recipe"])
            with gr.Row():
                start = gr.Button("Train", variant="primary", elem_id="train-start", size="md", min_width=90)
                stop = gr.Button("Stop", elem_id="train-stop", size="md", min_width=90)
            own = my_models.build(registry, tabs, choices)
        with gr.Column(scale=3, min_width=320):
            with gr.Column(visible=False, elem_id="course") as running:
                status = gr.HTML(elem_id="train-status")
                losses = gr.Plot(elem_id="losses", show_label=False, container=False)
                written = gr.HTML(elem_id="sample")
                confusion = gr.Plot(elem_id="own-confusion", show_label=False, container=False, visible=False)
            with gr.Column(visible=False) as tried:
                table = gr.HTML(elem_id="runs")
                saving = gr.Button("Save this table (CSV)", elem_id="save-runs", size="md")
            says = gr.HTML(views.summary(opening), elem_id="survey")
            drawn = plots.lengths(opening["lengths"])
            lengths = gr.Plot(drawn, elem_id="lengths", show_label=False, container=False)
    changes = gr.Textbox("{}", visible="hidden", elem_id="changes")  # fields of the recipe chosen otherwise
    suggested = gr.Textbox(visible="hidden")  # what the last survey suggests for them, and which survey it was
    taken = gr.Textbox("{}", visible="hidden")  # the suggestion that was taken over last; of another size, none yet
    rows_csv = gr.Textbox("", visible="hidden", elem_id="runs-csv")

    inputs = {learns, source, box, delimiter, header, text_column, label_column, preset, changes}
    trainings: dict[str, training_client.Training] = {}  # session -> what it trains now
    turns: dict[str, int] = {}  # session -> how many surveys it has asked for; the one that asked last stands last

    def asked_by(values: dict[gr.components.Component, Any], request: gr.Request) -> training_client.TrainingRequest:
        return form.read({each.elem_id: value for each, value in values.items()}, request.session_hash)

    async def look(values: dict, request: gr.Request) -> tuple:
        """The survey, the columns to choose from, and what the size suggests for the settings."""
        training_client.warm()
        session = request.session_hash
        turns[session] = turn = turns.pop(session, 0) + 1
        if len(turns) > limits.MAX_SESSIONS:
            del turns[next(iter(turns))]
        problem, survey = "", None
        try:
            asked = asked_by(values, request)
            survey = await training_client.summarize(asked)
        except ValueError as mistake:
            problem = views.problem(str(mistake))
        if turns.get(session, turn) != turn:  # what is shown meanwhile is of later data
            return (gr.skip(),) * 5
        if survey is None:
            return problem, gr.update(visible=False), *[gr.skip()] * 3
        offered = [(controls.DETECTED, controls.DETECTED), *views.columns(survey["read_as"])]
        suggestion = {field: survey["recipe"][field] for field in form.SETTINGS} | {"survey": turn}
        columns = [gr.update(choices=offered)] * 2
        return views.summary(survey), _drawn_lengths(survey), *columns, json.dumps(suggestion)

    def arrange(learns: object, source: object, box: object) -> tuple:
        """Shows what belongs to the data; the example in the box follows what is learnt, what was pasted stays."""
        learns, source = controls.LEARNS.choose(learns), controls.SOURCE.choose(source)
        example = {"value": EXAMPLES[learns]} if box in ("", *EXAMPLES.values()) else {}
        return (
            gr.update(visible=source == controls.PASTE, label=controls.BOX_LABELS[learns], **example),
            gr.update(visible=source == controls.UPLOAD),
            gr.update(visible=learns == controls.ROWS and source != controls.BUILT_IN),
            "{}",
            "{}",
            *[controls.DETECTED] * 4,
        )

    def paste(box: object, request: gr.Request) -> tuple:
        """Keeps what is too long for a box that every event sends along."""
        box = limits.check_text("text", box, limits.MAX_USER_DATA_BYTES)
        if len(box) <= BOX_CHARACTERS:
            return gr.skip(), gr.skip(), gr.skip()
        STORE.keep_data(request.session_hash, f"what was pasted, {len(box):,} characters", box.encode())
        return gr.update(value="", visible=False), controls.UPLOAD, gr.update(visible=True)

    async def drop(values: dict, request: gr.Request) -> tuple:
        """Takes a file and looks at it; then its place is free for another."""
        try:
            await asyncio.to_thread(lambda: STORE.keep_data(request.session_hash, *uploads.take(values[file])))
        except ValueError as mistake:
            return None, views.problem(str(mistake)), gr.update(visible=False), *[gr.skip()] * 3
        return None, *await look(values, request)

    async def train(values: dict, request: gr.Request) -> AsyncIterator[tuple]:
        session = request.session_hash
        resting = [gr.skip()] * (3 + len(own.outputs))
        try:
            asked = asked_by(values, request)
            if session in trainings:
                raise ValueError("This page trains already: stop that first.")
            course = TrainingProgress(asked)
            with STORE.workplace() as place:
                # Before the first yield: of two Starts at once the second finds it here.
                training = trainings[session] = training_client.Training(asked, place / "trained.safetensors")
                try:
                    yield *course.shown(), gr.update(visible=True), gr.update(interactive=False), *resting
                    async with aclosing(training.follow()) as responses:
                        async for response in responses:
                            if response is not None:
                                course.receive(response)
                            if response is None or not response["is_done"]:
                                yield *course.shown(), gr.skip(), gr.skip(), *resting
                    name = await asyncio.to_thread(STORE.keep_model, session, training.out, "The trained model")
                finally:
                    del trainings[session]
        except ValueError as mistake:
            yield views.problem(str(mistake)), *[gr.skip()] * 3, gr.update(visible=True), gr.skip(), *resting
            return
        STORE.note_run(session, course.run(name, STORE.models(session)[name]))
        yield *course.shown(), gr.skip(), gr.skip(), *tabled(session), *own.offer(session, name)

    def tabled(session: str | None) -> tuple:
        runs = STORE.runs(session)
        return gr.update(visible=bool(runs)), run_table.table(runs), run_table.as_csv(runs)

    def end(request: gr.Request) -> None:
        if training := trainings.get(request.session_hash):
            training.stop()

    quiet = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    live = {**quiet, "trigger_mode": "always_last"}
    surveyed = [says, lengths, text_column, label_column, suggested]
    arranged = [box, file, reading, changes, taken, delimiter, header, text_column, label_column]
    gr.on([learns.input, source.input], as_gradio_error(arrange), [learns, source, box], arranged, **quiet).then(
        look, inputs, surveyed, **quiet
    )
    gr.on([box.change], as_gradio_error(paste), box, [box, source, file], **live).then(look, inputs, surveyed, **live)
    file.upload(drop, inputs | {file}, [file, *surveyed], **quiet)
    preset.input(lambda: ("{}", "{}"), None, [changes, taken], **quiet).then(look, inputs, surveyed, **quiet)
    readings = [delimiter.input, header.input, text_column.input, label_column.input]
    gr.on([*readings, tab.select], look, inputs, surveyed, **live)
    for field, setting in zip(form.SETTINGS, settings, strict=True):
        noted = setting.input(None, [changes, setting], changes, js=_NOTE.format(field=field), **quiet)
        noted.then(look, inputs, surveyed, **live)
    suggested.change(None, [suggested, taken, changes, *settings], [taken, *settings], js=_TAKE_OVER, **quiet)
    shown = [status, losses, written, confusion, running, start]
    outputs = [*shown, tried, table, rows_csv, *own.outputs]
    # on a phone the course lies below the fold
    trained = start.click(as_gradio_error(train), inputs, outputs, scroll_to_output=True, **quiet)
    ready = functools.partial(gr.update, interactive=True)
    trained.then(ready, None, start, **quiet)
    stop.click(end, None, None, **quiet)
    saving.click(None, rows_csv, None, js=_SAVE)
