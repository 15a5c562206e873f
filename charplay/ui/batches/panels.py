"""The folds of the Batches tab: step by step, whether packing matters to the answers, and the code of the batch."""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from charplay import limits
from charplay.data.batches import compare
from charplay.interpret import packing
from charplay.interpret.code_snippet import snippet
from charplay.interpret.unmasked import UnmaskedComparison, has_flipped
from charplay.models.checkpoints import Checkpoint
from charplay.ui import accordions, controls, inference_client
from charplay.ui.batches import time_steps

_MATTER = (
    '<p class="caption">The same classifier, the same names: look for a name whose country changes when its pads are '
    "read too. The shorter a name beside the longest one, the more of them it has.</p>"
)
_CODE = '<p class="caption">These lines make exactly this batch; look at the one line that packs.</p>'
# The clipboard is closed to a page that came over plain HTTP from another machine; selecting and copying is not.
_COPY = """async () => {
  const code = document.querySelector('#code pre');
  let copied = true;
  try {
    await navigator.clipboard.writeText(code.textContent);
  } catch {
    getSelection().selectAllChildren(code);
    copied = document.execCommand('copy');
  }
  document.querySelector('#code-copied').textContent = copied ? 'Copied.' : 'Select the lines and copy them by hand.';
}"""


def read(typed: str) -> list[str]:
    """The names typed, one a line, normalised; blank lines are passed over.

    Raises:
        ValueError: no names, too many, or one that cannot be read.
    """
    longest = int(limits.NAMES.high) * (limits.MAX_NAME_CHARACTERS + 1)
    lines = [line for line in limits.check_text("list of names", typed, longest).splitlines() if line.strip()]
    if not lines:
        raise ValueError("Type at least one name; one name a line.")
    return packing.normalize_names(lines)


def is_sorted(order: str) -> bool:
    """Whether the rows are to be sorted by length."""
    return controls.ORDER.choose(order) == controls.SORTED


def problem(mistake: ValueError, says: str = "") -> str:
    """The sentence of a mistake, and whatever is to be said after it (HTML)."""
    return f'<p class="problem" role="status">{escape(str(mistake))}{says}</p>'


def build_steps(checkpoint: Checkpoint, names: gr.Textbox) -> None:
    """Lays out "Step by step", which marks the cells in the pictures; its counts are the same in any order of rows."""
    with gr.Accordion("Step by step", open=False, elem_id="step-fold") as fold:
        gr.HTML(time_steps.LOOK_FOR)
        step = gr.Slider(**controls.STEP.arguments())
        told = gr.HTML(elem_id="step-told")

    def tell(typed: str) -> tuple[Any, str]:
        try:
            read_names = read(typed)
        except ValueError as mistake:
            return gr.skip(), problem(mistake)
        sizes = compare(read_names).batch_sizes
        drawn = max(map(len, read_names[: limits.MAX_PLOTTED_NAMES]))
        slider = gr.Slider(maximum=max(len(sizes) - 1, 1), value=controls.STEP.default, visible=len(sizes) > 1)
        return slider, time_steps.counts_html(sizes, drawn, checkpoint.config.bidirectional)

    accordions.update_while_open(fold, [names.change], tell, [names], [step, told])
    step.change(None, step, None, js=time_steps.SHOW_STEP_JS, show_progress="hidden", api_visibility="private")


def build_unmasked(checkpoint: Checkpoint, names: gr.Textbox, order: gr.Radio) -> None:
    """Lays out "Does it matter?"."""
    with gr.Accordion("Does it matter?", open=False, elem_id="matter-fold") as fold:
        gr.HTML(_MATTER)
        shown = gr.HTML(elem_id="matter")

    async def tell(typed: str, order: str) -> str:
        try:
            rows = compare(read(typed), is_sorted(order)).names
        except ValueError as mistake:
            return problem(mistake)
        time = max(map(len, rows))
        readings = await inference_client.query_rows(checkpoint, "batch_both_ways", rows, time=time)
        return unmasked_html(readings, checkpoint.config.members)

    accordions.update_while_open(fold, [names.change, order.input], tell, [names, order], [shown])


def build_code(names: gr.Textbox, order: gr.Radio) -> None:
    """Lays out "The code"."""
    with gr.Accordion("The code", open=False, elem_id="code-fold") as fold:
        gr.HTML(_CODE)
        copy = gr.Button("Copy", elem_id="copy-code", size="sm")
        shown = gr.HTML(elem_id="code")

    def tell(typed: str, order: str) -> str:
        try:
            return code_html(read(typed), is_sorted(order))
        except ValueError as mistake:
            return problem(mistake)

    accordions.update_while_open(fold, [names.change, order.input], tell, [names, order], [shown])
    copy.click(None, None, None, js=_COPY, show_progress="hidden", api_visibility="private")


def unmasked_html(readings: Sequence[UnmaskedComparison], members: int) -> str:
    """Packed beside naive, a name a row, those whose country changes first.

    Args:
        readings: of all names of the batch.
        members: how many networks the classifier averages.
    """
    time, count = max(len(reading["name"]) for reading in readings), len(readings)
    flips = sum(map(has_flipped, readings))
    if all(len(reading["name"]) == time for reading in readings):
        return (
            '<p class="headline">Nothing is padded here, and both ways say the same.</p>'
            '<p class="note caption">Give the batch a longer name, and the others are padded to its length.</p>'
        )
    each = "the network" if members == 1 else f"each of the {members} networks whose average this is"
    rows = "".join(_row(reading, time) for reading in sorted(readings, key=has_flipped, reverse=True))
    return (
        f'<p class="headline"><b>{flips} of {count}</b> {"names" if count > 1 else "name"} '
        f"{'changes its' if flips == 1 else 'change their'} country when the pads are read too.</p>"
        f'<p class="note caption">With its pads: {each} takes every row for a name of {time} characters, '
        "and its last states, the largest and the mean output are taken over pads too.</p>"
        '<div class="table bounded" tabindex="0" role="region" aria-label="Every name, packed and with its pads">'
        "<table><thead><tr><th>name</th><th>packed</th><th>with its pads</th><th>pads</th></tr></thead>"
        f"<tbody>{rows}</tbody></table></div>"
    )


def _row(reading: UnmaskedComparison, time: int) -> str:
    kind, mark = "", ""
    if has_flipped(reading):
        kind, mark = ' class="chosen"', '<span class="mark">changes</span>'
    cells = (
        escape(reading["name"]) + mark,
        f"{reading['country']} {reading['probability']:.1%}",
        f"{reading['naive_country']} {reading['naive_probability']:.1%}",
        str(time - len(reading["name"])),
    )
    return f"<tr{kind}>{''.join(f'<td>{cell}</td>' for cell in cells)}</tr>"


def code_html(names: Sequence[str], sort: bool) -> str:
    """The lines of the batch, to be copied by the button beside them."""
    return f'<pre class="code" tabindex="0">{escape(snippet(names, sort))}</pre><p id="code-copied" role="status"></p>'
