"""The Train tab: a network of one's own, from a text or from rows, live. Layout and wiring."""

from typing import Any

import gradio as gr

from charplay import limits
from charplay.checkpoints import Shelf
from charplay.ui import diagrams, own_models, samples, state, train_choices, train_views, uploads
from charplay.ui.mistakes import spoken
from charplay.ui.store import STORE, Data

_LEAD = (
    "<b>Your own.</b> Press Train and watch the orange line, the loss on what the network was not shown: under the "
    "dashed line it knows more than counting does; where it turns up again, it has begun to learn by heart."
)
EXAMPLES = {state.TEXT: samples.sums(), state.ROWS: samples.words()}
BOX_CHARACTERS = 50_000  # of more, every event would send them along: they are kept as a file is


def build(shelf: Shelf, tabs: gr.Tabs, choices: dict[str, gr.Dropdown | None]) -> None:
    """Lays out the tab inside the current Blocks.

    Args:
        shelf: the page's models.
        tabs: of the page.
        choices: task -> the choice of a model in its tab; None where the tab has none.
    """
    gr.HTML(diagrams.lead(diagrams.TRAIN, _LEAD))
    with gr.Row(elem_id="train-row"):
        with gr.Column(scale=2, min_width=320):
            with gr.Row():
                learns = gr.Radio(**state.LEARNS.arguments(), min_width=200)
                source = gr.Radio(**state.SOURCE.arguments(), min_width=200)
            box = gr.Textbox(**state.BOX.arguments() | {"value": EXAMPLES[state.LEARNS.default]}, lines=4, max_lines=4)
            file = gr.File(elem_id="file", visible=False, height=110, show_label=False)
            with gr.Accordion("How the rows are read", open=False, visible=False, elem_id="reading") as reading:
                with gr.Row():
                    delimiter = gr.Dropdown(**state.DELIMITER.arguments(), min_width=150)
                    header = gr.Dropdown(**state.HEADER.arguments(), min_width=150)
                with gr.Row():
                    found = {"choices": [state.DETECTED], "min_width": 150}
                    text_column = gr.Dropdown(**state.TEXT_COLUMN.arguments() | found)
                    label_column = gr.Dropdown(**state.LABEL_COLUMN.arguments() | found)
            preset = gr.Radio(**state.PRESET.arguments())
            with gr.Accordion("Settings", open=False, elem_id="settings"):
                settings = _settings()
            with gr.Row():
                start = gr.Button("Train", variant="primary", elem_id="train-start", size="md", min_width=90)
                stop = gr.Button("Stop", elem_id="train-stop", size="md", min_width=90)
            own = own_models.build(shelf, tabs, choices)
        with gr.Column(scale=3, min_width=320):
            with gr.Column(visible=False) as running:
                status = gr.HTML(elem_id="train-status")
                losses = gr.Plot(elem_id="losses", show_label=False, container=False)
                written = gr.HTML(elem_id="sample")
                confusion = gr.Plot(elem_id="own-confusion", show_label=False, container=False)
            says = gr.HTML(elem_id="survey")
            lengths = gr.Plot(elem_id="lengths", show_label=False, container=False, visible=False)
            with gr.Column(visible=False) as tried:
                table = gr.HTML(elem_id="runs")
                saving = gr.Button("Save the table (CSV)", elem_id="save-runs", size="md")
    changes = gr.Textbox("{}", visible="hidden", elem_id="changes")  # fields of the recipe chosen otherwise
    rows_csv = gr.Textbox("", visible="hidden", elem_id="runs-csv")
