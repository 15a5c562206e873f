"""The user's models, trained here or loaded: to be tried in their tab, downloaded, and loaded again."""

from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import gradio as gr

from charplay import limits
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.models.networks import count_parameters
from charplay.ui import controls, html, scoreboard, uploads
from charplay.ui.assets import read_asset
from charplay.ui.errors import with_problem
from charplay.ui.events import LATEST, QUIET
from charplay.ui.model_controls import ModelControls
from charplay.ui.session_store import STORE

_NONE = html.note("None yet: train one, or load one that was saved here.")
_EXPIRY = html.note(
    f"Kept for this page alone, for {limits.SESSION_SECONDS // 60} minutes after its last use, together with an "
    "uploaded file; then both are deleted. Download a model to keep it."
)
# The button has its file by then, unless there is a problem.
_DOWNLOAD = (
    "() => setTimeout(() => document.querySelector('#user-model-problem .problem') "
    "|| document.querySelector('#fetch').click(), 100)"
)
_SHOW_MODEL = read_asset(__file__, "show_model.js")
_GUARD_UNSAVED = read_asset(__file__, "guard_unsaved.js")


def _label(name: str, checkpoint: Checkpoint) -> str:
    return f"{name}: {checkpoint.label}"


def _ability(checkpoint: Checkpoint) -> str:
    if checkpoint.task == "speech":
        return f"continues a text, of {len(checkpoint.alphabet)} different characters"
    if checkpoint.task == "invent":
        return f"invents texts, of {len(checkpoint.classes)} classes"
    return f"classifies texts, into {len(checkpoint.classes)} classes"


def _description(models: dict[str, Checkpoint], chosen: object) -> str:
    """What the chosen model does (HTML)."""
    if not isinstance(chosen, str) or chosen not in models:
        return _NONE
    model = models[chosen]
    parameters = count_parameters(model.model)
    return html.caption(f"<b>{chosen}</b>: {escape(_ability(model))}, {parameters:,} parameters.") + _EXPIRY


def _find(name: object, page: gr.Request) -> Checkpoint:
    models = STORE.models(page.session_hash)
    if not isinstance(name, str) or name not in models:
        raise ValueError("There is no such model of yours any more: train one, or load one that was saved here.")
    return models[name]


class ModelTab(NamedTuple):
    """The tab in which the models of a task are tried."""

    id: str
    label: str
    controls: ModelControls | None  # None: the tab has no model, and is not shown
    more_choices: list[gr.Dropdown]  # of a model of the task, in later tabs; shown once there is a user model


