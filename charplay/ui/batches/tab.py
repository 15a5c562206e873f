"""The Batches tab: the same names padded and packed, side by side, and what packing saves."""

import asyncio
from typing import Any, NamedTuple

import gradio as gr
import plotly.graph_objects as go
from gradio.components import Component

from charplay import limits
from charplay.data.batches import compare
from charplay.interpret import packing
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.models.networks import NameClassifier
from charplay.ui import controls, html, inference_client, links, scoreboard, session_store
from charplay.ui.batches import panels
from charplay.ui.batches.panels import is_sorted, parse_names
from charplay.ui.batches.plots import BatchFigures
from charplay.ui.errors import USER_ERRORS
from charplay.ui.events import LATEST, QUIET
from charplay.ui.examples import examples_html
from charplay.ui.link_events import TabLink
from charplay.ui.model_controls import ModelControls
from charplay.ui.text_fields import as_typed
from charplay.ui.theme import DIVERGING
from charplay.ui.widgets import diagrams

_LEAD = "Type names and look at the grey cells: padding makes all rows equally long."
_TERM = "<b>Packing</b> leaves them out."
_ABOUT = (
    "A network reads several names at once as one batch, a rectangle of character codes; shorter names are filled up "
    "with pads. <b>Padded</b>, every row is as long as the longest name. <b>Packed</b> (pack_padded_sequence), each "
    "time step holds only the names that still have a character, so that nothing is computed for pads, and the final "
    "state of a name is the one after its last letter. An <b>embedding</b> is the vector that a character becomes, a "
    "<b>hidden state</b> what the network remembers up to it. <b>Many to one</b>: a sequence in, one answer out, for "
    "each name."
)
_GRADIENT = f"linear-gradient(90deg, {', '.join(colour for _, colour in DIVERGING)})"

Updates = dict[Component, Any]  # new values of components


class Query(NamedTuple):
    """The values of the controls, checked."""

    checkpoint: Checkpoint[NameClassifier]
    names: list[str]  # as it reads them, in the order typed
    sort: bool
    cells: str  # one of `controls.CELLS.choices`
    unit: int  # index into a cell's vector


class Layout(NamedTuple):
    """The tab's components."""

    names: gr.Textbox
    order: gr.Radio
    cells: gr.Radio
    unit: gr.Slider
    model: gr.Dropdown
    message: gr.HTML
    split: gr.Button  # shown where a line holds several names
    plots: list[Component]  # captions and plots, in the order of `_plots_html`
    facts: gr.HTML

    @property
    def inputs(self) -> list[Component]:
        """What a `Query` is read from."""
        return [self.names, self.order, self.cells, self.unit, self.model]

    @property
    def outputs(self) -> list[Component]:
        """What changes with the names, besides the plots."""
        return [self.message, self.split, self.facts]


