"""The Names tab: a softmax over the countries, as you type."""

from html import escape

import gradio as gr

from charplay import limits
from charplay.data.datasets import COUNTRIES
from charplay.data.text import encode
from charplay.data.user_data.cells import clean
from charplay.inference.classify import Classification, read_text
from charplay.models.checkpoints import Checkpoint
from charplay.ui import controls, html, inference_client, scoreboard
from charplay.ui.initial_examples import InitialExamples
from charplay.ui.model_controls import ModelControls
from charplay.ui.names import activations, attribution, prefixes
from charplay.ui.names.panel import NameControls
from charplay.ui.widgets import diagrams
from charplay.ui.widgets.bars import bars

_LEAD = (
    "<b>Many to one.</b> Type a name and watch the bars: after every letter the network shares out its belief over "
    f"{len(COUNTRIES)} countries."
)
_HINT = '<p class="headline hint">Type a name: the bars follow every letter.</p>'
_NO_EXAMPLE = "The first name could not be classified: change it, and the bars follow."

View = tuple[str, str, str]  # headline, bars, what the network sees (HTML)


def build(examples: InitialExamples) -> ModelControls:
    """Lays out the tab inside the current Blocks; returns the controls of its model."""
    registry, models = examples.registry, examples.registry.models["names"]
    default = next(iter(models))
    headline, bars_html, seen = _initial_view(models[default], examples)
    gr.HTML(diagrams.lead(diagrams.NAMES, _LEAD))
    with gr.Row(elem_id="names-row"):
        with gr.Column(scale=2, min_width=320):
            name = gr.Textbox(**controls.NAME.arguments(), max_lines=1, autofocus=True)
            seen_output = gr.HTML(seen, elem_id="seen")
            with gr.Column(elem_id="names-choices"):
                choices = {"choices": scoreboard.choices(models), "value": default}
                model = gr.Dropdown(**controls.MODEL.arguments() | choices)
                prior = gr.Radio(**controls.PRIOR.arguments())
        with gr.Column(scale=3, min_width=320):
            headline_output = gr.HTML(headline, elem_id="headline")
            bars_output = gr.HTML(bars_html, elem_id="bars")
    source = NameControls(name, model, prior, registry)

    async def update(page: gr.Request, name: str, chosen: str, prior: str) -> View:
        checkpoint = source.find(chosen, page)
        prior = controls.PRIORS[limits.check_choice("prior", prior, tuple(controls.PRIORS))]
        if view := _view_without_result(checkpoint, name):
            return view
        return _view(checkpoint, await inference_client.classify(checkpoint, name, prior))

    # `change`, not `input`: a pasted or deleted text fires no input, nor does a model that the Train tab selects.
    outputs = [headline_output, bars_output, seen_output]
    source.event.always(update, source.inputs, outputs)
    prefixes.build_prefixes(source)
    attribution.build(source)
    activations.build(source)
    prefixes.build_cells(source, models)
    source.event.wire(source.triggers)
    scoreboard.build_names(registry, model, prior)
    return ModelControls(model, name)


def _initial_view(checkpoint: Checkpoint, examples: InitialExamples) -> View:
    result = examples.wait_for_name()
    if result is None:
        return html.problem(_NO_EXAMPLE), bars(checkpoint.classes, None), ""
    return _view(checkpoint, result)


def _view(checkpoint: Checkpoint, result: Classification) -> View:
    bars_html = bars(checkpoint.classes, list(result["probabilities"].values()))
    return _headline(result), bars_html, _seen(result["normalized"], checkpoint)


def _view_without_result(checkpoint: Checkpoint, name: str) -> View | None:
    """A hint above empty bars for an empty name, the problem for an invalid one; None for a valid one."""
    try:
        read_text(checkpoint, name)
        return None
    except ValueError as error:
        is_blank = isinstance(name, str) and not clean(name[: limits.MAX_USER_ROW_CHARACTERS])
        sentence = _HINT if is_blank else html.problem(str(error))
    return sentence, bars(checkpoint.classes, None), ""


def _headline(result: Classification) -> str:
    probability = html.percent(result["probabilities"][result["country"]])
    read_as = ""
    if result["normalized"] != result["name"].strip():
        read_as = f' <span class="note hint">read as “{escape(result["normalized"])}”</span>'
    return html.headline(f"<b>{escape(result['country'])}</b> {probability}{read_as}")


def _seen(name: str, checkpoint: Checkpoint) -> str:
    """What the network sees of a normalised name: characters, codes, shapes (HTML)."""
    codes = encode(name).tolist()
    shown = name[: limits.MAX_NAME_CHARACTERS]  # of a longer text its beginning
    boxes = "".join(
        f"<span><b>{escape(html.visible(character))}</b>{code}</span>"
        for character, code in zip(shown, codes, strict=False)
    ) + ("…" if len(name) > len(shown) else "")
    size, classes = checkpoint.config.embedding_size, len(checkpoint.classes)
    shapes = (
        ("codes", f"(1, {len(codes)})", "a name, one ASCII code a character"),
        ("embedding", f"(1, {len(codes)}, {size})", f"each code picks a row of {size} learnt numbers"),
        ("logits", f"(1, {classes})", "a score for each country; softmax makes them sum to 1"),
    )
    facts = html.facts((term, f"<code>{shape}</code>: {meaning}") for term, shape, meaning in shapes)
    return f'{html.caption("<b>What the network sees</b>")}<div class="characters">{boxes}</div>{facts}'
