"""The whole page: loads the models, lays out the tabs, adds the endpoints."""

from html import escape
from pathlib import Path
from types import ModuleType
from typing import Any

import gradio as gr
from fastapi.middleware import Middleware

from charplay.models import checkpoints
from charplay.models.checkpoints import CheckpointError
from charplay.models.networks import MODELS
from charplay.ui import api, gradio_patches, settings, theme
from charplay.ui.batches import tab as batches_tab
from charplay.ui.inference_client import InitialExamples, compute_examples
from charplay.ui.names import tab as names_tab
from charplay.ui.request_limits import BoundedBodies
from charplay.ui.speech import tab as speech_tab
from charplay.ui.teacher_forcing import tab as teacher_forcing_tab
from charplay.ui.train import tab as train_tab
from charplay.ui.widgets import colored_text

_TITLE = '<p id="title"><b>charplay</b><span>a playground for character-level recurrent networks</span></p>'


def _tab(tab: ModuleType, task: str, opening: InitialExamples) -> gr.Dropdown | None:
    """Lays out a tab, or says why it has no model; files of its task that cannot be used are named.

    Returns the choice of its model, if it has one.
    """
    registry = opening.registry
    try:
        default = registry.default(task)
    except CheckpointError as error:
        gr.HTML(f'<p class="problem">This tab has no model: {escape(str(error))}</p>')
        return None
    choice = tab.build(default if tab is batches_tab else opening)
    unusable = [str(problem) for name, problem in registry.problems.items() if name.startswith(task)]
    if unusable:
        gr.HTML(f'<p class="problem">Left out: {escape(" ".join(unusable))}</p>')
    return choice


def build(*directories: Path, opening: InitialExamples | None = None) -> gr.Blocks:
    """Builds the page; launch it with `launch_arguments()`.

    Args:
        directories: of its checkpoints; none: those that charplay looks in.
        opening: what its tabs open with, where it was asked for before; `directories` mean nothing then.
    """
    gradio_patches.apply()
    opening = opening or compute_examples(checkpoints.load_all(*(directories or checkpoints.DIRECTORIES)))
    registry = opening.registry
    with gr.Blocks(title="charplay", analytics_enabled=False, **settings.BLOCKS) as demo:
        api.build(registry)  # before the tabs: an event of theirs with the same name would take an endpoint's place
        gr.HTML(_TITLE, elem_id="title-block")
        choices = {}  # tab -> its choice of a model
        with gr.Tabs() as tabs:
            for label, tab, task in (
                ("Names", names_tab, "names"),
                ("Speech", speech_tab, "speech"),
                ("Batches", batches_tab, "names"),
            ):
                with gr.Tab(label, id=label.lower()):
                    choices[label.lower()] = _tab(tab, task, opening)
            with gr.Tab("Teacher forcing", id="teacher-forcing") as tab:
                teacher_forcing_tab.build(tab)
            with gr.Tab("Train", id="train") as training:
                train_tab.build(training, registry, tabs, {task: choices[task] for task in MODELS})
        foreign = [str(problem) for name, problem in registry.problems.items() if not name.startswith(tuple(MODELS))]
        if foreign:
            gr.HTML(f'<p class="note">Left out: {escape(" ".join(foreign))}</p>')
        # A picture in a hidden tab misses that the window was resized, or the phone turned.
        tabs.select(None, js="() => setTimeout(() => window.dispatchEvent(new Event('resize')), 100)")
    return demo.queue(**settings.QUEUE)


def launch_arguments() -> dict[str, Any]:
    """What `launch` needs besides where to listen."""
    css = theme.css() + colored_text.LEVEL_CSS
    # Gradio writes into this dict: each launch gets one of its own.
    app_kwargs = {"middleware": [Middleware(BoundedBodies)]}
    return {**settings.LAUNCH, "app_kwargs": app_kwargs, "theme": theme.theme(), "css": css}
