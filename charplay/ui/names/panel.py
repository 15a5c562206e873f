"""What the folds under the bars of the Names tab share: what they are about, how they rest, what holds a picture."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import gradio as gr
from gradio.components.plot import PlotData
from plotly.io.json import to_json_plotly

from charplay.data.text import normalize_name
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import controls, session_store
from charplay.ui.names.plots import Figure

IDLE_NOTE = '<p class="caption note">This follows the name above, once there is one that can be read.</p>'
BY_LETTER = "by-letter"  # a picture with a column for each letter, which a phone leaves little room for numbers


@dataclass(frozen=True)
class ModelChoice:
    """Where the folds get what they show: the tab's controls, and the models that can be chosen."""

    name: gr.Textbox
    model: gr.Dropdown
    prior: gr.Radio
    registry: Registry

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What every fold is given."""
        return [self.name, self.model, self.prior]

    @property
    def triggers(self) -> list[Callable]:
        """What has a fold answer anew."""
        return [self.name.change, self.model.change, self.prior.input]

    def find(self, chosen: str, page: gr.Request) -> Checkpoint:
        """The model that a page chose, which may be its own."""
        return session_store.find(self.registry, "names", chosen, page)

    def read(self, page: gr.Request, name: str, chosen: str, prior: str) -> "Query | None":
        """What the controls say; None for a name that is blank or cannot be read, of which the tab tells."""
        asked = Query(name, self.find(chosen, page), controls.PRIORS[controls.PRIOR.choose(prior)])
        try:
            return asked if normalize_name(name) else None
        except ValueError:
            return None


class Query(NamedTuple):
    """What a fold is about."""

    name: str
    checkpoint: Checkpoint
    prior: str  # as the core calls it


def figure_value(picture: Figure) -> PlotData:
    return PlotData(type="plotly", plot=to_json_plotly(picture))


def plot(name: str, *classes: str) -> gr.Plot:
    """A picture, which takes no room while there is nothing in it."""
    return gr.Plot(elem_id=name, elem_classes=["inside", *classes], show_label=False, container=False)


def screen_reader_text(sentence: str) -> str:
    """What a picture shows, for who cannot see it (HTML)."""
    return f'<p class="screen-reader">{escape(sentence)}</p>'


def percent(share: float) -> str:
    return f"{100 * share:.1f} %"