@dataclass(frozen=True)
class UserModels:
    """The components that list the user's models, here and in the tabs that can use them."""

    registry: Registry
    chosen: gr.Dropdown
    description: gr.HTML
    buttons: tuple[gr.Button, ...]  # that need a model
    problem: gr.HTML  # why a model cannot be loaded, tried or downloaded
    unsaved: gr.Textbox  # hidden: how many models were trained here and not downloaded
    tabs: dict[str, ModelTab]  # task -> its tab

    @property
    def choices(self) -> dict[str, gr.Dropdown]:
        """Task -> the choice of a model in its tab, where there is one."""
        return {task: tab.controls.choice for task, tab in self.tabs.items() if tab.controls is not None}

    @property
    def texts(self) -> list[gr.Textbox]:
        """What is typed for a model in those tabs, in the order of `choices`."""
        return list(self._text_by_task.values())

    @property
    def _text_by_task(self) -> dict[str, gr.Textbox]:
        of_task = {task: tab.controls.text for task, tab in self.tabs.items() if tab.controls is not None}
        return {task: text for task, text in of_task.items() if text is not None}

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What `updates` has values for."""
        choices = [*self.choices.values(), *(choice for _, choice in self._more_choices)]
        return [self.chosen, self.description, self.problem, self.unsaved, *self.buttons, *choices]

    @property
    def _more_choices(self) -> list[tuple[str, gr.Dropdown]]:
        return [(task, choice) for task, tab in self.tabs.items() for choice in tab.more_choices]

    def updates(self, session: str | None, chosen: str | None = None) -> list[Any]:
        """Values of `outputs`: all models of the session. `chosen` is chosen here; the tabs keep their choice."""
        models = STORE.models(session)
        listed = [(f"{_label(name, model)}, for {self.tabs[model.task].label}", name) for name, model in models.items()]
        tasks = {model.task for model in models.values()}
        in_tabs = []
        for task, tab in self.tabs.items():
            if tab.controls is not None:
                is_visible = task in tasks or not tab.controls.is_for_user_models
                in_tabs.append(gr.update(choices=self._tab_choices(task, models), visible=is_visible))
        for task, _ in self._more_choices:
            in_tabs.append(gr.update(choices=self._tab_choices(task, models), visible=task in tasks))
        buttons = [gr.update(interactive=bool(models))] * len(self.buttons)
        chosen = chosen if chosen in models else next(reversed(models), None)
        listed_here = gr.update(choices=listed, value=chosen)
        unsaved = str(STORE.count_unsaved(session))
        return [listed_here, _description(models, chosen), "", unsaved, *buttons, *in_tabs]

    def _tab_choices(self, task: str, models: dict[str, Checkpoint]) -> list[tuple[str, str]]:
        users = [(_label(name, model), name) for name, model in models.items() if model.task == task]
        return scoreboard.choices(self.registry.models[task]) + users

    def try_it(self, name: object, page: gr.Request) -> list[Any]:
        """Selects the tab of the model's task, the model in it, and gives it a text of its own data."""
        try:
            task = _find(name, page).task
            if task not in self.choices:
                raise ValueError(f"The tab {self.tabs[task].label} has no model of its own here, and is not shown.")
        except ValueError as error:
            return [html.problem(str(error)), gr.skip(), *[gr.skip()] * (len(self.choices) + len(self.texts))]
        opening = STORE.opening(page.session_hash, str(name))
        values = [gr.update(value=name) if each == task else gr.skip() for each in self.choices]
        texts = [gr.update(value=opening) if each == task and opening else gr.skip() for each in self._text_by_task]
        return ["", gr.update(selected=self.tabs[task].id), *values, *texts]

    def load(self, upload: object, page: gr.Request) -> list[Any]:
        """Keeps an uploaded checkpoint as a model of the page."""
        try:
            name, content = uploads.take(upload)
            return self.updates(page.session_hash, STORE.keep_model(page.session_hash, content, name))
        except ValueError as error:
            values = [gr.skip()] * len(self.outputs)
            values[self.outputs.index(self.problem)] = html.problem(str(error))
            return values


def _choose(name: object, page: gr.Request) -> tuple[str, str]:
    """Description, and the problem."""
    try:
        _find(name, page)
    except ValueError as error:
        return "", html.problem(str(error))
    return _description(STORE.models(page.session_hash), name), ""


def _download(name: object, page: gr.Request) -> tuple[str, str]:
    """The file, and how many models have still not been downloaded."""
    path = _find(name, page).path
    STORE.mark_saved(page.session_hash, str(name))
    return str(path), str(STORE.count_unsaved(page.session_hash))


def build(registry: Registry, tabs: gr.Tabs, model_tabs: dict[str, ModelTab]) -> UserModels:
    """Adds the list of the user's models to the current Blocks.

    Args:
        registry: the page's models.
        tabs: of the page.
        model_tabs: task -> the tab in which its models are tried.
    """
    chosen = gr.Dropdown(**controls.USER_MODEL.arguments() | {"choices": []}, interactive=True)
    with gr.Row():
        look: dict[str, Any] = {"size": "md", "min_width": 90, "interactive": False}
        try_button = gr.Button("Try it", elem_id="try", **look)
        download = gr.Button("Download", elem_id="download", **look)
        load = gr.UploadButton("Load a model", elem_id="load", size="md", min_width=90)
    problem = gr.HTML(elem_id="user-model-problem")
    description = gr.HTML(_NONE, elem_id="user-model-description")
    unsaved = gr.Textbox("0", visible="hidden", elem_id="unsaved-models")
    fetch = gr.DownloadButton("Download", elem_id="fetch", visible="hidden")
    models = UserModels(registry, chosen, description, (try_button, download), problem, unsaved, model_tabs)
    chosen.input(_choose, chosen, [description, problem], **LATEST)
    shown = [problem, tabs, *models.choices.values(), *models.texts]
    try_button.click(models.try_it, chosen, shown, **QUIET).success(None, js=_SHOW_MODEL)
    fetched = download.click(with_problem(_download, 2), chosen, [fetch, unsaved, problem], **QUIET)
    fetched.success(None, js=_DOWNLOAD)
    load.upload(models.load, load, models.outputs, **LATEST)
    unsaved.change(None, unsaved, None, js=_GUARD_UNSAVED, **QUIET)
    return models
