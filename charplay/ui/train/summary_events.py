"""The Train tab's data summary: made again whenever the form has changed."""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import replace
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component
from gradio.events import Dependency

from charplay import limits
from charplay.ui import controls, html, links, training_client, uploads
from charplay.ui.assets import read_asset
from charplay.ui.errors import with_problem
from charplay.ui.events import LATEST, QUIET
from charplay.ui.example_data import EXAMPLES
from charplay.ui.link_events import TabLink
from charplay.ui.session_store import STORE
from charplay.ui.train import plots, summary
from charplay.ui.train.form import Form
from charplay.ui.train.page_training import TRAININGS
from charplay.ui.train.request import SETTINGS, parse_request
from charplay.ui.train.starts import Starts
from charplay.ui.training_client import SettingsError, TrainingRequest

MAX_PASTED_CHARACTERS = 50_000  # a longer text would be sent with every event: it is kept like an uploaded file
_NOTE_CHANGE = "(changes, value) => JSON.stringify({{...JSON.parse(changes), {field}: value}})"
_SHORTEN = (
    "(changes, epochs) => { const fewer = Math.max(1, Math.round(epochs / 4)); "
    "return [JSON.stringify({...JSON.parse(changes), epochs: fewer}), fewer]; }"
)
_ACCEPT_SUGGESTION = read_asset(__file__, "accept_suggestion.js")


class SummaryView(NamedTuple):
    """Where the data summary is shown."""

    text: gr.HTML
    lengths: gr.Plot


def lengths_plot(data_summary: dict[str, Any]) -> dict:
    """The histogram of lengths; hidden for a text, which has none."""
    if not data_summary["lengths"]:
        return gr.update(visible=False)
    return gr.update(value=plots.lengths(data_summary["lengths"]), visible=True)


class Summaries:
    """Makes the summaries of all pages; of each page only the one requested last is shown."""

    def __init__(self, file: gr.File, starts: Starts):
        self._file, self._starts = file, starts
        self._expected_seconds: dict[str | None, float | None] = {}  # session -> of the training last summarized
        self._requested: dict[str | None, int] = {}  # session -> summaries requested so far, the latest session last

    def request_of(self, values: dict[Component, Any], page: gr.Request) -> TrainingRequest:
        """The request that the form describes, from the values of `Form.inputs`.

        Raises:
            ValueError: it describes none.
        """
        by_name = {str(component.elem_id): value for component, value in values.items()}
        request = parse_request(by_name, page.session_hash)
        return replace(request, start=self._starts.find(request.task, by_name[controls.START_FROM.name], page))

    async def summarize(self, values: dict[Component, Any], page: gr.Request) -> AsyncGenerator[tuple, None]:
        """Summary, histogram, both problems, choices of both columns, the queue, and the suggested settings.

        The summary comes first without, then with an estimate of how long the training will take.
        """
        session = page.session_hash
        number = self._count(session)
        try:
            request = self.request_of(values, page)
            file_name = request.called if "file" in request.data else None
            async with aclosing(training_client.summarize(request)) as summaries:
                async for found in summaries:
                    is_latest = self._is_latest(session, number)
                    if is_latest and found is not None:
                        self._expected_seconds[session] = found["seconds"]
                        yield self._show(found, file_name, number, *TRAININGS.ahead_of(session))
                    else:
                        yield (gr.skip(),) * 9
                    if not is_latest:
                        return  # so it is not timed either, and the latest comes sooner
            training_client.warm()  # not before: the first summary has the machine for itself
        except ValueError as error:
            if self._is_latest(session, number):
                yield _show_problem(error)

    def expected_seconds(self, session: str | None) -> float | None:
        """How long the training of the page's latest summary will take; None if that is not known."""
        return self._expected_seconds.get(session)

    def _is_latest(self, session: str | None, number: int) -> bool:
        return self._requested.get(session, number) == number

    @staticmethod
    def _show(found: dict[str, Any], file_name: str | None, number: int, ahead: int, wait_seconds: float) -> tuple:
        columns = gr.update(choices=[(controls.DETECTED, controls.DETECTED), *summary.columns(found["read_as"])])
        suggestion = {"number": number, "settings": {field: found["recipe"][field] for field in SETTINGS}}
        queue = summary.queue_html(ahead, wait_seconds), gr.update(visible=ahead > 0 and found["recipe"]["epochs"] > 1)
        shown = summary.summary_html(found, file_name), lengths_plot(found)
        return *shown, "", "", columns, columns, *queue, json.dumps(suggestion)

    async def upload(self, values: dict[Component, Any], page: gr.Request) -> AsyncGenerator[tuple, None]:
        """Keeps an uploaded file and summarizes it; empties the file's component for the next one."""
        try:
            await asyncio.to_thread(lambda: STORE.keep_data(page.session_hash, *uploads.take(values[self._file])))
        except ValueError as error:
            yield None, *_show_problem(error)
            return
        async with aclosing(self.summarize(values, page)) as shown:
            async for each in shown:
                yield None, *each

    def _count(self, session: str | None) -> int:
        self._requested[session] = number = self._requested.pop(session, 0) + 1
        self._expected_seconds.pop(session, None)
        if len(self._requested) > limits.MAX_SESSIONS:
            oldest = next(iter(self._requested))
            del self._requested[oldest]
            self._expected_seconds.pop(oldest, None)
        return number


