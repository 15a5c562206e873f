"""The accordions of the Batches tab: time steps, packed against unmasked results, and the code of the batch."""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import gradio as gr

from charplay import limits
from charplay.data.batches import compare
from charplay.interpret import packing
from charplay.interpret.code_snippet import batch_code
from charplay.interpret.unmasked import UnmaskedComparison, has_flipped
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.models.networks import NameClassifier
from charplay.ui import code_panel, controls, html, inference_client, links, session_store
from charplay.ui.accordions import update_while_open
from charplay.ui.assets import read_asset
from charplay.ui.batches import time_steps
from charplay.ui.events import QUIET
from charplay.ui.late_answers import LateAnswers, setting
from charplay.ui.link_events import TabLink

_UNMASKED_CAPTION = html.caption(
    "The same classifier, the same names: look for a name whose country changes when its pads are read too. The "
    "shorter a name beside the longest one, the more of them it has."
)
_CODE_CAPTION = "These lines make exactly this batch; look at the one line that packs."
_SHOW_STEP = read_asset(__file__, "show_step.js")


Find = Callable[[object, gr.Request], Checkpoint[NameClassifier]]  # the chosen model of a page


def parse_names(checkpoint: Checkpoint[NameClassifier], text: str) -> list[str]:
    """The names in a text, one a line, as a model reads them; blank lines are skipped.

    Raises:
        ValueError: no names, too many, or an invalid one.
    """
    max_characters = int(limits.NAMES.high) * (limits.MAX_NAME_CHARACTERS + 1)
    lines = [line for line in limits.check_text("list of names", text, max_characters).splitlines() if line.strip()]
    if not lines:
        raise ValueError("Type at least one name; one name a line.")
    return packing.normalize_names(lines, checkpoint.vocabulary)


def split_at_commas(text: str) -> str:
    """A line of names between commas as a line for each."""
    return "\n".join(part.strip() for part in text.replace(";", ",").replace("\n", ",").split(",") if part.strip())


def has_commas(text: object) -> bool:
    """Whether a line holds several names between commas."""
    return isinstance(text, str) and any(character in text for character in ",;")


def is_sorted(order: str) -> bool:
    """Whether the rows are sorted by length."""
    return controls.ORDER.choose(order) == controls.SORTED


def _is_linked(text: str, field: object) -> bool:
    """Whether the names are those of the page's link, or the initial ones where it names none."""
    linked = links.linked(field, controls.NAMES)
    return text == (controls.NAMES.default if linked is None else linked)


def build_steps(registry: Registry, names: gr.Textbox, model: gr.Dropdown, link: TabLink) -> None:
    """Lays out "Step by step", which marks cells in the plots; its counts do not depend on the order of the rows."""
    with gr.Accordion("Step by step", open=False, elem_id="step-accordion") as accordion:
        gr.HTML(time_steps.CAPTION)
        step = gr.Slider(**controls.STEP.arguments())
        counts = gr.HTML(elem_id="step-counts")
        changes = [names.change, model.change, link.applied.change]
        late = LateAnswers([step], changes, [names, model, link.applied])

    def show(text: str, chosen: object, field: object, page: gr.Request) -> tuple[Any, str]:
        try:
            checkpoint = session_store.find(registry, "names", chosen, page)
            batch = parse_names(checkpoint, text)
        except ValueError as error:
            return gr.skip(), html.problem(str(error))
        sizes = compare(batch, vocabulary=checkpoint.vocabulary).batch_sizes
        plotted_steps = max(map(len, batch[: limits.MAX_PLOTTED_NAMES]))
        linked = links.linked(field, controls.STEP) if _is_linked(text, field) else None
        shown = min(linked or controls.STEP.default, len(sizes) - 1)
        slider = {"maximum": max(len(sizes) - 1, 1), "value": shown, "visible": len(sizes) > 1}
        return setting([slider]), time_steps.counts_html(
            sizes, plotted_steps, checkpoint.model.config.bidirectional, shown
        )

    update_while_open(accordion, changes, show, [names, model, link.applied], [late.answer, counts])
    for changed in (step.change, late.missed):
        changed(None, step, None, js=_SHOW_STEP, **QUIET)


def build_unmasked(find: Find, names: gr.Textbox, order: gr.Radio, model: gr.Dropdown, link: TabLink) -> None:
    """Lays out "Does it matter?"."""
    with gr.Accordion(
        "Does it matter? Answers with the pads read too", open=False, elem_id="unmasked-accordion"
    ) as accordion:
        gr.HTML(_UNMASKED_CAPTION)
        comparison = gr.HTML(elem_id="unmasked")

    async def show(text: str, order: str, chosen: object, page: gr.Request) -> str:
        try:
            checkpoint = find(chosen, page)
            rows = compare(parse_names(checkpoint, text), is_sorted(order), checkpoint.vocabulary).names
        except ValueError as error:
            return html.problem(str(error))
        time = max(map(len, rows))
        compared = await inference_client.query_rows(checkpoint, "compare_unmasked", rows, time=time)
        return unmasked_html(compared)

    changes, inputs = [names.change, order.input, model.change, link.applied.change], [names, order, model]
    update_while_open(accordion, changes, show, inputs, [comparison])


def build_code(find: Find, names: gr.Textbox, order: gr.Radio, model: gr.Dropdown, link: TabLink) -> None:
    """Lays out "The code"."""
    accordion, code = code_panel.lay_out("code", "The code of this batch", _CODE_CAPTION)

    def show(text: str, order: str, chosen: object, page: gr.Request) -> str:
        try:
            checkpoint = find(chosen, page)
            lines = batch_code(parse_names(checkpoint, text), is_sorted(order), checkpoint.vocabulary)
        except ValueError as error:
            return html.problem(str(error))
        return code_panel.code_html("code", lines)

    changes, inputs = [names.change, order.input, model.change, link.applied.change], [names, order, model]
    update_while_open(accordion, changes, show, inputs, [code])


def unmasked_html(compared: Sequence[UnmaskedComparison]) -> str:
    """The packed and the unmasked result of each name of a batch, those whose country changes first (HTML)."""
    time, count = max(len(each["name"]) for each in compared), len(compared)
    flips = sum(map(has_flipped, compared))
    if all(len(each["name"]) == time for each in compared):
        return html.headline("Nothing is padded here: both runs answer the same.") + html.note(
            "Give the batch a longer name, and the others are padded to its length."
        )
    rows = sorted(compared, key=has_flipped, reverse=True)
    return (
        html.headline(
            f"<b>{flips} of {count}</b> {'names' if count > 1 else 'name'} "
            f"{'changes its' if flips == 1 else 'change their'} country when the pads are read too."
        )
        + html.note(
            f"With its pads: the network takes every row for a name of {time} characters, and its last states, the "
            "largest and the mean output are taken over pads too."
        )
        + html.table(
            ("name", "packed", "with its pads", "pads"),
            [_unmasked_row(each, time) for each in rows],
            chosen=range(flips),
            scroll_label="Every name, packed and with its pads",
        )
    )


def _unmasked_row(compared: UnmaskedComparison, time: int) -> tuple[str, ...]:
    """The cells of a name (HTML)."""
    mark = ' <span class="mark">changes</span>' if has_flipped(compared) else ""
    return (
        html.as_typed(compared["name"]) + mark,
        f"{escape(compared['country'])} {html.percent(compared['probability'])}",
        f"{escape(compared['naive_country'])} {html.percent(compared['naive_probability'])}",
        str(time - len(compared["name"])),
    )
