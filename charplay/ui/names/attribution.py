"""A fold of the Names tab: which letters decided, by leaving each out and by the gradient."""

from html import escape

import gradio as gr
import numpy as np
from gradio.components.plot import PlotData

from charplay.interpret.attribution import Attribution
from charplay.ui import accordions, controls, inference_client
from charplay.ui.errors import as_gradio_error
from charplay.ui.names import plots
from charplay.ui.names.panel import (
    BY_LETTER,
    IDLE_NOTE,
    ModelChoice,
    Query,
    figure_value,
    percent,
    plot,
    screen_reader_text,
)
from charplay.ui.widgets import heatmap

_LETTERS = '<p class="caption">Look for the deepest bar: without that letter the country would lose the most.</p>'
_LEFT_OUT = (
    '<p class="caption"><b>Left out</b>: the shorter name is read, and the bar is by how much the log-probability '
    "(natural logarithm) changes.</p>"
)
_GRADIENT = (
    '<p class="caption"><b>Gradient</b>: how fast the country’s score (logit) would move if the letter’s embedding '
    "did a little; the norm of that gradient{members}.</p>"
)


def build(source: ModelChoice) -> None:
    """Lays out which letters decided."""
    with gr.Accordion("Which letters decided", open=False, elem_id="letters-fold") as fold:
        says = gr.HTML(elem_id="letters-says")
        # Another model may have other classes, so what is chosen is checked when it is answered.
        choices = {"choices": [controls.LIKELIEST, *source.registry.default("names").classes]}
        country = gr.Dropdown(**controls.COUNTRY.arguments() | choices, allow_custom_value=True)
        left_says = gr.HTML()
        left_out = plot("left-out", BY_LETTER)
        gradient_says = gr.HTML()
        gradients = plot("gradients", BY_LETTER)

    def offer(chosen: str, page: gr.Request) -> gr.Dropdown:
        return gr.Dropdown(choices=[controls.LIKELIEST, *source.find(chosen, page).classes], value=controls.LIKELIEST)

    async def show(page: gr.Request, country: str, *values: str) -> tuple:
        asked = source.read(page, *values)
        if asked is None:
            return IDLE_NOTE, "", None, "", None
        classes = asked.checkpoint.classes
        if country and country not in (controls.LIKELIEST, *classes):  # typed, or of the model that was in use before
            return (
                f'<p class="problem">The country must be one of {escape(", ".join(classes))}.</p>',
                "",
                None,
                "",
                None,
            )
        wanted = None if not country or country == controls.LIKELIEST else country
        found = await inference_client.query(
            asked.checkpoint, "letters", name=asked.name, prior=asked.prior, country=wanted
        )
        return _decided(found), *_left_out(found), *_gradients(found, asked)

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    source.model.change(as_gradio_error(offer), source.model, country, preprocess=False, **quiet)
    triggers = [*source.triggers, country.change]
    accordions.update_while_open(
        fold, triggers, show, [country, *source.inputs], [says, left_says, left_out, gradient_says, gradients]
    )


def _letter(found: Attribution, at: int) -> str:
    """The letter at a place, as a sentence names it (HTML)."""
    letter = found["normalized"][at]
    return f"letter {at + 1}, <b>{'␣' if letter == ' ' else escape(letter)}</b>"


def _decided(found: Attribution) -> str:
    """What was found, in one sentence (HTML)."""
    country, whole = escape(found["country"]), percent(found["probability"])
    if found["changes"] is None:
        return (
            f'<p class="headline"><b>{country}</b> {whole}. A name of one letter has no shorter one to compare: only '
            "the gradient can be asked.</p>"
        )
    at = int(np.argmin(found["changes"]))
    without = percent(found["without"][at])
    if found["changes"][at] < 0:
        sentence = f"would fall from {whole} to {without} without {_letter(found, at)}."
    else:
        sentence = f"has {whole}, and no letter speaks for it: without any one of them it would be likelier."
    return f'{_LETTERS}<p class="headline"><b>{country}</b> {sentence}</p>'


def _left_out(found: Attribution) -> tuple[str, PlotData | None]:
    """The change for each letter that is left out: caption and picture."""
    if found["changes"] is None:
        return "", None
    letters, country = list(found["normalized"]), escape(found["country"], quote=False)
    hovers = [
        f"without {escape(_spoken_letter(letter, at), quote=False)}: {country} {percent(share)} instead of "
        f"{percent(found['probability'])}, {heatmap.signed(change, 3)}"
        for at, (letter, share, change) in enumerate(zip(letters, found["without"], found["changes"], strict=True))
    ]
    picture = plots.letter_bars(letters, found["changes"], int(np.argmin(found["changes"])), hovers)
    return _LEFT_OUT + screen_reader_text("; ".join(hovers)), figure_value(picture)


def _spoken_letter(letter: str, at: int) -> str:
    return f"letter {at + 1}, {'␣' if letter == ' ' else letter}"


def _gradients(found: Attribution, asked: Query) -> tuple[str, PlotData]:
    """The gradient at each letter: caption and picture."""
    letters, members = list(found["normalized"]), getattr(asked.checkpoint.config, "members", 1)
    hovers = [
        f"{escape(_spoken_letter(letter, at), quote=False)}: {norm:.4f}"
        for at, (letter, norm) in enumerate(zip(letters, found["gradients"], strict=True))
    ]
    picture = plots.letter_bars(letters, found["gradients"], int(np.argmax(found["gradients"])), hovers)
    over = f" over the embeddings of all {members} networks that are averaged" if members > 1 else ""
    weighting = (
        '<p class="caption note">Weighted equally, the probabilities are those with each country’s share divided out; '
        "the gradient is the same either way, since a share is a constant beside the score.</p>"
    )
    caption = _GRADIENT.format(members=over) + (weighting if asked.prior == "uniform" else "")
    return caption + screen_reader_text("; ".join(hovers)), figure_value(picture)
