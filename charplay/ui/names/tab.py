"""The Names tab: as you type, a softmax over the countries."""

from html import escape

import gradio as gr

from charplay import limits
from charplay.data.datasets import COUNTRIES
from charplay.data.text import encode, normalize_name
from charplay.inference.classify import Classification
from charplay.models.checkpoints import Checkpoint
from charplay.ui import controls, inference_client, scoreboard, session_store
from charplay.ui.errors import as_gradio_error
from charplay.ui.inference_client import InitialExamples
from charplay.ui.names import activations, attribution, prefixes
from charplay.ui.names.panel import ModelChoice
from charplay.ui.widgets import diagrams
from charplay.ui.widgets.bars import bars

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


View = tuple[str, str, str]  # headline, bars, what the network sees


def _unread(checkpoint: Checkpoint, name: str) -> View | None:
    """A hint or a sentence over empty bars, for a name that is blank or cannot be read; None for one that can."""
    try:
        if normalize_name(name):
            return None
        sentence = _HINT
    except ValueError as mistake:
        sentence = f'<p class="problem" role="status">{escape(str(mistake))}</p>'
    return sentence, bars(checkpoint.classes, None), ""


def _view(checkpoint: Checkpoint, result: Classification) -> View:
    drawn = bars(checkpoint.classes, list(result["probabilities"].values()))
    return _headline(result), drawn, _seen(result["normalized"], checkpoint)


def build(opening: InitialExamples) -> gr.Dropdown:
    """Lays out the tab inside the current Blocks; returns the choice of its model."""
    registry, models = opening.registry, opening.registry.models["names"]
    default = next(iter(models))
    headline, drawn, seen = _view(models[default], opening.name.result())
    gr.HTML(diagrams.lead(diagrams.NAMES, _LEAD))
    with gr.Row(elem_id="names-row"):
        with gr.Column(scale=2, min_width=320):
            name = gr.Textbox(**controls.NAME.arguments(), max_lines=1, autofocus=True)
            seen_html = gr.HTML(seen, elem_id="seen")
            with gr.Column(elem_id="names-choices"):
                model = gr.Dropdown(
                    **controls.MODEL.arguments() | {"choices": scoreboard.choices(models), "value": default}
                )
                prior = gr.Radio(**controls.PRIOR.arguments())
        with gr.Column(scale=3, min_width=320):
            headline_html = gr.HTML(headline, elem_id="headline")
            bars_html = gr.HTML(drawn, elem_id="bars")

    async def update(name: str, chosen: str, prior: str, page: gr.Request) -> View:
        checkpoint = session_store.find(registry, "names", chosen, page)
        prior = controls.PRIORS[limits.check_choice("prior", prior, tuple(controls.PRIORS))]
        if unread := _unread(checkpoint, name):
            return unread
        return _view(checkpoint, await inference_client.classify(checkpoint, name, prior))

    gr.on(
        # not name.input, which a pasted text and a deletion do not fire; nor model.input, which the Train tab does not
        [name.change, model.change, prior.input],
        as_gradio_error(update),
        [name, model, prior],
        [headline_html, bars_html, seen_html],
        preprocess=False,  # Gradio knows a model only if it stood there when the page was made; what arrives is checked
        trigger_mode="always_last",  # the default drops what is typed while an answer is under way
        show_progress="hidden",
        api_visibility="private",
    )
    # After the bars' own event: it is asked first.
    source = ModelChoice(name, model, prior, registry)
    prefixes.build_prefixes(source)
    attribution.build(source)
    activations.build(source)
    prefixes.build_cells(source, models)
    scoreboard.build_names(registry, model, prior)
    return model
