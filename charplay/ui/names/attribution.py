"""An accordion of the Names tab: attribution to letters, by leaving each one out and by the gradient."""

from html import escape

import gradio as gr
import numpy as np
from gradio.components.plot import PlotData

from charplay.interpret.attribution import Attribution
from charplay.ui import controls, html, inference_client, links
from charplay.ui.events import LATEST
from charplay.ui.html import percent, screen_reader_text, visible
from charplay.ui.names import plots
from charplay.ui.names.panel import BY_LETTER, IDLE_NOTE, NameControls, Query, plot, plot_value, shown_letters_note
from charplay.ui.widgets import heatmap

_CAPTION = html.caption("Look for the deepest bar: leaving out that letter costs the class the most.")
_LEAVE_ONE_OUT_CAPTION = html.caption(
    "<b>Leave-one-out</b>: the name is read without the letter; the bar is the change of the log-probability (natural "
    "logarithm)."
)
_UNIFORM_NOTE = html.note(
    "With the prior all equal, each class’s share of the training data is divided out of the probabilities; the "
    "gradient is the same with both priors, since a share is a constant beside the score."
)


def build(source: NameControls) -> None:
    """Lays out the accordion."""
    with gr.Accordion("Attribution: which letters matter", open=False, elem_id="attribution-accordion") as accordion:
        headline = gr.HTML(elem_id="attribution-headline")
        # The choices follow the model, so the value is checked against the model's classes when it is used.
        choices = {"choices": [controls.LIKELIEST, *source.registry.default("names").classes]}
        country = gr.Dropdown(**controls.COUNTRY.arguments() | choices, allow_custom_value=True)
        leave_one_out_caption = gr.HTML()
        leave_one_out = plot("left-out", BY_LETTER)
        gradient_caption = gr.HTML()
        gradients = plot("gradients", BY_LETTER)

    def update_countries(model: str, field: object, chosen: object, page: gr.Request) -> dict:
        """The model's classes; what is chosen stays where it is one of them, even if it is chosen meanwhile."""
        try:
            classes = source.find(model, page).classes
        except ValueError:
            return gr.skip()  # the headline says it
        choices = [controls.LIKELIEST, *classes]
        is_of_link = links.linked(field, controls.MODEL, [model]) == model
        linked = links.linked(field, controls.COUNTRY, choices) if is_of_link else None
        if linked is None and chosen in choices:
            return gr.update(choices=choices)
        return gr.update(choices=choices, value=linked or controls.LIKELIEST)

    async def show(page: gr.Request, country: str, *values: str) -> tuple:
        query = source.read(page, *values)
        if query is None:
            return IDLE_NOTE, "", None, "", None
        classes = query.checkpoint.classes
        if country and country not in (controls.LIKELIEST, *classes):  # typed, or a class of the previous model
            return html.problem(f"The class must be one of {', '.join(classes)}."), "", None, "", None
        target = None if not country or country == controls.LIKELIEST else country
        found = await inference_client.query(
            query.checkpoint, "attribution", name=query.name, prior=query.prior, country=target
        )
        return _headline(found), *_leave_one_out(found), *_gradients(found, query)

    source.model.change(update_countries, [source.model, source.link.applied, country], country, **LATEST)
    outputs = [headline, leave_one_out_caption, leave_one_out, gradient_caption, gradients]
    source.event.while_open(accordion, show, [country, *source.inputs], outputs, [country.change])


def _headline(found: Attribution) -> str:
    """The letter that matters most, in one sentence (HTML)."""
    country, whole = escape(found["country"]), percent(found["probability"])
    if found["changes"] is None or found["without"] is None:
        return html.headline(
            f"<b>{country}</b> {whole}. A name of one letter has no shorter one to compare: there is only the gradient."
        )
    index = int(np.argmin(found["changes"]))
    if found["changes"][index] < 0:
        at = found["first"] + index
        letter = f"letter {at + 1}, <b>{escape(visible(found['normalized'][at]))}</b>"
        sentence = f"would fall from {whole} to {percent(found['without'][index])} without {letter}."
    else:
        sentence = f"has {whole}, and every letter lowers it: it would be likelier without any one of them."
    note = shown_letters_note(found["normalized"])
    return _CAPTION + note + html.headline(f"<b>{country}</b> {sentence}")


def _letter_label(letter: str, index: int) -> str:
    """A letter as plotly's hover text names it."""
    return f"letter {index + 1}, {escape(visible(letter), quote=False)}"


def _leave_one_out(found: Attribution) -> tuple[str, PlotData | None]:
    """The change of the log-probability for each letter that is left out: caption and plot."""
    if found["changes"] is None or found["without"] is None:
        return "", None
    first, country = found["first"], escape(found["country"], quote=False)
    letters = list(found["normalized"][first:])
    hovers = [
        f"without {_letter_label(letter, index)}: {country} {percent(share)} instead of "
        f"{percent(found['probability'])}, {heatmap.signed(change, 3)}"
        for index, (letter, share, change) in enumerate(
            zip(letters, found["without"], found["changes"], strict=True), first
        )
    ]
    figure = plots.letter_bars(letters, found["changes"], int(np.argmin(found["changes"])), hovers)
    return _LEAVE_ONE_OUT_CAPTION + screen_reader_text("; ".join(hovers)), plot_value(figure)


def _gradients(found: Attribution, query: Query) -> tuple[str, PlotData]:
    """The gradient norm at each letter: caption and plot."""
    first = found["first"]
    letters = list(found["normalized"][first:])
    hovers = [
        f"{_letter_label(letter, index)}: {norm:.4f}"
        for index, (letter, norm) in enumerate(zip(letters, found["gradients"], strict=True), first)
    ]
    figure = plots.letter_bars(letters, found["gradients"], int(np.argmax(found["gradients"])), hovers)
    caption = html.caption(
        "<b>Gradient norm</b>: how fast the score of the class (logit) changes with the letter’s embedding."
    )
    uniform_note = _UNIFORM_NOTE if query.prior == "uniform" else ""
    return caption + uniform_note + screen_reader_text("; ".join(hovers)), plot_value(figure)
