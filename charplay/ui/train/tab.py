"""The Train tab: a network trained on the user's own text or rows, live."""

from typing import Any

import gradio as gr

from charplay import limits
from charplay.models.checkpoints import Registry
from charplay.training.data_summary import choose_recipe, read_user_data, summarize
from charplay.ui import controls
from charplay.ui.example_data import EXAMPLES
from charplay.ui.examples import examples_html
from charplay.ui.link_events import TabLink
from charplay.ui.train import code, form, plots, summary, summary_events, training_events, user_models
from charplay.ui.train.request import task_of
from charplay.ui.train.starts import Starts
from charplay.ui.train.summary_events import SummaryView
from charplay.ui.train.user_models import ModelTab
from charplay.ui.widgets import diagrams

_LEAD = "Press Train and watch the orange line: below the dashed one it has learnt; where it rises again, it overfits."
_ABOUT = (
    "A network of your own, trained live. The orange line is its <b>validation loss</b>, on data held out from "
    "training. The dashed line is a <b>baseline</b> that reads no text: below it the network has learnt something. "
    "Where the orange line rises again, the network is <b>overfitting</b>: it memorizes the training data.<br>"
    "What you upload, the models, and what stands in the controls lie on this server for your page alone, until you "
    f"close it, or {limits.SESSION_SECONDS // 60} minutes after their last use; nothing is logged."
)


def _initial_summary() -> dict[str, Any]:
    """The summary of the example, without this machine's training speed: measuring it would delay the start."""
    task = task_of(controls.DATA_KIND.default, controls.ROWS_GOAL.default)
    data = read_user_data(task, EXAMPLES[controls.DATA_KIND.default], {})
    recipe = choose_recipe(task, data, controls.PRESET.default, {})
    return dict(summarize(data, recipe))


def build(tab: gr.Tab, registry: Registry, tabs: gr.Tabs, model_tabs: dict[str, ModelTab], link: TabLink) -> None:
    """Adds the tab to the current Blocks: form and models left, training and data summary right.

    Args:
        tab: itself.
        registry: the page's models.
        tabs: of the page.
        model_tabs: task -> the tab in which its models are tried.
        link: of the page.
    """
    initial = _initial_summary()
    gr.HTML(diagrams.lead(diagrams.TRAIN, _LEAD, _ABOUT))
    with gr.Row(elem_id="train-row"):
        with gr.Column(scale=2, min_width=320):
            gr.HTML(examples_html("train"))
            data_form = form.lay_out(initial["recipe"])
            start, stop = training_events.lay_out_buttons()
            models = user_models.build(registry, tabs, model_tabs)
        with gr.Column(scale=3, min_width=320):
            training_view = training_events.lay_out_view(start)
            text = gr.HTML(summary.summary_html(initial), elem_id="data-summary")
            lengths = gr.Plot(plots.lengths(initial["lengths"]), elem_id="lengths", show_label=False, container=False)
    starts = Starts(registry)
    summaries = summary_events.wire(data_form, SummaryView(text, lengths), tab, starts, models.chosen, link)
    code.build(data_form, summaries, registry)
    training_events.wire(data_form, training_view, stop, models, summaries)
