"""The whole page: loads the models, lays out the tabs, adds the endpoints."""

from html import escape
from pathlib import Path
from typing import Any

import gradio as gr

from charplay import checkpoints
from charplay.checkpoints import Checkpoint, CheckpointError
from charplay.ui import api, batches, names, settings, speech, theme

_TITLE = '<p id="title"><b>charplay</b><span>a playground for character-level recurrent networks</span></p>'


def _load(directory: Path, task: str) -> Checkpoint | CheckpointError:
    """The task's model, or why there is none: the other tabs work without it."""
    try:
        return checkpoints.load(directory / f"{task}.safetensors", task)
    except CheckpointError as error:
        return error


def build(directory: Path = checkpoints.DIRECTORY) -> gr.Blocks:
    """Builds the page from the checkpoints in `directory`; launch it with `launch_arguments()`."""
    classifier, language_model = _load(directory, "names"), _load(directory, "speech")
    with gr.Blocks(title="charplay", analytics_enabled=False) as demo:
        gr.HTML(_TITLE, elem_id="title-block")
        with gr.Tabs() as tabs:
            for label, tab, checkpoint in (
                ("Names", names, classifier),
                ("Speech", speech, language_model),
                ("Batches", batches, classifier),
            ):
                with gr.Tab(label, id=label.lower()):
                    if isinstance(checkpoint, CheckpointError):
                        gr.HTML(f'<p class="problem">This tab has no model: {escape(str(checkpoint))}</p>')
                    else:
                        tab.build(checkpoint)
        # A picture in a hidden tab misses that the window was resized, or the phone turned.
        tabs.select(None, js="() => setTimeout(() => window.dispatchEvent(new Event('resize')), 100)")
        api.build(classifier, language_model)
    return demo.queue(**settings.QUEUE)


def launch_arguments() -> dict[str, Any]:
    """What `launch` needs besides where to listen."""
    return {**settings.LAUNCH, "theme": theme.theme(), "css": theme.CSS}
