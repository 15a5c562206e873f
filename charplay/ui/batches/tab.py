"""The Batches tab: the same names padded and packed, side by side, and what is at stake."""

import asyncio
from typing import Any, NamedTuple

import gradio as gr
import plotly.graph_objects as go
from gradio.components import Component
from plotly.colors import get_colorscale

from charplay import limits
from charplay.data.batches import compare
from charplay.interpret import packing
from charplay.models.checkpoints import Checkpoint
from charplay.ui import controls, inference_client
from charplay.ui.batches import panels
from charplay.ui.batches.panels import is_sorted, problem, read
from charplay.ui.batches.plots import BatchFigures
from charplay.ui.errors import as_gradio_error
from charplay.ui.theme import AMOUNTS
from charplay.ui.widgets import diagrams

_LEAD = (
    "<b>Many to one</b>, for several names at once. Look at the grey cells: padded, every row is as long as the "
    "longest name; packed, each step of time holds only the names that still have a character."
)
_GRADIENT = f"linear-gradient(90deg, {', '.join(colour for _, colour in get_colorscale(AMOUNTS))})"

Shown = dict[Component, Any]  # what changes on the page


class Query(NamedTuple):
    """What the controls say, checked."""

    names: list[str]  # normalised, as typed
    sort: bool
    cells: str
    unit: int


def _facts(report: packing.BatchReport, classes: int) -> str:
    """The numbers under the pictures, over all names (HTML)."""
    count, time = len(report["lengths"]), len(report["batch_sizes"])
    cells, real = count * time, len(report["packed"])
    tiles = (
        (f"{report['padding_fraction']:.1%}", f"of the rectangle is padding: {cells - real:,} of {cells:,} cells"),
        (
            f"{report['naive_difference']:.2g}",
            "largest error of a final hidden state, read at the padded end",
        ),
        (
            f"{report['masked_difference']:.2g}",
            "largest difference, held still at the pads: none but rounding",
        ),
    )
    shown_tiles = "".join(f"<div><b>{figure}</b>{says}</div>" for figure, says in tiles)
    explained = (("lengths", "characters of each name"), ("batch_sizes", "names still running at each step of time"))
    lists = "".join(
        f"<dt>{key}</dt><dd><code>{', '.join(map(str, report[key]))}</code> <span class='note'>{says}</span></dd>"
        for key, says in explained
    )
    return (
        f'<div class="tiles">{shown_tiles}</div><dl class="facts">{lists}</dl>'
        f"<details><summary><code>({count}, {time})</code> codes in, <code>({count}, {classes})</code> logits out; "
        "the lecture it grew from printed a leading 1</summary><p>It gave the linear layer the whole hidden state "
        f"(layers × directions, batch, hidden), so four came out as <code>(1, 4, {classes})</code>: the leading 1 "
        "is its single layer. Here the linear layer gets one vector for each name.</p></details>"
    )


def _pictures(made: BatchFigures, cells: str) -> tuple:
    """The pictures of the first 32 names, each with its caption: padded, packed, flat."""
    return (
        _padded_caption(cells, made),
        made.padded(),
        _packed_caption(cells, made),
        made.packed(),
        _strip_caption(cells, made),
        made.strip(),
    )


def _padded_caption(cells: str, made: BatchFigures) -> str:
    says = ", not packed: drifts on at the pads" if cells == controls.HIDDEN else ": a rectangle, filled up"
    return f'<p class="caption"><b>Padded</b> {made.shape}{says}</p>'


def _packed_caption(cells: str, made: BatchFigures) -> str:
    says = "zero at the pads, once unpacked" if cells == controls.HIDDEN else "the batch shrinks"
    return f'<p class="caption"><b>Packed</b>, {len(made.batch_sizes)} steps: {says}</p>'


def _strip_caption(cells: str, made: BatchFigures) -> str:
    what, scale = "one-dimensional: the packed picture column by column", ""
    if made.scale is not None:
        what, (low, high) = "a vector each, column by column", made.scale
        scale = f'<span class="scale">{low:.2g}<i style="background: {_GRADIENT}"></i>{high:.2g}</span>'
    return f'<p class="caption">{scale}<b>PackedSequence.data</b>, {sum(made.batch_sizes)} cells, {what}</p>'


