"""The Names tab: a softmax over the countries, as you type."""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr

from charplay import limits
from charplay.data.datasets import COUNTRIES
from charplay.data.input_text import unseen_characters
from charplay.data.user_data.cells import clean
from charplay.inference.classify import Classification, read_text
from charplay.models.checkpoints import Checkpoint
from charplay.ui import controls, html, inference_client, scoreboard
from charplay.ui.errors import USER_ERRORS
from charplay.ui.events import LATEST
from charplay.ui.examples import examples_html
from charplay.ui.initial_examples import InitialExamples
from charplay.ui.link_events import TabLink
from charplay.ui.model_controls import ModelControls
from charplay.ui.names import activations, attribution, code, prefixes
from charplay.ui.names.panel import NameControls
from charplay.ui.text_fields import as_typed
from charplay.ui.widgets import diagrams, unrolled
from charplay.ui.widgets.bars import bars

_LEAD = "Type a surname and watch the network guess where it comes from."
_TERM = "<b>Many to one</b>: a sequence in, one answer out."
_ABOUT = (
    "The drawing is the network, unrolled in time. Each letter’s code (its ASCII code; of a model of your own its "
    "place in that model’s vocabulary) picks a row of learnt numbers, its embedding; the recurrent cell combines it "
    "with the state so far: of that four numbers are drawn, blue where they are negative, orange where positive. From "
    "the states a linear layer computes a score for each class (logits), and softmax makes of the scores probabilities "
    "that sum to 1: the bars. Beside each state is the answer if the name ended there. With arrows both ways the "
    "network is bidirectional: it also reads from the end, so that every new letter changes all states. <b>Many to "
    "one</b>: a sequence in, one answer out."
)
_USER_LEAD = "Type a text and watch your network predict which of its {} classes it belongs to."
_HINT = '<p class="headline hint">Type a name: the bars follow every letter.</p>'
_NO_EXAMPLE = "The first name could not be classified: change it, and the bars follow."
DRAWN_UNITS = 4  # numbers of a hidden state that are drawn: each is a shape that is made anew at every key
MAX_LISTED_CLASSES = 6  # of a user model, in the hint beside the name

View = tuple[str, str, str]  # headline, bars, the unrolled network (HTML)


def build(examples: InitialExamples, link: TabLink) -> ModelControls:
    """Lays out the tab inside the current Blocks; returns the controls of its model."""
    registry, models = examples.registry, examples.registry.models["names"]
    default = next(iter(models))
    headline, bars_html, network = _initial_view(models[default], examples)
    lead = gr.HTML(_lead_html(_LEAD))
    with gr.Row(elem_id="names-row"):
        with gr.Column(scale=2, min_width=370):
            name = gr.Textbox(
                **controls.NAME.arguments(), max_lines=1, autofocus=True, html_attributes=as_typed("words")
            )
            hint = gr.HTML(_hint(models[default]), elem_id="name-hint")
            network_output = gr.HTML(network, elem_id="seen")
        with gr.Column(scale=3, min_width=320):
            headline_output = gr.HTML(headline, elem_id="headline")
            bars_output = gr.HTML(bars_html, elem_id="bars")
            gr.HTML(examples_html("names"))
    with gr.Row(elem_id="names-choices"):
        model = gr.Dropdown(**controls.MODEL.arguments() | scoreboard.model_choices(models), scale=2, min_width=320)
        prior_choices = {"choices": _prior_choices(models[default])}
        prior = gr.Radio(**controls.PRIOR.arguments() | prior_choices, scale=3, min_width=320)
    source = NameControls(name, model, prior, registry, link)

    async def update(page: gr.Request, name: str, chosen: str, prior: str) -> View:
        checkpoint = models[default]  # of the empty bars, where the chosen one is not there any more
        try:
            checkpoint = source.find(chosen, page)
            prior = controls.PRIORS[limits.check_choice("prior", prior, tuple(controls.PRIORS))]
            if view := _view_without_result(checkpoint, name):
                return view
            return _view(checkpoint, name, await inference_client.classify_steps(checkpoint, name, prior))
        except USER_ERRORS as error:
            return html.problem(str(error)), bars(checkpoint.classes, None), ""

    def describe(chosen: str, page: gr.Request) -> tuple[Any, Any, Any]:
        try:
            checkpoint = source.find(chosen, page)
        except ValueError:
            return gr.skip(), gr.skip(), gr.skip()  # the headline says it
        sentence = _LEAD if chosen in models else _USER_LEAD.format(len(checkpoint.classes))
        return _lead_html(sentence), _hint(checkpoint), gr.update(choices=_prior_choices(checkpoint))

    # `change`, not `input`: a pasted or deleted text fires no input, nor does a model that the Train tab selects.
    source.event.always(update, source.inputs, [headline_output, bars_output, network_output])
    model.change(describe, model, [lead, hint, prior], **LATEST)
    prefixes.build_prefixes(source)
    attribution.build(source)
    activations.build(source)
    prefixes.build_cells(source, models)
    code.build(source)
    source.event.wire(source.triggers)
    scoreboard.build_names(registry, model, prior, [link.applied.change])
    return ModelControls(model, name)


