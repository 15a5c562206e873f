"""The Train tab: a network of one's own, from a text or from rows, live. Layout and wiring."""

import gradio as gr

from charplay.checkpoints import Shelf
from charplay.ui import diagrams, own_models, samples, state

_LEAD = (
    "<b>Your own.</b> Press Train and watch the orange line: the loss on what the network was not shown. Below the "
    "dashed line it knows more than counting does; where it turns up again, it has begun to learn by heart."
)
EXAMPLES = {state.TEXT: samples.sums, state.ROWS: samples.words}


def build(shelf: Shelf, tabs: gr.Tabs, choices: dict[str, gr.Dropdown | None]) -> None:
    """Lays out the tab inside the current Blocks.

    Args:
        shelf: the page's models.
        tabs: of the page.
        choices: task -> the choice of a model in its tab; None where the tab has none.
    """
    gr.HTML(diagrams.lead(diagrams.SPEECH, _LEAD))
    with gr.Row():
        with gr.Column(scale=2, min_width=320):
            with gr.Row():
                learns = gr.Radio(**state.LEARNS.arguments(), min_width=200)
                source = gr.Radio(**state.SOURCE.arguments(), min_width=200)
            box = gr.Textbox(**state.BOX.arguments() | {"value": samples.sums()}, lines=4, max_lines=4)
            file = gr.File(label="A file", elem_id="file", visible=False, height=110, show_label=False)
            with gr.Accordion("How the rows are read", open=False, visible=False) as reading, gr.Row():
                for control in (state.DELIMITER, state.HEADER, state.TEXT_COLUMN, state.LABEL_COLUMN):
                    gr.Dropdown(**control.arguments(), min_width=140)
            preset = gr.Radio(**state.PRESET.arguments())
            with gr.Accordion("Settings", open=False, elem_id="settings"):
                cell = gr.Radio(**state.CELL.arguments())
            with gr.Row():
                start = gr.Button("Train", variant="primary", elem_id="train-start", size="md", min_width=90)
                stop = gr.Button("Stop", elem_id="train-stop", size="md", min_width=90)
            own = own_models.build(shelf, tabs, choices)
        with gr.Column(scale=3, min_width=320):
            facts = gr.HTML("<p>facts</p>", elem_id="survey")
            lengths = gr.Plot(elem_id="lengths", show_label=False, container=False)
