"""The user's models, trained here or loaded: to be tried in their tab, downloaded, and loaded again."""

from dataclasses import dataclass
from html import escape
from typing import Any, NamedTuple

import gradio as gr

from charplay.models.checkpoints import Checkpoint, Registry
from charplay.models.networks import count_parameters
from charplay.ui import controls, html, scoreboard, uploads
from charplay.ui.assets import read_asset
from charplay.ui.errors import as_gradio_error
from charplay.ui.events import QUIET
from charplay.ui.session_store import STORE

_NONE = html.note("None yet: train one, or load one that was saved here.")
_EXPIRY = html.note(
    "Only this page sees them, until it is closed or an hour after their last use: download what you want to keep."
)
_DOWNLOAD = "() => setTimeout(() => document.querySelector('#fetch').click(), 100)"  # the button has its file by then
_GENERATE = read_asset(__file__, "generate.js")


def _label(name: str, checkpoint: Checkpoint) -> str:
    return f"{name}: {checkpoint.label}"


def _ability(checkpoint: Checkpoint) -> str:
    if checkpoint.task == "speech":
        return f"goes on with a text of {len(checkpoint.alphabet)} different characters"
    return f"tells {len(checkpoint.classes)} classes apart"


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
    choice: gr.Dropdown | None  # of a model; None: the tab has no model, and is not shown


@dataclass(frozen=True)
class UserModels:
    """The components that list the user's models, here and in the tabs that can use them."""

    registry: Registry
    chosen: gr.Dropdown
    description: gr.HTML
    buttons: tuple[gr.Button, ...]  # that need a model
    tabs: dict[str, ModelTab]  # task -> its tab

    @property
    def choices(self) -> dict[str, gr.Dropdown]:
        """Task -> the choice of a model in its tab, where there is one."""
        return {task: tab.choice for task, tab in self.tabs.items() if tab.choice is not None}

    @property
    def outputs(self) -> list[gr.components.Component]:
        """What `updates` has values for."""
        return [self.chosen, self.description, *self.buttons, *self.choices.values()]

    def updates(self, session: str | None, chosen: str | None = None) -> list[Any]:
        """Values of `outputs`: all models of the session. `chosen` is chosen here; the tabs keep their choice."""
        models = STORE.models(session)
        listed = [(f"{_label(name, model)}, for {self.tabs[model.task].label}", name) for name, model in models.items()]
        in_tabs = [gr.update(choices=self._tab_choices(task, models)) for task in self.choices]
        buttons = [gr.update(interactive=bool(models))] * len(self.buttons)
        chosen = chosen if chosen in models else next(reversed(models), None)
        return [gr.update(choices=listed, value=chosen), _description(models, chosen), *buttons, *in_tabs]

    def _tab_choices(self, task: str, models: dict[str, Checkpoint]) -> list[tuple[str, str]]:
        users = [(_label(name, model), name) for name, model in models.items() if model.task == task]
        return scoreboard.choices(self.registry.models[task]) + users

    def try_it(self, name: object, page: gr.Request) -> list[Any]:
        """Selects the tab of the model's task, and the model in it."""
        task = _find(name, page).task
        if task not in self.choices:
            raise ValueError(f"The tab {self.tabs[task].label} has no model of its own here, and so it is not shown.")
        values = [gr.update(value=name) if each == task else gr.skip() for each in self.choices]
        return [gr.update(selected=self.tabs[task].id), *values]

    def load(self, upload: object, page: gr.Request) -> list[Any]:
        """Keeps an uploaded checkpoint as a model of the page."""
        name, content = uploads.take(upload)
        return self.updates(page.session_hash, STORE.keep_model(page.session_hash, content, name))


def _choose(name: object, page: gr.Request) -> str:
    _find(name, page)
    return _description(STORE.models(page.session_hash), name)


def _download(name: object, page: gr.Request) -> str:
    return str(_find(name, page).path)


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
    description = gr.HTML(_NONE, elem_id="user-model-description")
    fetch = gr.DownloadButton("Download", elem_id="fetch", visible="hidden")
    models = UserModels(registry, chosen, description, (try_button, download), model_tabs)
    chosen.input(as_gradio_error(_choose), chosen, description, **QUIET)
    tried = try_button.click(as_gradio_error(models.try_it), chosen, [tabs, *models.choices.values()], **QUIET)
    tried.success(None, js=_GENERATE)
    download.click(as_gradio_error(_download), chosen, fetch, **QUIET).success(None, js=_DOWNLOAD)
    load.upload(as_gradio_error(models.load), load, models.outputs, **QUIET)
    return models
