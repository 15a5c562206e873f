"""Two accordions of the Names tab: prefix probabilities of the selected model, and of one model for each cell type."""

import asyncio
from collections.abc import Collection, Sequence
from html import escape

import gradio as gr
import numpy as np

from charplay.inference.classify import Classification
from charplay.interpret import prefixes
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CELLS
from charplay.ui import html, inference_client
from charplay.ui.names.panel import IDLE_NOTE, NameControls, Query, shown_letters_note
from charplay.ui.session_store import STORE
from charplay.ui.widgets import heatmap

_PREFIXES_CAPTION = html.caption(
    "Look for the letter at which the answer changes: each column is the softmax after one more letter, and the last "
    "one is the bars above."
)
_CELLS_CAPTION = html.caption(
    "Look for where they differ: the same name, read by networks that differ only in their cell."
)
_LISTED_COUNTRIES = 3  # countries named for each cell type


def build_prefixes(source: NameControls) -> None:
    """Lays out the prefix probabilities of the selected model."""
    with gr.Accordion(
        "Prefix probabilities: the answer after each letter", open=False, elem_id="prefixes-accordion"
    ) as accordion:
        shown = gr.HTML(elem_id="prefixes")

    async def show(page: gr.Request, *values: str) -> str:
        query = source.read(page, *values)
        if query is None:
            return IDLE_NOTE
        results = await inference_client.classify_prefixes(query.checkpoint, query.name, query.prior)
        return _PREFIXES_CAPTION + shown_letters_note(results[-1]["normalized"]) + _prefix_heatmap(results)

    source.event.while_open(accordion, show, source.inputs, [shown])


def cell_models(models: dict[str, Checkpoint]) -> dict[str, Checkpoint]:
    """The registry's classifiers that compare cell types: cell -> checkpoint."""
    return {cell: models[f"names-{cell}"] for cell in CELLS if f"names-{cell}" in models}


def _compared_models(shipped: dict[str, Checkpoint], query: Query, page: gr.Request) -> dict[str, Checkpoint]:
    """The models of each cell type that the selected one is compared with, itself among them: cell -> checkpoint.

    With a user model they are the page's newest of the same data.
    """
    users = STORE.models(page.session_hash, "names")
    if query.checkpoint not in users.values():
        return shipped
    own = {each.config.cell: each for each in users.values() if each.data == query.checkpoint.data}
    own[query.checkpoint.config.cell] = query.checkpoint
    return {cell: own[cell] for cell in CELLS if cell in own}


def build_cells(source: NameControls, models: dict[str, Checkpoint]) -> None:
    """Lays out the comparison of cell types, unless the registry has no models for it."""
    shipped = cell_models(models)
    if not shipped:
        return
    with gr.Accordion("RNN, GRU and LSTM on the same name", open=False, elem_id="cells-accordion") as accordion:
        agreement = gr.HTML(elem_id="cells-headline")
        shown = []
        with gr.Row():
            for cell in shipped:
                with gr.Column(min_width=320):
                    shown.append(gr.HTML(elem_id=f"prefixes-{cell}"))

    async def show(page: gr.Request, *values: str) -> list[str]:
        query = source.read(page, *values)
        if query is None:
            return [IDLE_NOTE, *[""] * len(shown)]
        compared = _compared_models(shipped, query, page)
        try:
            for each in compared.values():
                prefixes.prefixes_of(each, query.name)
        except ValueError as error:  # a text that the selected model reads, and these do not
            return [html.note(str(error)), *[""] * len(shown)]
        results = await asyncio.gather(
            *(inference_client.classify_prefixes(each, query.name, query.prior) for each in compared.values())
        )
        columns = dict.fromkeys(shipped, "") | {
            cell: _likeliest(checkpoint, of_prefixes[-1]) + _prefix_heatmap(of_prefixes)
            for (cell, checkpoint), of_prefixes in zip(compared.items(), results, strict=True)
        }
        headline = _agreement(list(compared), [of_prefixes[-1] for of_prefixes in results])
        return [_CELLS_CAPTION + headline + _missing(compared, shipped), *(columns[cell] for cell in shipped)]

    source.event.while_open(accordion, show, source.inputs, [agreement, *shown])


def _missing(compared: Collection[str], cells: Collection[str]) -> str:
    """Which cells the page has no model of yet, for these data (HTML)."""
    names = [cell.upper() for cell in cells if cell not in compared]
    return html.note(f"Train {' and '.join(names)} on the same rows, and they stand beside it.") if names else ""


def _prefix_heatmap(results: Sequence[Classification]) -> str:
    """The probabilities after each letter, from the results for every prefix shown, the whole name last (HTML)."""
    found = prefixes.prefix_probabilities(results[-1]["name"], results)
    return heatmap.prefix_heatmap(
        found["countries"], [result["normalized"] for result in results], np.array(found["probabilities"])
    )


def _likeliest(checkpoint: Checkpoint, result: Classification) -> str:
    """A model and its likeliest countries (HTML)."""
    likeliest = sorted(result["probabilities"].items(), key=lambda item: -item[1])[:_LISTED_COUNTRIES]
    items = "".join(f"<li>{escape(country)} <b>{html.percent(share)}</b></li>" for country, share in likeliest)
    return html.caption(f"<b>{escape(checkpoint.label)}</b>") + f'<ol class="likeliest">{items}</ol>'


def _agreement(cells: Sequence[str], results: Sequence[Classification]) -> str:
    """Whether the models predict the same country (HTML)."""
    countries = [escape(result["country"]) for result in results]
    if len(countries) == 1:
        return html.headline(f"<b>{countries[0]}</b>")
    if len(set(countries)) == 1:
        return html.headline(f"They agree: <b>{countries[0]}</b>.")
    each = (f"{cell.upper()} answers <b>{country}</b>" for cell, country in zip(cells, countries, strict=True))
    return html.headline("They differ: " + ", ".join(each))
