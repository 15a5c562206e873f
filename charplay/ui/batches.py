"""The Batches tab: the same names padded and packed, side by side, and what is at stake."""

from dataclasses import dataclass
from html import escape

import gradio as gr

from charplay import limits, packing
from charplay.batches import Comparison, compare
from charplay.checkpoints import Checkpoint
from charplay.ui import diagrams, state
from charplay.ui.batch_pictures import Pictures
from charplay.ui.worker import compute

_LEAD = (
    "Look at the grey cells: padded, every row is as long as the longest name; packed, each step of time holds only "
    "the names that still have a character."
)


@dataclass(frozen=True)
class Batch:
    """A batch of typed names, computed: what the pictures and the figures are made from."""

    names: list[str]  # normalised, as typed
    drawn: Comparison  # of the first 32
    drawn_states: packing.States
    report: packing.BatchReport  # over all


def read(checkpoint: Checkpoint, typed: str, order: str) -> Batch:
    """Computes the batch of the names typed, one a line; blank lines are passed over.

    Raises:
        ValueError: no names, too many, or one that cannot be read.
    """
    lines = [line for line in typed.splitlines() if line.strip()]
    if not lines:
        raise ValueError("Type at least one name; one name a line.")
    names, sort = packing.normalize_names(lines), order == state.SORTED
    everything = compare(names, sort)
    states = packing.run(checkpoint.model, everything)
    report = packing.report(everything, states)
    if len(names) > limits.DRAWN_NAMES:
        drawn = compare(names[: limits.DRAWN_NAMES], sort)
        return Batch(names, drawn, packing.run(checkpoint.model, drawn), report)
    return Batch(names, everything, states, report)


def _facts(batch: Batch, checkpoint: Checkpoint) -> str:
    """The numbers under the pictures, over all names (HTML)."""
    report, classes = batch.report, len(checkpoint.classes)
    count, time = len(report["lengths"]), len(report["batch_sizes"])
    cells, real = count * time, len(report["packed"])
    tiles = (
        (f"{report['padding_fraction']:.1%}", f"of the rectangle is padding: {cells - real:,} of {cells:,} cells"),
        (
            f"{report['naive_difference']:.3g}",
            "largest error of a final hidden state, read at the padded end",
        ),
        (
            f"{report['masked_difference']:.1e}",
            "largest difference, held still at the pads: none but rounding",
        ),
    )
    shown_tiles = "".join(f"<div><b>{figure}</b>{says}</div>" for figure, says in tiles)
    lists = "".join(
        f"<dt>{key}</dt><dd><code>{', '.join(map(str, report[key]))}</code></dd>" for key in ("lengths", "batch_sizes")
    )
    return (
        f'<div class="tiles">{shown_tiles}</div><dl class="facts">{lists}</dl>'
        f"<details><summary><code>({count}, {time})</code> codes in, <code>({count}, {classes})</code> logits out; "
        "the lecture printed a leading 1</summary><p>It gave the linear layer the whole hidden state (layers × "
        f"directions, batch, hidden), so four names came out as <code>(1, 4, {classes})</code>: the leading 1 is its "
        "single layer. Here the linear layer gets one vector for each name.</p></details>"
    )


def views(checkpoint: Checkpoint, typed: str, order: str, cells: str, unit: int) -> tuple:
    """Everything that the tab shows of the names typed: a problem or captions, the three pictures, the facts."""
    batch = compute(read, checkpoint, typed, order)
    names = [batch.names[index] for index in batch.drawn.order]
    pictures = Pictures(names, batch.drawn, batch.drawn_states, cells, int(unit))
    total, drawn = len(batch.names), len(names)
    note = f'<p class="caption note">Drawn: the first {drawn} of {total}; the figures are over all.</p>'
    return (
        note if drawn < total else "",
        _padded_caption(cells, pictures),
        pictures.padded(),
        _packed_caption(cells, pictures),
        pictures.packed(),
        _strip_caption(cells, pictures),
        pictures.strip(),
        _facts(batch, checkpoint),
    )


def _padded_caption(cells: str, pictures: Pictures) -> str:
    says = ", not packed: drifts on at the pads" if cells == state.HIDDEN else ": a rectangle, filled up"
    return f'<p class="caption"><b>Padded</b> {pictures.shape}{says}</p>'


def _packed_caption(cells: str, pictures: Pictures) -> str:
    says = "zero at the pads, once unpacked" if cells == state.HIDDEN else "the batch shrinks"
    return f'<p class="caption"><b>Packed</b>, {len(pictures.batch_sizes)} steps: {says}</p>'


def _strip_caption(cells: str, pictures: Pictures) -> str:
    what = "one-dimensional" if cells == state.CHARACTERS else "a vector each, one number of it shown"
    return (
        f'<p class="caption"><b>PackedSequence.data</b>, {sum(pictures.batch_sizes)} cells, {what}: '
        "the packed picture column by column</p>"
    )


def build(checkpoint: Checkpoint) -> None:
    """Lays out the tab inside the current Blocks."""
    opening = views(checkpoint, state.NAMES.default, state.ORDER.default, state.CELLS.default, state.UNIT.default)
    note, padded_caption, padded, packed_caption, packed, strip_caption, strip, facts = opening
    gr.HTML(diagrams.lead(diagrams.BATCHES, _LEAD))
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            names = gr.Textbox(**state.NAMES.arguments(), lines=4, max_lines=8)
            order = gr.Radio(**state.ORDER.arguments())
            cells = gr.Radio(**state.CELLS.arguments())
            unit = gr.Slider(
                **state.UNIT.arguments(),
                minimum=0,
                maximum=_units(checkpoint, state.HIDDEN) - 1,
                visible=False,
                buttons=[],
            )
            message = gr.HTML(note, elem_id="batch-message")
        with gr.Column(scale=5, min_width=320):
            with gr.Row():
                with gr.Column(min_width=300):
                    padded_caption = gr.HTML(padded_caption)
                    padded = gr.Plot(padded, elem_id="padded", show_label=False, container=False)
                with gr.Column(min_width=300):
                    packed_caption = gr.HTML(packed_caption)
                    packed = gr.Plot(packed, elem_id="packed", show_label=False, container=False)
            strip_caption = gr.HTML(strip_caption)
            strip = gr.Plot(strip, elem_id="strip", show_label=False, container=False)
            facts = gr.HTML(facts, elem_id="facts")
    outputs = [message, padded_caption, padded, packed_caption, packed, strip_caption, strip, facts]

    def update(typed: str, order: str, cells: str, unit: int) -> tuple:
        try:
            return views(checkpoint, typed, order, cells, min(unit, _units(checkpoint, cells) - 1))
        except ValueError as mistake:  # the pictures of the last good batch stay
            return f'<p class="problem" role="status">{escape(str(mistake))}</p>', *[gr.skip()] * (len(outputs) - 1)

    def offer_units(cells: str) -> dict:
        return gr.Slider(visible=cells != state.CHARACTERS, maximum=_units(checkpoint, cells) - 1, value=0)

    quiet = {"show_progress": "hidden", "api_visibility": "private", "trigger_mode": "always_last"}
    gr.on([names.change, order.input, unit.input], update, [names, order, cells, unit], outputs, **quiet)
    cells.input(offer_units, cells, unit, **quiet).then(
        update, [names, order, cells, unit], outputs, show_progress="hidden", api_visibility="private"
    )


def _units(checkpoint: Checkpoint, cells: str) -> int:
    """How many numbers a cell's vector has."""
    config = checkpoint.config
    return (
        config.embedding_size if cells == state.EMBEDDING else config.hidden_size * (2 if config.bidirectional else 1)
    )