def _note(names: list[str]) -> str:
    total, drawn = len(names), limits.MAX_PLOTTED_NAMES
    note = f'<p class="caption note">Drawn: the first {drawn} of {total}; the figures are over all.</p>'
    return note if drawn < total else ""


def build(checkpoint: Checkpoint) -> None:
    """Lays out the tab inside the current Blocks."""
    opening = read(controls.NAMES.default)
    drawn = _pictures(BatchFigures(compare(opening), controls.CELLS.default, None), controls.CELLS.default)
    report = packing.compare_batches(checkpoint, opening)
    gr.HTML(diagrams.lead(diagrams.BATCHES, _LEAD))
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            names = gr.Textbox(**controls.NAMES.arguments(), lines=4, max_lines=8)
            order = gr.Radio(**controls.ORDER.arguments())
            cells = gr.Radio(**controls.CELLS.arguments())
            unit = gr.Slider(**controls.UNIT.arguments(), visible=False)
            message = gr.HTML(_note(opening), elem_id="batch-message")
        with gr.Column(scale=5, min_width=320):
            panels.build_steps(checkpoint, names)
            with gr.Column(elem_id="batch-pictures"):
                shown = []
                with gr.Row():
                    for caption, picture, name in ((*drawn[:2], "padded"), (*drawn[2:4], "packed")):
                        with gr.Column(min_width=300):
                            shown += [gr.HTML(caption), _plot(picture, name)]
                shown += [gr.HTML(drawn[4]), _plot(drawn[5], "strip")]
                numbers = gr.HTML(_facts(report, len(checkpoint.classes)), elem_id="facts")
    panels.build_unmasked(checkpoint, names, order)
    panels.build_code(names, order)

    def ask(typed: str, order: str, cells: str, unit: object) -> Query:
        emptied = unit is None  # the box, on the way to another number
        unit = min(limits.UNIT.check(0 if emptied else unit), _units(checkpoint, cells) - 1)
        return Query(read(typed), is_sorted(order), controls.CELLS.choose(cells), unit)

    async def draw(asked: Query) -> Shown:
        comparison, values = compare(asked.names[: limits.MAX_PLOTTED_NAMES], asked.sort), None
        if asked.cells != controls.CHARACTERS:
            inside = {"unit": asked.unit, "hidden": asked.cells == controls.HIDDEN}
            values = await inference_client.query(checkpoint, "batch_values", names=comparison.names, **inside)
        made = BatchFigures(comparison, asked.cells, values)
        return dict(zip(shown, _pictures(made, asked.cells), strict=True))

    async def count(asked: Query) -> Shown:
        comparison = compare(asked.names, asked.sort)
        report = packing.report(comparison, await inference_client.differences(checkpoint, comparison))
        return {message: _note(asked.names), numbers: _facts(report, len(checkpoint.classes))}

    async def redraw(*said: Any) -> Shown:
        return await draw(ask(*said))

    async def update(*said: Any) -> Shown:
        try:
            asked = ask(*said)
        except ValueError as mistake:
            return {message: problem(mistake, " What is drawn is the last batch that could be read.")}
        drawn, counted = await asyncio.gather(draw(asked), count(asked))
        return drawn | counted

    def offer_units(cells: str) -> dict:
        return gr.Slider(visible=cells != controls.CHARACTERS, maximum=_units(checkpoint, cells) - 1, value=0)

    inputs = [names, order, cells, unit]
    # The limits judge what arrives: Gradio's own check of an emptied number box fails with a traceback.
    quiet = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    live = {**quiet, "trigger_mode": "always_last"}
    # not names.input, which a pasted text, a deletion and an input method do not fire
    gr.on([names.change, order.input], as_gradio_error(update), inputs, [message, numbers, *shown], **live)
    unit.input(as_gradio_error(redraw), inputs, shown, **live)
    cells.input(offer_units, cells, unit, **live).then(as_gradio_error(redraw), inputs, shown, **quiet)


def _plot(picture: go.Figure, name: str) -> gr.Plot:
    return gr.Plot(picture, elem_id=name, show_label=False, container=False)


def _units(checkpoint: Checkpoint, cells: str) -> int:
    """How many numbers a cell's vector has."""
    config = checkpoint.config
    return (
        config.embedding_size
        if cells == controls.EMBEDDING
        else config.hidden_size * (2 if config.bidirectional else 1)
    )