def build(registry: Registry, link: TabLink) -> ModelControls:
    """Lays out the tab inside the current Blocks; returns the controls of its model."""
    gr.HTML(diagrams.lead(diagrams.BATCHES, f'{_LEAD} <span class="term">{_TERM}</span>', _ABOUT))
    layout = _lay_out(registry, link)

    def find(model: object, page: gr.Request) -> Checkpoint[NameClassifier]:
        return session_store.find(registry, "names", model, page)

    panels.build_unmasked(find, layout.names, layout.order, layout.model, link)
    panels.build_code(find, layout.names, layout.order, layout.model, link)

    async def update(page: gr.Request, *values: Any) -> Updates:
        split: Updates = {layout.split: gr.update(visible=panels.has_commas(values[0]))}
        try:
            query = _read(find(values[-1], page), *values[:-1])
            plotted, counted = await asyncio.gather(_plot(query, layout), _count(query, layout))
        except USER_ERRORS as error:
            return split | {layout.message: _problem(error)}
        return plotted | counted | split

    def update_units(cells: str, model: object, page: gr.Request) -> gr.Slider:
        try:
            maximum = _units(find(model, page), cells) - 1
        except USER_ERRORS:  # `update` and `replot` show it
            return gr.skip()
        return gr.Slider(visible=cells != controls.CHARACTERS, maximum=maximum, value=0)

    def show_linked_unit(cells: str, model: object, field: object, page: gr.Request) -> dict:
        try:
            highest = _units(find(model, page), cells) - 1
        except USER_ERRORS:  # `update` shows it
            return gr.skip()
        index = min(links.linked(field, controls.UNIT) or controls.UNIT.default, highest)
        return gr.update(visible=cells != controls.CHARACTERS, maximum=highest, value=index)

    # `change`, not `input`: pasting, deleting and input methods fire no input.
    # One event for all of them: of two at once the older answer could come last.
    has_units = gr.Number(0, visible="hidden")  # changes once the slider fits what the cells show
    changes = [layout.names.change, layout.order.input, layout.model.change, link.applied.change]
    changes += [layout.unit.input, has_units.change]
    outputs = [*layout.outputs, *layout.plots]
    gr.on(changes, update, layout.inputs, outputs, **LATEST)
    link.applied.change(show_linked_unit, [layout.cells, layout.model, link.applied], layout.unit, **LATEST)
    layout.split.click(panels.split_at_commas, layout.names, layout.names, **QUIET)
    unit_inputs = [layout.cells, layout.model]
    fitted = layout.cells.input(update_units, unit_inputs, layout.unit, **LATEST)
    fitted.then(None, has_units, has_units, js="count => count + 1", **QUIET)
    layout.model.change(update_units, unit_inputs, layout.unit, **LATEST)
    return ModelControls(layout.model, layout.names)


def _lay_out(registry: Registry, link: TabLink) -> Layout:
    """Controls on the left, plots of the first example on the right."""
    checkpoint = registry.default("names")
    example = parse_names(checkpoint, controls.NAMES.default)
    plots_html = _plots_html(BatchFigures(compare(example), controls.CELLS.default, None), controls.CELLS.default)
    report = packing.compare_batches(checkpoint, example)
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            names = gr.Textbox(**controls.NAMES.arguments(), lines=4, max_lines=8, html_attributes=as_typed("words"))
            order = gr.Radio(**controls.ORDER.arguments())
            cells = gr.Radio(**controls.CELLS.arguments())
            unit = gr.Slider(**controls.UNIT.arguments(), visible=False)
            offered = scoreboard.model_choices(registry.models["names"])
            model = gr.Dropdown(**controls.BATCH_MODEL.arguments() | offered, visible=False)
            gr.HTML(examples_html("batches"))
        with gr.Column(scale=5, min_width=320):
            with gr.Column(elem_id="batch-notes"):
                message = gr.HTML(_plotted_note(example), elem_id="batch-message")
                split = gr.Button("One name a line: split at the commas?", elem_id="split", size="sm", visible=False)
            panels.build_steps(registry, names, model, link)
            with gr.Column(elem_id="batch-plots"):
                plots: list[Component] = []
                with gr.Row():
                    for caption, figure, elem_id in ((*plots_html[:2], "padded"), (*plots_html[2:4], "packed")):
                        with gr.Column(min_width=300):
                            plots += [gr.HTML(caption, elem_id=f"{elem_id}-caption"), _plot_component(figure, elem_id)]
                plots += [gr.HTML(plots_html[4], elem_id="strip-caption"), _plot_component(plots_html[5], "strip")]
                facts = gr.HTML(_facts(report, len(checkpoint.classes)), elem_id="facts")
    return Layout(names, order, cells, unit, model, message, split, plots, facts)


def _read(checkpoint: Checkpoint[NameClassifier], names: str, order: str, cells: str, unit: object) -> Query:
    """The values of the controls, checked.

    Raises:
        ValueError: one of them is invalid.
    """
    index = limits.UNIT.check(0 if unit is None else unit)  # None: the number box is empty while it is edited
    sort, cells = is_sorted(order), controls.CELLS.choose(cells)
    read = parse_names(checkpoint, names)
    return Query(checkpoint, read, sort, cells, min(index, _units(checkpoint, cells) - 1))


