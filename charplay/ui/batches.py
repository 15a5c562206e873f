"""The Batches tab: the same names padded and packed, side by side, and what is at stake."""

from html import escape

import gradio as gr
import plotly.graph_objects as go

from charplay import limits, packing
from charplay.batches import compare
from charplay.checkpoints import Checkpoint
from charplay.ui import diagrams, state
from charplay.ui.batch_pictures import Pictures
from charplay.ui.mistakes import spoken
from charplay.ui.worker import compute, compute_each

_LEAD = (
    "<b>Many to one</b>, for several names at once. Look at the grey cells: padded, every row is as long as the "
    "longest name; packed, each step of time holds only the names that still have a character."
)


def _read(typed: str) -> list[str]:
    """The names typed, one a line, normalised; blank lines are passed over.

    Raises:
        ValueError: no names, too many, or one that cannot be read.
    """
    longest = int(limits.NAMES.high) * (limits.NAME_CHARACTERS + 1)
    lines = [line for line in limits.check_text("list of names", typed, longest).splitlines() if line.strip()]
    if not lines:
        raise ValueError("Type at least one name; one name a line.")
    return packing.normalize_names(lines)


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


def pictures(checkpoint: Checkpoint, names: list[str], order: str, cells: str, unit: int) -> tuple:
    """The pictures of the first 32 names, each with its caption: padded, packed, flat."""
    drawn = compare(names[: limits.DRAWN_NAMES], state.ORDER.choose(order) == state.SORTED)
    inside = compute(packing.states, checkpoint.model, drawn)
    made = Pictures([names[index] for index in drawn.order], drawn, inside, state.CELLS.choose(cells), unit)
    return (
        _padded_caption(cells, made),
        made.padded(),
        _packed_caption(cells, made),
        made.packed(),
        _strip_caption(cells, made),
        made.strip(),
    )


def facts(checkpoint: Checkpoint, names: list[str], order: str) -> tuple[str, str]:
    """What the pictures leave out, and the figures over all names."""
    total, drawn = len(names), limits.DRAWN_NAMES
    note = f'<p class="caption note">Drawn: the first {drawn} of {total}; the figures are over all.</p>'
    report = packing.report(checkpoint.model, compare(names, order == state.SORTED), compute_each)
    return note if drawn < total else "", _facts(report, len(checkpoint.classes))


def _padded_caption(cells: str, made: Pictures) -> str:
    says = ", not packed: drifts on at the pads" if cells == state.HIDDEN else ": a rectangle, filled up"
    return f'<p class="caption"><b>Padded</b> {made.shape}{says}</p>'


def _packed_caption(cells: str, made: Pictures) -> str:
    says = "zero at the pads, once unpacked" if cells == state.HIDDEN else "the batch shrinks"
    return f'<p class="caption"><b>Packed</b>, {len(made.batch_sizes)} steps: {says}</p>'


def _strip_caption(cells: str, made: Pictures) -> str:
    what = "one-dimensional" if cells == state.CHARACTERS else "a vector each"
    return (
        f'<p class="caption"><b>PackedSequence.data</b>, {sum(made.batch_sizes)} cells, {what}: '
        "the packed picture column by column</p>"
    )


def build(checkpoint: Checkpoint) -> None:
    """Lays out the tab inside the current Blocks."""
    opening = _read(state.NAMES.default)
    drawn = pictures(checkpoint, opening, state.ORDER.default, state.CELLS.default, state.UNIT.default)
    note, figures = facts(checkpoint, opening, state.ORDER.default)
    gr.HTML(diagrams.lead(diagrams.BATCHES, _LEAD))
    with gr.Row():
        with gr.Column(scale=2, min_width=280):
            names = gr.Textbox(**state.NAMES.arguments(), lines=4, max_lines=8)
            order = gr.Radio(**state.ORDER.arguments())
            cells = gr.Radio(**state.CELLS.arguments())
            unit = gr.Slider(**state.UNIT.arguments(), visible=False)
            message = gr.HTML(note, elem_id="batch-message")
        with gr.Column(scale=5, min_width=320):
            shown = []
            with gr.Row():
                for caption, picture, name in ((*drawn[:2], "padded"), (*drawn[2:4], "packed")):
                    with gr.Column(min_width=300):
                        shown += [gr.HTML(caption), _plot(picture, name)]
            shown += [gr.HTML(drawn[4]), _plot(drawn[5], "strip")]
            numbers = gr.HTML(figures, elem_id="facts")

    def redraw(typed: str, order: str, cells: str, unit: object) -> tuple:
        emptied = unit is None  # the box, on the way to another number
        unit = min(limits.UNIT.check(0 if emptied else unit), _units(checkpoint, cells) - 1)
        return pictures(checkpoint, _read(typed), order, cells, unit)

    def update(typed: str, order: str, cells: str, unit: object) -> tuple:
        try:
            return *facts(checkpoint, _read(typed), order), *redraw(typed, order, cells, unit)
        except ValueError as mistake:  # the pictures of the last good batch stay
            problem = f'<p class="problem" role="status">{escape(str(mistake))}</p>'
            return problem, *[gr.skip()] * (1 + len(shown))

    def offer_units(cells: str) -> dict:
        return gr.Slider(visible=cells != state.CHARACTERS, maximum=_units(checkpoint, cells) - 1, value=0)

    controls = [names, order, cells, unit]
    # The limits judge what arrives: Gradio's own check of an emptied number box fails with a traceback.
    quiet = {"show_progress": "hidden", "api_visibility": "private", "preprocess": False}
    live = {**quiet, "trigger_mode": "always_last"}
    # not names.input, which a pasted text, a deletion and an input method do not fire
    gr.on([names.change, order.input], update, controls, [message, numbers, *shown], **live)
    unit.input(spoken(redraw), controls, shown, **live)
    cells.input(offer_units, cells, unit, **live).then(spoken(redraw), controls, shown, **quiet)


def _plot(picture: go.Figure, name: str) -> gr.Plot:
    return gr.Plot(picture, elem_id=name, show_label=False, container=False)


def _units(checkpoint: Checkpoint, cells: str) -> int:
    """How many numbers a cell's vector has."""
    config = checkpoint.config
    return (
        config.embedding_size if cells == state.EMBEDDING else config.hidden_size * (2 if config.bidirectional else 1)
    )
