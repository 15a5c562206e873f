"""The models of the page itself, trained here or loaded: to be tried in their tab, saved, and loaded again."""

from dataclasses import dataclass
from html import escape
from typing import Any

import gradio as gr

from charplay.models.checkpoints import Checkpoint, Registry
from charplay.models.networks import count_parameters
from charplay.ui import controls, scoreboard, uploads
from charplay.ui.errors import as_gradio_error
from charplay.ui.session_store import STORE

TABS = {"names": "Names", "speech": "Speech"}  # task -> where a model of it is tried
_NONE = '<p class="caption note">None yet: train one, or load one that was saved here.</p>'
_KEPT = (
    '<p class="caption note">Only this page sees them, until it is closed or an hour after their last use: '
    "download what you want to keep.</p>"
)
_FETCH = "() => setTimeout(() => document.querySelector('#fetch').click(), 100)"  # the button has its file by then
# A tab that has just been chosen is drawn first; of the language models one wants to read something.
_WRITE = """() => setTimeout(() => {
  const button = document.querySelector('#generate');
  if (button && button.checkVisibility()) button.click();
}, 300)"""


def label(name: str, checkpoint: Checkpoint) -> str:
    """What a choice says of an own model."""
    return f"{name}: {checkpoint.label}"


def _does(checkpoint: Checkpoint) -> str:
    if checkpoint.task == "speech":
        return f"goes on with a text of {len(checkpoint.alphabet)} different characters"
    return f"tells {len(checkpoint.classes)} classes apart"


@dataclass(frozen=True)
class MyModels:
    """The part of the page that lists them, and the choices of the tabs that offer them."""

    registry: Registry
    chosen: gr.Dropdown
    says: gr.HTML
    buttons: tuple[gr.Button, ...]  # that need a model
    choices: dict[str, gr.Dropdown]  # task -> the choice of its tab

    @property
    def outputs(self) -> list[gr.Component]:
        """What `offer` has values for."""
        return [self.chosen, self.says, *self.buttons, *self.choices.values()]

    def offer(self, session: str | None, chosen: str | None = None) -> list[Any]:
        """Values of `outputs`: every model of the page, here and in its tab; `chosen` is the one chosen here."""
        own = STORE.models(session)
        here = [(f"{label(name, each)}, for {TABS[each.task]}", name) for name, each in own.items()]
        # what a tab shows stays chosen
        tabs = [gr.update(choices=self._offered(task, own)) for task in self.choices]
        ready = [gr.update(interactive=bool(own))] * len(self.buttons)
        chosen = chosen if chosen in own else next(reversed(own), None)
        return [gr.update(choices=here, value=chosen), _says(own, chosen), *ready, *tabs]

    def _offered(self, task: str, own: dict[str, Checkpoint]) -> list[tuple[str, str]]:
        yours = [(label(name, each), name) for name, each in own.items() if each.task == task]
        return scoreboard.choices(self.registry.models[task]) + yours


def _says(own: dict[str, Checkpoint], chosen: str | None) -> str:
    if chosen not in own:
        return _NONE
    parameters = count_parameters(own[chosen].model)
    return f'<p class="caption"><b>{chosen}</b>: {escape(_does(own[chosen]))}, {parameters:,} parameters.</p>{_KEPT}'


def build(registry: Registry, tabs: gr.Tabs, choices: dict[str, gr.Dropdown | None]) -> MyModels:
    """Lays out the part inside the current Blocks.

    Args:
        registry: the page's models.
        tabs: of the page.
        choices: task -> the choice of a model in its tab; None where the tab has none.
    """
    choices = {task: choice for task, choice in choices.items() if choice is not None}
    chosen = gr.Dropdown(**controls.USER_MODEL.arguments() | {"choices": []}, interactive=True)
    with gr.Row():
        buttons = {"size": "md", "min_width": 90, "interactive": False}
        trying = gr.Button("Try it", elem_id="try", **buttons)
        saving = gr.Button("Download", elem_id="download", **buttons)
        loading = gr.UploadButton("Load a model", elem_id="load", size="md", min_width=90)
    says = gr.HTML(_NONE, elem_id="own-says")
    fetch = gr.DownloadButton("Download", elem_id="fetch", visible="hidden")
    models = MyModels(registry, chosen, says, (trying, saving), choices)

    def find(name: object, request: gr.Request) -> Checkpoint:
        own = STORE.models(request.session_hash)
        if not isinstance(name, str) or name not in own:
            raise ValueError("There is no such model of yours any more: train one, or load one that was saved here.")
        return own[name]

    def choose(name: object, request: gr.Request) -> str:
        find(name, request)
        return _says(STORE.models(request.session_hash), name)

    def try_it(name: object, request: gr.Request) -> list[Any]:
        task = find(name, request).task
        if task not in choices:
            raise ValueError(f"The tab {TABS[task]} has no model of its own here, and so it is not shown.")
        values = [gr.update(value=name) if each == task else gr.skip() for each in choices]
        return [gr.update(selected=TABS[task].lower()), *values]

    def save(name: object, request: gr.Request) -> str:
        return str(find(name, request).path)

    def load(upload: object, request: gr.Request) -> list[Any]:
        called, content = uploads.take(upload)
        return models.offer(request.session_hash, STORE.keep_model(request.session_hash, content, called))

    quiet = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    chosen.input(as_gradio_error(choose), chosen, says, **quiet)
    trying.click(as_gradio_error(try_it), chosen, [tabs, *choices.values()], **quiet).success(None, js=_WRITE)
    saving.click(as_gradio_error(save), chosen, fetch, **quiet).success(None, js=_FETCH)
    loading.upload(as_gradio_error(load), loading, models.outputs, **quiet)
    return models