def _lead_html(sentence: str) -> str:
    return diagrams.lead("", f'{sentence} <span class="term">{_TERM}</span>', _ABOUT)


def _initial_view(checkpoint: Checkpoint, examples: InitialExamples) -> View:
    results = examples.wait_for_name()
    if results is None:
        return html.problem(_NO_EXAMPLE), bars(checkpoint.classes, None), ""
    return _view(checkpoint, controls.NAME.default, results)


def _hint(checkpoint: Checkpoint) -> str:
    """What the model can answer, and what becomes of everything else (HTML)."""
    classes = checkpoint.classes
    if classes == COUNTRIES:
        return html.note(
            f"{len(classes)} languages and origins only. A name from elsewhere is forced into one of them."
        )
    listed = ", ".join(map(escape, classes[:MAX_LISTED_CLASSES])) + ("…" if len(classes) > MAX_LISTED_CLASSES else "")
    return html.note(f"{len(classes)} classes only: {listed}. Any text is forced into one of them.")


def _prior_choices(checkpoint: Checkpoint) -> list[tuple[str, str]]:
    """What a Prior control offers, with the commonest class of the model's training data."""
    commonest, share = scoreboard.commonest_class(checkpoint)
    in_training = f"{controls.AS_IN_THE_DATA} ({html.percent(share, 0)} {commonest})"
    return [(in_training, controls.AS_IN_THE_DATA), (controls.ALL_EQUAL, controls.ALL_EQUAL)]


def _view(checkpoint: Checkpoint, typed: str, results: Sequence[Classification]) -> View:
    """What is shown for the results of the drawn prefixes of a name, the whole last."""
    whole = results[-1]
    steps = []
    for each in results:
        letter, country = each["normalized"][-1], each["country"]
        index, code = len(each["normalized"]) - 1, checkpoint.vocabulary.code_of(letter)
        steps.append(
            unrolled.Step(index, letter, code, each["state"][:DRAWN_UNITS], country, each["probabilities"][country])
        )
    network = unrolled.unrolled(steps, getattr(checkpoint.config, "bidirectional", False))
    bars_html = bars(checkpoint.classes, list(whole["probabilities"].values()))
    return _headline(checkpoint, typed, whole), bars_html, network


def _view_without_result(checkpoint: Checkpoint, name: str) -> View | None:
    """A hint above empty bars for an empty name, the problem for an invalid one; None for a valid one."""
    try:
        read_text(checkpoint, name)
        return None
    except ValueError as error:
        is_blank = isinstance(name, str) and not clean(name[: limits.MAX_USER_ROW_CHARACTERS])
        sentence = _HINT if is_blank else html.problem(str(error))
    return sentence, bars(checkpoint.classes, None), ""


def _headline(checkpoint: Checkpoint, typed: str, result: Classification) -> str:
    """The likeliest class; in a line of its own, which is there for every name, how the name was read (HTML)."""
    read, probability = result["normalized"], html.percent(result["probabilities"][result["country"]])
    notes = []
    if read != typed.strip():
        notes.append(f"Read as “{html.as_typed(read)}”")
    if " " in read and checkpoint.classes == COUNTRIES:
        notes.append("several words, read as one surname" if notes else "Several words, read as one surname")
    unseen = unseen_characters(typed, checkpoint.vocabulary, checkpoint.alphabet)
    sentences = ([html.unseen_note(unseen)] if unseen else []) + ([": ".join(notes)] if notes else [])
    answer = html.headline(f'<b translate="no">{escape(result["country"])}</b> {probability}')
    return f'{answer}<p class="note read-as">{" ".join(sentences)}</p>'
