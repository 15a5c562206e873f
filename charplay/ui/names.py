"""The Names tab: as you type, a softmax over the countries."""

from html import escape
from typing import Any

import gradio as gr
import plotly.graph_objects as go

from charplay.checkpoints import Checkpoint, Shelf
from charplay.classify import Classification, classify
from charplay.datasets import COUNTRIES
from charplay.text import encode, normalize_name
from charplay.ui import diagrams, figures, scoreboard, state
from charplay.ui.worker import compute

_LEAD = (
    "<b>Many to one.</b> Type a name and watch the bars: after every letter the network shares out its belief over "
    f"{len(COUNTRIES)} countries."
)
_HINT = '<p class="headline hint">Type a name: the bars follow every letter.</p>'


def _headline(result: Classification) -> str:
    share = f"{100 * result['probabilities'][result['country']]:.1f} %"
    read = ""
    if result["normalized"] != result["name"].strip():
        read = f' <span class="note hint">read as “{escape(result["normalized"])}”</span>'
    return f'<p class="headline"><b>{escape(result["country"])}</b> {share}{read}</p>'


def _seen(name: str, checkpoint: Checkpoint) -> str:
    """What the network sees of a normalised name: characters, codes, shapes (HTML)."""
    codes = encode(name).tolist()
    boxes = "".join(
        f"<span><b>{escape(character) if character != ' ' else '␣'}</b>{code}</span>"
        for character, code in zip(name, codes, strict=True)
    )
    size, classes = checkpoint.config.embedding_size, len(checkpoint.classes)
    shapes = (
        ("codes", f"(1, {len(codes)})", "a name, one ASCII code a character"),
        ("embedding", f"(1, {len(codes)}, {size})", f"each code picks a row of {size} learnt numbers"),
        ("logits", f"(1, {classes})", "a score for each country; softmax makes them sum to 1"),
    )
    rows = "".join(f"<dt>{a}</dt><dd><code>{b}</code>: {c}</dd>" for a, b, c in shapes)
    return (
        '<p class="caption"><b>What the network sees</b></p>'
        f'<div class="cells">{boxes}</div><dl class="facts">{rows}</dl>'
    )


def views(checkpoint: Checkpoint, prior: str, names: list[str]) -> list[tuple[str, go.Figure, str]]:
    """Headline, bars and what the network sees, for each of several visitors' names, from one run of the network.

    A name that is blank or cannot be read gets the empty bars and a sentence in place of the headline.
    """
    sentences = {}
    for index, name in enumerate(names):
        try:
            if not normalize_name(name):
                sentences[index] = _HINT
        except ValueError as mistake:
            sentences[index] = f'<p class="problem" role="status">{escape(str(mistake))}</p>'
    readable = [name for index, name in enumerate(names) if index not in sentences]
    results = iter(compute(classify, checkpoint, readable, state.PRIORS[prior]))
    shown = []
    for index in range(len(names)):
        if index in sentences:
            shown.append((sentences[index], figures.bars(checkpoint.classes, None), ""))
        else:
            result = next(results)
            shown.append(
                (
                    _headline(result),
                    figures.bars(checkpoint.classes, list(result["probabilities"].values())),
                    _seen(result["normalized"], checkpoint),
                )
            )
    return shown


def build(shelf: Shelf) -> None:
    """Lays out the tab inside the current Blocks."""
    models = shelf.models["names"]
    default = next(iter(models))
    ((headline, bars, seen),) = views(models[default], state.PRIOR.default, [state.NAME.default])
    gr.HTML(diagrams.lead(diagrams.NAMES, _LEAD))
    with gr.Row(elem_id="names-row"):
        with gr.Column(scale=2, min_width=320):
            name = gr.Textbox(**state.NAME.arguments(), max_lines=1, autofocus=True)
            seen_html = gr.HTML(seen, elem_id="seen")
            with gr.Column(elem_id="names-choices"):
                model = gr.Dropdown(
                    **state.MODEL.arguments() | {"choices": scoreboard.choices(models), "value": default}
                )
                prior = gr.Radio(**state.PRIOR.arguments())
        with gr.Column(scale=3, min_width=320):
            headline_html = gr.HTML(headline, elem_id="headline")
            plot = gr.Plot(bars, elem_id="bars", show_label=False, container=False)
    scoreboard.build_names(shelf, model, prior)

    def update(names: list[str], chosen: list[str], priors: list[str]) -> tuple[list[str], list[go.Figure], list[str]]:
        """One run of the network for all who have chosen the same model and weighting."""
        shown: list[Any] = [None] * len(names)
        for together in sorted(set(zip(chosen, priors, strict=True))):
            rows = [row for row, own in enumerate(zip(chosen, priors, strict=True)) if own == together]
            model, prior = together
            for row, view in zip(rows, views(models[model], prior, [names[row] for row in rows]), strict=True):
                shown[row] = view
        headlines, plots, seens = zip(*shown, strict=True)
        return list(headlines), list(plots), list(seens)

    gr.on(
        [name.change, model.input, prior.input],  # not name.input, which a pasted text and a deletion do not fire
        update,
        [name, model, prior],
        [headline_html, plot, seen_html],
        trigger_mode="always_last",  # the default drops what is typed while an answer is under way
        show_progress="hidden",
        batch=True,  # a classroom that types at once goes through the network as one batch
        max_batch_size=64,
        api_visibility="private",
    )
