"""The Train tab's form: which data to learn from, how its rows are read, and the settings of the training."""

from typing import Any, NamedTuple

import gradio as gr
from gradio.blocks import Block

from charplay.ui import controls
from charplay.ui.example_data import EXAMPLES
from charplay.ui.text_fields import as_typed
from charplay.ui.train.request import CHANGES, SETTINGS

Setting = gr.Radio | gr.Slider | gr.Number


class Form(NamedTuple):
    """The components of the form."""

    kind: gr.Radio
    goal: gr.Radio  # what to train on rows
    source: gr.Radio
    pasted: gr.Textbox
    file: gr.File
    encoding: gr.Dropdown
    data_problem: gr.HTML  # why the data cannot be used
    row_format: gr.Accordion
    delimiter: gr.Dropdown
    header: gr.Dropdown
    text_column: gr.Dropdown
    label_column: gr.Dropdown
    merge_case: gr.Checkbox
    start: gr.Dropdown  # the model that training goes on from
    preset: gr.Radio
    settings: list[Setting]  # in the order of `SETTINGS`
    settings_problem: gr.HTML  # why a setting cannot be used
    changes: gr.Textbox  # hidden JSON: the settings that the user has changed
    queue: gr.HTML  # how many trainings are ahead, where some are
    shorter: gr.Button  # offers a shorter training then
    suggestion: gr.Textbox  # hidden JSON: the settings that the latest data summary suggests, and its number
    accepted: gr.Textbox  # hidden JSON: the suggestion that is in the form; "{}" after another preset was chosen

    @property
    def inputs(self) -> set[Block]:
        """What `parse_request` needs."""
        read_by = (self.encoding, *self.row_format_controls, self.merge_case)
        return {self.kind, self.goal, self.source, self.pasted, *read_by, self.start, self.preset, self.changes}

    @property
    def row_format_controls(self) -> list[gr.Dropdown]:
        """How rows are read."""
        return [self.delimiter, self.header, self.text_column, self.label_column]


def _lay_out_row_format() -> tuple[gr.Accordion, list[gr.Dropdown], gr.Checkbox]:
    with gr.Accordion("How the rows are read", open=False, elem_id="row-format-accordion") as accordion:
        with gr.Row():
            delimiter = gr.Dropdown(**controls.DELIMITER.arguments(), min_width=150)
            header = gr.Dropdown(**controls.HEADER.arguments(), min_width=150)
        with gr.Row():
            only_detected: dict[str, Any] = {"choices": [controls.DETECTED], "min_width": 150}
            text_column = gr.Dropdown(**controls.TEXT_COLUMN.arguments() | only_detected)
            label_column = gr.Dropdown(**controls.LABEL_COLUMN.arguments() | only_detected)
        merge_case = gr.Checkbox(**controls.MERGE_CASE.arguments())
    return accordion, [delimiter, header, text_column, label_column], merge_case


def _lay_out_settings(recipe: dict[str, Any]) -> list[Setting]:
    """The settings with their values in a recipe."""
    settings: list[Setting] = []
    with gr.Accordion("Settings", open=False, elem_id="settings-accordion"):
        for field, control in SETTINGS.items():
            arguments = control.arguments() | {"value": recipe[field]}
            if control.choices:
                settings.append(gr.Radio(**arguments))
            elif control.step:
                settings.append(gr.Slider(**arguments))
            else:  # without bounds: the server's answer names them
                settings.append(
                    gr.Number(value=recipe[field], label=control.label, elem_id=control.name, min_width=150)
                )
    return settings


def lay_out(recipe: dict[str, Any]) -> Form:
    """Adds the form to the current Blocks, with the example in its box and a recipe's settings."""
    with gr.Row():
        kind = gr.Radio(**controls.DATA_KIND.arguments(), min_width=150, scale=2)
        goal = gr.Radio(**controls.ROWS_GOAL.arguments(), min_width=180, scale=2)
        source = gr.Radio(**controls.SOURCE.arguments(), min_width=270, scale=3)
    default = controls.DATA_KIND.default
    example = {"value": EXAMPLES[default], "label": controls.PASTED_DATA_LABELS[default]}
    pasted = gr.Textbox(**controls.PASTED_DATA.arguments() | example, lines=3, max_lines=3, html_attributes=as_typed())
    file = gr.File(elem_id="file", visible=False, height=160, show_label=False)
    encoding = gr.Dropdown(**controls.ENCODING.arguments(), visible=False)
    data_problem = gr.HTML(elem_id="data-problem")
    row_format, (delimiter, header, text_column, label_column), merge_case = _lay_out_row_format()
    with gr.Row(elem_classes="bottom"):
        only_new: dict[str, Any] = {"choices": [controls.NEW_NETWORK], "min_width": 180}
        start = gr.Dropdown(**controls.START_FROM.arguments() | only_new)
        preset = gr.Radio(**controls.PRESET.arguments(), min_width=180)
    return Form(
        kind=kind,
        goal=goal,
        source=source,
        pasted=pasted,
        file=file,
        encoding=encoding,
        data_problem=data_problem,
        row_format=row_format,
        delimiter=delimiter,
        header=header,
        text_column=text_column,
        label_column=label_column,
        merge_case=merge_case,
        start=start,
        preset=preset,
        settings=_lay_out_settings(recipe),
        settings_problem=gr.HTML(elem_id="settings-problem"),
        changes=gr.Textbox("{}", visible="hidden", elem_id=CHANGES),
        queue=gr.HTML(elem_id="training-queue"),
        shorter=gr.Button("A quarter of the epochs", elem_id="shorter", visible=False, size="md", min_width=90),
        suggestion=gr.Textbox(visible="hidden"),
        accepted=gr.Textbox("{}", visible="hidden"),
    )
