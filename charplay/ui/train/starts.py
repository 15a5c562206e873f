"""What a training can start from: a new network, a shipped model, or one of the page's own."""

from typing import Any

import gradio as gr

from charplay.models.checkpoints import Registry
from charplay.training.recipes import FINE_TUNING_RECIPES
from charplay.ui import controls, session_store
from charplay.ui.train.form import Form
from charplay.ui.train.request import SETTINGS, task_of
from charplay.ui.training_client import SettingsError

SIZES = ("cell", "hidden_size", "layers")  # the settings that are those of the model that is started from


class Starts:
    """The choices of `controls.START_FROM`, which follow what is learnt from and the page's models."""

    def __init__(self, registry: Registry):
        self._registry = registry

    def find(self, task: str, chosen: object, page: gr.Request) -> str | None:
        """The path of the chosen checkpoint; None: a new network.

        Raises:
            SettingsError: there is no such model, or it is not kept any more.
        """
        if chosen == controls.NEW_NETWORK:
            return None
        if task not in FINE_TUNING_RECIPES:
            raise SettingsError("A network that invents texts starts from a new network: choose that.")
        try:
            return str(session_store.find(self._registry, task, chosen, page).path)
        except ValueError as error:
            raise SettingsError(str(error)) from None

    def update(self, kind: object, goal: object, chosen: object, page: gr.Request) -> list[Any]:
        """Values of `outputs`; a choice that is not offered any more becomes a new network."""
        task = task_of(kind, goal)
        models = session_store.models(self._registry, task, page) if task in FINE_TUNING_RECIPES else {}
        listed = [(f"{name}: {checkpoint.label}", name) for name, checkpoint in models.items()]
        if not isinstance(chosen, str) or chosen not in models:
            chosen = controls.NEW_NETWORK
        is_new = chosen == controls.NEW_NETWORK
        sizes = [gr.update(interactive=is_new)] * len(SIZES)
        start = gr.update(choices=[(controls.NEW_NETWORK, controls.NEW_NETWORK), *listed], value=chosen)
        return [start, gr.update(interactive=is_new), *sizes]

    @staticmethod
    def outputs(form: Form) -> list[gr.components.Component]:
        """What `update` has values for."""
        of_field = dict(zip(SETTINGS, form.settings, strict=True))
        return [form.start, form.preset, *(of_field[field] for field in SIZES)]