def _show_problem(error: ValueError) -> tuple:
    """The problem beside what causes it, and nothing in place of the summary: an old one would pass for current."""
    problem = html.problem(str(error))
    problems = ("", problem) if isinstance(error, SettingsError) else (problem, "")
    return "", gr.update(visible=False), *problems, *[gr.skip()] * 2, "", gr.update(visible=False), gr.skip()


def _show_source(kind: object, source: object, pasted: object) -> tuple:
    """Shows the controls of the chosen data; an example follows their kind, a pasted text stays."""
    kind, source = controls.DATA_KIND.choose(kind), controls.SOURCE.choose(source)
    example = {"value": EXAMPLES[kind]} if pasted in ("", *EXAMPLES.values()) else {}
    return (
        gr.update(visible=source == controls.PASTE, label=controls.PASTED_DATA_LABELS[kind], **example),
        gr.update(visible=source == controls.UPLOAD),
        gr.update(visible=source == controls.UPLOAD, value=controls.DETECTED),
        gr.update(visible=kind == controls.ROWS and source != controls.BUILT_IN),
        gr.update(visible=kind == controls.ROWS),
        *[controls.DETECTED] * 4,
    )


def _show_linked(field: object, kind: object, source: object, pasted: object) -> tuple:
    """Shows the controls of the data that a link chose. It carries none: "paste" asks for the example.

    What was pasted stays with any other link; `links.js` asks its user before it sends one with "paste".
    """
    is_example = links.linked(field, controls.SOURCE) == controls.PASTE
    pasted, file, encoding, row_format, goal, *_ = _show_source(kind, source, "" if is_example else pasted)
    encoding = gr.update(visible=encoding["visible"])
    settings = {each: links.linked(field, control) for each, control in SETTINGS.items()}
    changes = {each: value for each, value in settings.items() if value is not None}
    return pasted, file, encoding, row_format, goal, json.dumps(changes), "{}"


def _keep_long_text(pasted: object, page: gr.Request) -> tuple:
    """Keeps a long pasted text like an uploaded file."""
    text = limits.check_text("text", pasted, limits.MAX_USER_DATA_BYTES)
    if len(text) <= MAX_PASTED_CHARACTERS:
        return gr.skip(), gr.skip(), gr.skip()
    STORE.keep_data(page.session_hash, f"pasted text, {len(text):,} characters", text.encode())
    return gr.update(value="", visible=False), controls.UPLOAD, gr.update(visible=True)


# No setting changed by hand, and no suggestion taken. In the browser: from the server it would come late, and what was
# changed meanwhile would be forgotten.
_NO_CHANGES = "() => ['{}', '{}']"
_SummarizeAfter = Callable[[Dependency], None]


