"""The page's Blocks: what its events take and send, where Gradio's own way loses something or takes long."""

from copy import copy
from typing import Any

import gradio as gr
from gradio.blocks import Block, BlockFunction
from gradio.components.api_component import Api

PLAIN_COMPONENTS = (gr.HTML, gr.Textbox, gr.Checkbox)  # whose values hold neither files nor models
PLAIN_VALUES = (str, int, float, bool, type(None))


class PageBlocks(gr.Blocks):
    """Endpoints that fill in what is left out, updates that arrive whole, and skipped outputs that cost nothing."""

    def validate_inputs(self, block_fn: BlockFunction, inputs: list[Any]) -> None:
        """Fills in what a program leaves out at the end of an endpoint's values.

        Gradio's routes take values by position and refuse fewer than there are parameters: without this every new
        parameter would break the programs that were written before it.
        """
        left_out = block_fn.inputs[len(inputs) :]
        if all(isinstance(component, Api) for component in left_out):
            inputs += [component.value for component in left_out if isinstance(component, Api)]  # in place
        super().validate_inputs(block_fn, inputs)

    def handle_streaming_diffs(self, block_fn: BlockFunction, data: list, *rest: Any, **options: Any) -> list:
        """What an event sends of its latest values, beside the ones before: of a dictionary that has changed, all.

        Gradio sends the difference, and the page applies it to the dictionary in place, also where it has not shown
        that one yet: `gr.skip()` would take from an update what it was to do, such as to make something visible.
        """
        values = list(data)
        sent = super().handle_streaming_diffs(block_fn, data, *rest, **options)
        return [
            [["replace", [], value]] if isinstance(value, dict) and isinstance(edits, list) and edits else edits
            for value, edits in zip(values, sent, strict=True)
        ]

    async def postprocess_data(self, block_fn: BlockFunction, predictions: Any, *rest: Any) -> list[Any]:
        """What an event sends for the values that its function returned.

        For each `gr.skip()` Gradio would make the component anew and describe it for the session, and each value it
        would hand to a thread: most of what a typed letter costs. Both is done here in place, all others are Gradio's.
        """
        values = [predictions] if len(block_fn.outputs) == 1 else predictions
        if values == gr.skip():
            values = [values] * len(block_fn.outputs)
        if block_fn.batch or not isinstance(values, list | tuple) or len(values) != len(block_fn.outputs):
            return await super().postprocess_data(block_fn, predictions, *rest)
        outputs = list(zip(block_fn.outputs, values, strict=True))
        sent = {place: _in_place(*output) for place, output in enumerate(outputs) if _is_plain(*output)}
        others = [place for place in range(len(outputs)) if place not in sent]
        if others:
            remaining = copy(block_fn)
            remaining.outputs = [outputs[place][0] for place in others]
            returned = [values[place] for place in others]
            processed = await super().postprocess_data(remaining, returned if others[1:] else returned[0], *rest)
            sent |= zip(others, processed, strict=True)
        return [sent[place] for place in range(len(outputs))]


def _is_plain(block: Block, value: Any) -> bool:
    """Whether `_in_place` knows what is sent for the value."""
    if block.stateful:  # nothing is sent, the value is kept
        return False
    return value == gr.skip() or (type(block) in PLAIN_COMPONENTS and type(value) in PLAIN_VALUES)


def _in_place(block: Block, value: Any) -> Any:
    return block.postprocess(value) if isinstance(block, PLAIN_COMPONENTS) and value != gr.skip() else gr.skip()