async def _plot(query: Query, layout: Layout) -> Updates:
    """The plots of the first names."""
    checkpoint, values = query.checkpoint, None
    comparison = compare(query.names[: limits.MAX_PLOTTED_NAMES], query.sort, checkpoint.vocabulary)
    if query.cells != controls.CHARACTERS:
        arguments = {"unit": query.unit, "hidden": query.cells == controls.HIDDEN}
        values = await inference_client.query(checkpoint, "cell_values", names=comparison.names, **arguments)
    figures = BatchFigures(comparison, query.cells, values)
    return dict(zip(layout.plots, _plots_html(figures, query.cells), strict=True))


async def _count(query: Query, layout: Layout) -> Updates:
    """The numbers over all names."""
    checkpoint = query.checkpoint
    comparison = compare(query.names, query.sort, checkpoint.vocabulary)
    report = packing.report(comparison, await inference_client.differences(checkpoint, comparison))
    return {layout.message: _plotted_note(query.names), layout.facts: _facts(report, len(checkpoint.classes))}


def _plots_html(figures: BatchFigures, cells: str) -> tuple[str, go.Figure, str, go.Figure, str, go.Figure]:
    """The padded, the packed and the flat plot, each after its caption."""
    is_hidden, sizes = cells == controls.HIDDEN, figures.batch_sizes
    padded = ": drifts on at the pads" if is_hidden else ": a rectangle, filled up"
    packed = "zero at the pads" if is_hidden else "the batch shrinks"
    flat, scale = "one-dimensional: the packed plot column by column", ""
    if figures.scale is not None:
        flat, (low, high) = "a vector each", figures.scale
        scale = f'<span class="scale">{low:.2g}<i style="background: {_GRADIENT}"></i>{high:.2g}</span>'
    return (
        html.caption(f"<b>Padded</b> {figures.shape}{padded}"),
        figures.padded(),
        html.caption(f"<b>Packed</b>, {html.counted(len(sizes), 'step')}: {packed}"),
        figures.packed(),
        html.caption(f"{scale}<b>PackedSequence.data</b>, {html.counted(sum(sizes), 'cell')}, {flat}"),
        figures.strip(),
    )


def _facts(report: packing.BatchReport, classes: int) -> str:
    """The numbers under the plots, over all names (HTML)."""
    count, time = len(report["lengths"]), len(report["batch_sizes"])
    cells, real = count * time, len(report["packed"])
    pads = cells - real
    packed = html.plain_decimal(report["masked_difference"])
    tiles = html.tiles(
        (
            (html.percent(report["padding_fraction"]), f"of the rectangle is padding: {pads:,} of {cells:,} cells"),
            (f"{report['naive_difference']:.2g}", "is how far the final state is off, at most, without packing"),
            (packed, "packed: nothing but rounding"),
        )
        if pads
        else (
            ("No pads", f"all {cells:,} cells hold a character" if cells > 1 else "the only cell holds a character"),
            ("No error", "without packing the final states are the same"),
            (packed, "packed: nothing but rounding"),
        )
    )
    lists = html.facts(
        (term, f'{html.code(", ".join(map(str, numbers)))} <span class="note">{meaning}</span>')
        for term, numbers, meaning in (
            ("lengths", report["lengths"], "characters of each name"),
            ("batch_sizes", report["batch_sizes"], "names still running at each step of time"),
        )
    )
    shapes = f"{html.code(f'({count}, {time})')} codes in, {html.code(f'({count}, {classes})')} logits out"
    return f'{tiles}{lists}<p class="caption">{shapes}: for each name one vector goes to the linear layer.</p>'


def _problem(error: Exception) -> str:
    return html.problem(f"{error} The plots show the last valid batch.")


def _plotted_note(names: list[str]) -> str:
    total, plotted = len(names), limits.MAX_PLOTTED_NAMES
    if total <= plotted:
        return ""
    return html.note(f"The plots show the first {plotted} of {total}; the figures are over all.")


def _plot_component(figure: go.Figure, elem_id: str) -> gr.Plot:
    return gr.Plot(figure, elem_id=elem_id, show_label=False, container=False)


def _units(checkpoint: Checkpoint[NameClassifier], cells: str) -> int:
    """The size of a cell's vector."""
    config = checkpoint.model.config
    if cells == controls.EMBEDDING:
        return config.embedding_size
    return config.hidden_size * (2 if config.bidirectional else 1)
