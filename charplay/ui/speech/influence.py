"""The accordion that colors the characters before a chosen one by how much its prediction leans on them."""

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import gradio as gr

from charplay.interpret.influence import Influence
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CELLS
from charplay.ui import accordions, controls, html, inference_client
from charplay.ui.errors import with_problem
from charplay.ui.events import LATEST
from charplay.ui.speech.text_source import TextSource, linked_character
from charplay.ui.widgets import candidates, colored_text

_LEAD = html.caption(
    "Choose a character, and look how far back the colours reach: how much each earlier character counts for the "
    "prediction there. Leave-one-out reads the text without that character; the gradient norm says how fast the "
    "prediction changes with its embedding."
)
_CELLS_LEAD = html.caption("The same prediction by networks that differ only in their cell: which remembers farthest?")
_SCALES = {controls.LEAVE_ONE_OUT: colored_text.CHANGE, controls.GRADIENT: colored_text.GRADIENT}
_WITHOUT_NUMBER = {"selected": "the one that is predicted", "other": "not read for it, or farther back"}
_Rendered = tuple[str | None, str]  # a text for the widget, and the sentence about it (HTML)


def cell_models(models: Mapping[str, Checkpoint]) -> dict[str, Checkpoint]:
    """The language models that compare cell types: cell -> checkpoint."""
    return {cell: models[f"speech-{cell}"] for cell in CELLS if f"speech-{cell}" in models}


def reach(amounts: Sequence[float]) -> int:
    """Within how many of the last characters half of all influence lies; `amounts` has an entry a character."""
    half, so_far = sum(map(abs, amounts)) / 2, 0.0
    for count, amount in enumerate(reversed(amounts), 1):
        so_far += abs(amount)
        if so_far >= half:
            return count
    return len(amounts)


def _amounts(found: Influence, method: str) -> list[float]:
    return found["changes"] if method == controls.LEAVE_ONE_OUT else found["gradients"]


def _sentence(found: Influence, method: str) -> str:
    """What is predicted, and how far back that leans (HTML)."""
    name = escape(candidates.name_of(found["predicted"]))
    count = reach(_amounts(found, method))
    characters = "character" if count == 1 else f"{count} characters"
    return html.caption(
        f"<b>{name}</b>, {found['bits']:.2f} bits: half of what counts lies within the last <b>{characters}</b>.",
        is_status=True,
    )


def _render(text: str, at: int, found: Influence, method: str, with_end: bool, is_of_selected: bool = False) -> str:
    """A text; characters that are not looked at have no colour."""
    numbers: list[float | None] = [None] * (len(text) + 1)
    amounts = _amounts(found, method)
    numbers[found["first"] : found["first"] + len(amounts)] = amounts
    numbers = numbers[: len(text)]
    return colored_text.render(_SCALES[method], text, numbers, at, with_end, _WITHOUT_NUMBER, is_of_selected)


async def _show(text: str, checkpoint: Checkpoint, at: int, method: str) -> _Rendered:
    if at < 1:
        numbers = [None] * len(text)
        rendered = colored_text.render(_SCALES[method], text, numbers, 0, True, is_of_selected=True)
        return rendered, candidates.first_character_note()
    found = await inference_client.query(checkpoint, "influence", text=text, at=at)
    return _render(text, at, found, method, True, True), _sentence(found, method)


async def _show_cell(text: str, checkpoint: Checkpoint, at: int, method: str) -> _Rendered:
    """The characters that are looked at, alone, and the predicted one."""
    if at < 1 or not set(text) <= set(checkpoint.vocabulary.characters):
        return None, ""
    found = await inference_client.query(checkpoint, "influence", text=text, at=at)
    shown = text[found["first"] : at + 1]
    is_end = at == len(text)
    return _render(shown, at - found["first"], found | {"first": 0}, method, is_end), _sentence(found, method)


def build(source: TextSource) -> None:
    """Adds the accordion to the current Blocks."""
    cells = cell_models(source.registry.models["speech"])
    with gr.Accordion("What it leans on", open=False, elem_id="influence-accordion") as accordion:
        gr.HTML(_LEAD)
        method = gr.Radio(**controls.INFLUENCE_METHOD.arguments())
        sentence = gr.HTML(elem_id="influence-reach")
        legend = gr.HTML(elem_id="influence-legend")
        colored = colored_text.component("influence-text")
        outputs: list[gr.HTML] = [colored, sentence, legend]
        if cells:
            gr.HTML(_CELLS_LEAD)
            with gr.Row(elem_id="influence-cells"):
                for cell in cells:
                    with gr.Column(min_width=280):
                        gr.HTML(html.caption(f"<b>{cell.upper()}</b>"))
                        outputs += [colored_text.component(f"influence-{cell}"), gr.HTML()]
    chosen_index = gr.Number(0, visible="hidden")  # the event's JavaScript fills it in

    async def render(text: str, checkpoint: Checkpoint, at: int, chosen: object) -> list[Any]:
        by = controls.INFLUENCE_METHOD.choose(chosen)
        main = await _show(text, checkpoint, at, by)
        columns = [each for model in cells.values() for each in await _show_cell(text, model, at, by)]
        return [*main, _SCALES[by].legend(), *columns]

    async def compute(page: gr.Request, field: object, method: object, *values: object) -> list[Any]:
        text, checkpoint = source.read(page, *values)
        if text is None:
            return [None, "", "", *[None, ""] * len(cells)]
        linked = linked_character(field, controls.CHOSEN_INFLUENCE, values)
        at = _initial_position(text) if linked is None else min(linked, len(text))
        return await render(text, checkpoint, at, method)

    async def compute_chosen(page: gr.Request, index: object, method: object, *values: object) -> list[Any]:
        text, checkpoint = source.read(page, *values)
        if text is None or not isinstance(index, int | float):
            return [gr.skip()] * len(outputs)
        return await render(text, checkpoint, int(min(max(index, 0), len(text))), method)

    problem = accordions.update_while_open(
        accordion, source.changes, compute, [source.link, method, *source.inputs], outputs
    )
    chosen: dict[str, Any] = {
        "fn": with_problem(compute_chosen, len(outputs)),
        "inputs": [chosen_index, method, *source.inputs],
        "outputs": [*outputs, problem],
        "js": f"(index, ...rest) => [{colored_text.clicked_index_js(colored)}, ...rest]",
    }
    colored.pick(**chosen, **LATEST)
    method.input(**chosen, **LATEST)


def _initial_position(text: str) -> int:
    """The last quotation mark, which leans far back where it closes a quotation; or the end of the text."""
    found = max(text.rfind(mark) for mark in '"”')
    return found if found > 0 else len(text)
