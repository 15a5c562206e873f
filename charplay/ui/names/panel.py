"""What the accordions under the bars of the Names tab share: their inputs, their idle text, their plots."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import gradio as gr
from gradio.components import Component
from gradio.components.plot import PlotData
from plotly.io.json import to_json_plotly

from charplay import limits
from charplay.inference.classify import read_text
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import controls, html, session_store
from charplay.ui.link_events import TabLink
from charplay.ui.names.plots import Figure
from charplay.ui.tab_event import TabEvent

IDLE_NOTE = html.note("This follows the name above, once there is one that can be read.")
BY_LETTER = "by-letter"  # CSS class of a plot with a column for each letter, whose numbers a phone may have to hide


class Query(NamedTuple):
    """A valid name, and how it is classified."""

    name: str  # as typed
    checkpoint: Checkpoint
    prior: str  # one of `limits.PRIORS`


@dataclass(frozen=True)
class NameControls:
    """The controls of the tab that every accordion follows."""

    name: gr.Textbox
    model: gr.Dropdown
    prior: gr.Radio
    registry: Registry
    link: TabLink
    event: TabEvent = field(default_factory=TabEvent)  # answers for all that follows them

    @property
    def inputs(self) -> list[Component]:
        """The inputs of every accordion."""
        return [self.name, self.model, self.prior]

    @property
    def triggers(self) -> list[Callable[..., Any]]:
        """The events after which one of the inputs has changed."""
        return [self.name.change, self.model.change, self.prior.input, self.link.applied.change]

    def find(self, model: str, page: gr.Request) -> Checkpoint:
        """The selected model, which may be one of the page's user models."""
        return session_store.find(self.registry, "names", model, page)

    def read(self, page: gr.Request, name: str, model: str, prior: str) -> Query | None:
        """The inputs, checked; None for a name that is empty or invalid: the tab's headline says so."""
        query = Query(name, self.find(model, page), controls.PRIORS[controls.PRIOR.choose(prior)])
        try:
            read_text(query.checkpoint, name)
        except ValueError:
            return None
        return query


def shown_letters_note(normalized: str) -> str:
    """Which letters of a long text an accordion shows; empty for a text that it shows whole (HTML)."""
    if len(normalized) <= limits.MAX_SHOWN_LETTERS:
        return ""
    return html.note(f"The last {limits.MAX_SHOWN_LETTERS} of {len(normalized)} letters are shown; all are read.")


def plot_value(figure: Figure) -> PlotData:
    """A figure as `gr.Plot` sends it, without plotly's checks."""
    return PlotData(type="plotly", plot=to_json_plotly(figure))


def plot(elem_id: str, *classes: str) -> gr.Plot:
    """A plot that takes no room while it is empty."""
    return gr.Plot(elem_id=elem_id, elem_classes=["hidden-if-empty", *classes], show_label=False, container=False)