def _wire_data(
    form: Form, tab: gr.Tab, starts: Starts, user_model: gr.Dropdown, link: TabLink, summarize_after: _SummarizeAfter
) -> None:
    """Has the form follow what is learnt from, where it comes from, and what a training can start from."""
    offered = [*starts.outputs(form), form.settings_problem]
    update_starts = with_problem(starts.update, len(offered) - 1)
    read = [form.pasted, form.file, form.encoding, form.row_format, form.goal]
    noted = [form.changes, form.accepted]
    chosen = [form.kind, form.goal, form.start]
    forgotten = gr.on([form.kind.input, form.source.input], None, None, noted, js=_NO_CHANGES, **QUIET)
    shown = forgotten.then(
        with_problem(_show_source, 9),
        [form.kind, form.source, form.pasted],
        [*read, *form.row_format_controls, form.data_problem],
        **LATEST,
    )
    linked = link.applied.change(
        with_problem(_show_linked, 7),
        [link.applied, form.kind, form.source, form.pasted],
        [*read, *noted, form.data_problem],
        **LATEST,
    )
    for each in (shown, linked):
        summarize_after(each.then(update_starts, chosen, offered, **LATEST))
    for control in (form.goal, form.start):
        forgotten = control.input(None, None, noted, js=_NO_CHANGES, **QUIET)
        summarize_after(forgotten.then(update_starts, chosen, offered, **LATEST))
    kept = form.pasted.change(
        with_problem(_keep_long_text, 3),
        form.pasted,
        [form.pasted, form.source, form.file, form.data_problem],
        **LATEST,
    )
    summarize_after(kept)
    gr.on([user_model.change, tab.select], update_starts, chosen, offered, **LATEST)


def _wire_settings(form: Form, summarize_after: _SummarizeAfter) -> None:
    """Notes which settings were changed, and sets the others as the summary suggests."""
    summarize_after(form.preset.input(None, None, [form.changes, form.accepted], js=_NO_CHANGES, **QUIET))
    for field, setting in zip(SETTINGS, form.settings, strict=True):
        noted = setting.input(None, [form.changes, setting], form.changes, js=_NOTE_CHANGE.format(field=field), **QUIET)
        summarize_after(noted)
    epochs = form.settings[list(SETTINGS).index("epochs")]
    shortened = form.shorter.click(None, [form.changes, epochs], [form.changes, epochs], js=_SHORTEN, **QUIET)
    summarize_after(shortened)
    form.suggestion.change(
        None,
        [form.suggestion, form.accepted, form.changes, *form.settings],
        [form.accepted, *form.settings],
        js=_ACCEPT_SUGGESTION,
        **QUIET,
    )


def wire(
    form: Form, view: SummaryView, tab: gr.Tab, starts: Starts, user_model: gr.Dropdown, link: TabLink
) -> Summaries:
    """Has the summary follow the form, and the form's settings follow the summary's suggestion.

    Args:
        form: the tab's.
        view: where the summary is shown.
        tab: the Train tab.
        starts: what a training can start from.
        user_model: the list of the page's models, which changes when one comes.
        link: of the page.
    """
    summaries = Summaries(form.file, starts)
    problems, columns = [form.data_problem, form.settings_problem], [form.text_column, form.label_column]
    outputs = [*view, *problems, *columns, form.queue, form.shorter, form.suggestion]

    def summarize_after(event: Dependency) -> None:
        event.then(summaries.summarize, form.inputs, outputs, **LATEST)

    _wire_data(form, tab, starts, user_model, link, summarize_after)
    _wire_settings(form, summarize_after)
    form.file.upload(summaries.upload, form.inputs | {form.file}, [form.file, *outputs], **LATEST)
    read_as = [*(control.input for control in (form.encoding, *form.row_format_controls)), form.merge_case.input]
    gr.on([*read_as, tab.select], summaries.summarize, form.inputs, outputs, **LATEST)
    return summaries
