"""Two folds of the Names tab: the belief letter by letter, of the model in use and of the zoo's cells side by side."""

import asyncio
from collections.abc import Sequence
from html import escape

import gradio as gr
import numpy as np

from charplay.inference.classify import Classification
from charplay.interpret import prefixes
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CELLS
from charplay.ui import accordions, inference_client
from charplay.ui.names.panel import IDLE_NOTE, ModelChoice, percent
from charplay.ui.widgets import heatmap

_BELIEF = (
    '<p class="caption">Look for the letter at which the belief jumps: each column is the softmax after one more '
    "letter, and the last one is the bars above.</p>"
)
_CELLS = '<p class="caption">Look for where they part: the same name, read by networks that differ in their cell.</p>'
_TOP = 3  # countries that are named of each cell


def _belief(results: Sequence[Classification]) -> str:
    """The belief letter by letter (HTML)."""
    table = prefixes.prefix_probabilities(results[-1]["name"], results)
    return heatmap.prefix_heatmap(table["countries"], list(table["normalized"]), np.array(table["probabilities"]))


def build_prefixes(source: ModelChoice) -> None:
    """Lays out the belief letter by letter."""
    with gr.Accordion("Belief, letter by letter", open=False, elem_id="belief-fold") as fold:
        shown = gr.HTML(elem_id="belief")

    async def show(page: gr.Request, *controls: str) -> str:
        asked = source.read(page, *controls)
        if asked is None:
            return IDLE_NOTE
        return _BELIEF + _belief(await inference_client.classify_prefixes(asked.checkpoint, asked.name, asked.prior))

    accordions.update_while_open(fold, source.triggers, show, source.inputs, [shown])


def cell_models(models: dict[str, Checkpoint]) -> dict[str, Checkpoint]:
    """Those classifiers of the registry that are there to compare the cells: cell -> checkpoint."""
    return {cell: models[f"names-{cell}"] for cell in CELLS if f"names-{cell}" in models}


def build_cells(source: ModelChoice, models: dict[str, Checkpoint]) -> None:
    """Lays out the same name through the zoo's cells; without a zoo there is no such fold."""
    found = cell_models(models)
    if not found:
        return
    with gr.Accordion("Three cells, one name", open=False, elem_id="cells-fold") as fold:
        says = gr.HTML(elem_id="cells-says")
        shown = []
        with gr.Row():
            for cell in found:
                with gr.Column(min_width=320):
                    shown.append(gr.HTML(elem_id=f"belief-{cell}"))

    async def show(page: gr.Request, name: str, chosen: str, prior: str) -> list:
        asked = source.read(page, name, chosen, prior)
        if asked is None:
            return [IDLE_NOTE, *[""] * len(shown)]
        each = await asyncio.gather(
            *(inference_client.classify_prefixes(checkpoint, name, asked.prior) for checkpoint in found.values())
        )
        views = [
            _top(checkpoint, results[-1]) + _belief(results)
            for checkpoint, results in zip(found.values(), each, strict=True)
        ]
        return [_CELLS + _agreement(list(found), [results[-1] for results in each]), *views]

    accordions.update_while_open(fold, source.triggers, show, source.inputs, [says, *shown])


def _top(checkpoint: Checkpoint, result: Classification) -> str:
    """A cell and the countries that it finds likeliest (HTML)."""
    likeliest = sorted(result["probabilities"].items(), key=lambda item: -item[1])[:_TOP]
    rows = "".join(f"<li>{escape(country)} <b>{percent(share)}</b></li>" for country, share in likeliest)
    return f'<p class="caption"><b>{escape(checkpoint.label)}</b></p><ol class="top">{rows}</ol>'


def _agreement(cells: Sequence[str], results: Sequence[Classification]) -> str:
    """Whether the cells name the same country (HTML)."""
    countries = [result["country"] for result in results]
    if len(set(countries)) == 1:
        broadcast = (
            f"They broadcast: <b>{escape(countries[0])}</b>." if len(cells) > 1 else f"<b>{escape(countries[0])}</b>"
        )
    else:
        broadcast = "They differ: " + ", ".join(
            f"{cell.upper()} says <b>{escape(country)}</b>" for cell, country in zip(cells, countries, strict=True)
        )
    return f'<p class="headline">{broadcast}</p>'
