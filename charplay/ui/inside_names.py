"""Under the bars of the Names tab, folded: what the network believes letter by letter, which letters decided, every
number on the way, and what other cells make of the same name. Layout and wording, no arithmetic.
"""

import asyncio
import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from typing import NamedTuple

import gradio as gr
import numpy as np
from gradio.components.plot import PlotData
from plotly.io.json import to_json_plotly

from charplay import explain, limits
from charplay.attribution import Letters
from charplay.checkpoints import Checkpoint
from charplay.classify import Classification
from charplay.models import CELLS
from charplay.text import normalize_name
from charplay.ui import folds, heat, name_pictures, state, worker
from charplay.ui.name_pictures import CODES_HEIGHT, EMBEDDING_HEIGHT, FEATURE_HEIGHT, HIDDEN_HEIGHT, Panel, Picture
from charplay.way import Numbers, Way

_RESTS = '<p class="caption note">This follows the name above, once there is one that can be read.</p>'
_BELIEF = (
    '<p class="caption">Look for the letter at which the belief jumps: each column is the softmax after one more '
    "letter, and the last one is the bars above.</p>"
)
_LETTERS = '<p class="caption">Look for the deepest bar: without that letter the country would lose the most.</p>'
_LEFT_OUT = (
    '<p class="caption"><b>Left out</b>: the shorter name is read, and the bar is by how much the log-probability '
    "(natural logarithm) changes.</p>"
)
_GRADIENT = (
    '<p class="caption"><b>Gradient</b>: how fast the country’s score (logit) would move if the letter’s embedding '
    "did a little; the norm of that gradient{members}.</p>"
)
_WAY = (
    '<p class="caption">Follow one letter down: its code picks an embedding row, each layer makes a hidden state of '
    "it and of what it remembers, and from the last layer come the scores.</p>"
)
_CELLS = '<p class="caption">Look for where they part: the same name, read by networks that differ in their cell.</p>'
_BY_LETTER = "by-letter"  # a picture with a column for each letter, which a phone leaves little room for numbers
_TOP = 3  # countries that are named of each cell


@dataclass(frozen=True)
class Source:
    """Where the folds get what they show: the tab's controls, and the checkpoint that a choice stands for."""

    name: gr.Textbox
    model: gr.Dropdown
    prior: gr.Radio
    find: Callable[[str], Checkpoint]

    @property
    def inputs(self) -> list[gr.components.Component]:
        """What every fold is given."""
        return [self.name, self.model, self.prior]

    @property
    def triggers(self) -> list[Callable]:
        """What has a fold answer anew."""
        return [self.name.change, self.model.input, self.prior.input]

    def read(self, name: str, chosen: str, prior: str) -> "Asked | None":
        """What the controls say; None for a name that is blank or cannot be read, of which the tab tells."""
        asked = Asked(name, self.find(chosen), state.PRIORS[state.PRIOR.choose(prior)])
        try:
            return asked if normalize_name(name) else None
        except ValueError:
            return None


class Asked(NamedTuple):
    """What a fold is about."""

    name: str
    checkpoint: Checkpoint
    prior: str  # as the core calls it


def _drawn(picture: Picture) -> PlotData:
    return PlotData(type="plotly", plot=to_json_plotly(picture))


def _plot(name: str, *classes: str) -> gr.Plot:
    """A picture, which takes no room while there is nothing in it."""
    return gr.Plot(elem_id=name, elem_classes=["inside", *classes], show_label=False, container=False)


def _unseen(sentence: str) -> str:
    """What a picture shows, for who cannot see it (HTML)."""
    return f'<p class="unseen">{escape(sentence)}</p>'


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _belief(results: Sequence[Classification]) -> str:
    """The belief letter by letter (HTML)."""
    table = explain.belief(results[-1]["name"], results)
    return heat.belief(table["countries"], list(table["normalized"]), np.array(table["probabilities"]))


def build_belief(source: Source) -> None:
    """Lays out the belief letter by letter."""
    with gr.Accordion("Belief, letter by letter", open=False, elem_id="belief-fold") as fold:
        shown = gr.HTML(elem_id="belief")

    async def show(*controls: str) -> str:
        asked = source.read(*controls)
        if asked is None:
            return _RESTS
        return _BELIEF + _belief(await worker.classify_prefixes(asked.checkpoint, asked.name, asked.prior))

    folds.follow(fold, source.triggers, show, source.inputs, [shown])


def build_letters(source: Source) -> None:
    """Lays out which letters decided."""
    with gr.Accordion("Which letters decided", open=False, elem_id="letters-fold") as fold:
        says = gr.HTML(elem_id="letters-says")
        # Its choices are those of the model in use: what is chosen is checked when it is answered.
        country = gr.Dropdown(**state.COUNTRY.arguments(), allow_custom_value=True)
        left_says = gr.HTML()
        left_out = _plot("left-out", _BY_LETTER)
        gradient_says = gr.HTML()
        gradients = _plot("gradients", _BY_LETTER)

    def offer(chosen: str) -> gr.Dropdown:
        return gr.Dropdown(choices=[state.LIKELIEST, *source.find(chosen).classes], value=state.LIKELIEST)

    async def show(country: str, *controls: str) -> tuple:
        asked = source.read(*controls)
        if asked is None:
            return _RESTS, "", None, "", None
        wanted = (
            None if country == state.LIKELIEST else limits.check_choice("country", country, asked.checkpoint.classes)
        )
        found = await worker.ask(asked.checkpoint, "letters", name=asked.name, prior=asked.prior, country=wanted)
        return _decided(found), *_left_out(found), *_gradients(found, asked)

    quiet = {"show_progress": "hidden", "api_visibility": "private"}
    gr.on([fold.expand, source.model.input], offer, source.model, country, **quiet)
    triggers = [*source.triggers, country.input]
    folds.follow(fold, triggers, show, [country, *source.inputs], [says, left_says, left_out, gradient_says, gradients])


def _letter(found: Letters, at: int) -> str:
    """The letter at a place, as a sentence names it (HTML)."""
    letter = found["normalized"][at]
    return f"letter {at + 1}, <b>{'␣' if letter == ' ' else escape(letter)}</b>"


def _decided(found: Letters) -> str:
    """What was found, in one sentence (HTML)."""
    country, whole = escape(found["country"]), _percent(found["probability"])
    if found["changes"] is None:
        return (
            f'<p class="headline"><b>{country}</b> {whole}. A name of one letter has no shorter one to compare: only '
            "the gradient can be asked.</p>"
        )
    at = int(np.argmin(found["changes"]))
    without = _percent(found["without"][at])
    if found["changes"][at] < 0:
        sentence = f"would fall from {whole} to {without} without {_letter(found, at)}."
    else:
        sentence = f"has {whole}, and no letter speaks for it: without any one of them it would be likelier."
    return f'{_LETTERS}<p class="headline"><b>{country}</b> {sentence}</p>'


def _left_out(found: Letters) -> tuple[str, PlotData | None]:
    """The change for each letter that is left out: caption and picture."""
    if found["changes"] is None:
        return "", None
    letters, country = list(found["normalized"]), escape(found["country"], quote=False)
    hovers = [
        f"without {escape(_spoken_letter(letter, at), quote=False)}: {country} {_percent(share)} instead of "
        f"{_percent(found['probability'])}, {heat.signed(change, 3)}"
        for at, (letter, share, change) in enumerate(zip(letters, found["without"], found["changes"], strict=True))
    ]
    picture = name_pictures.letter_bars(letters, found["changes"], int(np.argmin(found["changes"])), hovers)
    return _LEFT_OUT + _unseen("; ".join(hovers)), _drawn(picture)


def _spoken_letter(letter: str, at: int) -> str:
    return f"letter {at + 1}, {'␣' if letter == ' ' else letter}"


def _gradients(found: Letters, asked: Asked) -> tuple[str, PlotData]:
    """The gradient at each letter: caption and picture."""
    letters, members = list(found["normalized"]), getattr(asked.checkpoint.config, "members", 1)
    hovers = [
        f"{escape(_spoken_letter(letter, at), quote=False)}: {norm:.4f}"
        for at, (letter, norm) in enumerate(zip(letters, found["gradients"], strict=True))
    ]
    picture = name_pictures.letter_bars(letters, found["gradients"], int(np.argmax(found["gradients"])), hovers)
    over = f" over the embeddings of all {members} networks that are averaged" if members > 1 else ""
    weighting = (
        '<p class="caption note">Weighted equally, the probabilities are those with each country’s share divided out; '
        "the gradient is the same either way, since a share is a constant beside the score.</p>"
    )
    caption = _GRADIENT.format(members=over) + (weighting if asked.prior == "uniform" else "")
    return caption + _unseen("; ".join(hovers)), _drawn(picture)


def build_way(source: Source) -> None:
    """Lays out the way through the network."""
    with gr.Accordion("The way through", open=False, elem_id="way-fold") as fold:
        says = gr.HTML()
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                strip_says = gr.HTML()
                strip = _plot("way", _BY_LETTER)
            with gr.Column(scale=2, min_width=320):
                scores = gr.HTML(elem_id="scores")

    async def show(*controls: str) -> tuple:
        asked = source.read(*controls)
        if asked is None:
            return _RESTS, "", None, ""
        way = await worker.ask(asked.checkpoint, "way", name=asked.name, prior=asked.prior)
        return _WAY, *_strip(way, asked.checkpoint), _scores(way, asked)

    folds.follow(fold, source.triggers, show, source.inputs, [says, strip_says, strip, scores])


def _array(numbers: Numbers) -> np.ndarray:
    return np.frombuffer(base64.b64decode(numbers["float32"]), dtype="<f4").reshape(numbers["shape"])


def _shape(*sizes: int) -> str:
    return f"({', '.join(map(str, sizes))})"


def _strip(way: Way, checkpoint: Checkpoint) -> tuple[str, PlotData]:
    """The way in time, from the characters to what the linear layer reads: caption and picture."""
    letters, count = list(way["normalized"]), len(way["codes"])
    codes, embedding = np.array([way["codes"]]), _array(way["embedding"])
    reach = max(float(np.abs(embedding).max()), 1e-6)
    has_text = count <= heat.MOST_TEXT_COLUMNS
    texts = [[str(code) if has_text else "" for code in way["codes"]]]
    panels = [
        Panel(f"codes {_shape(1, count)}", codes, CODES_HEIGHT, (0, 127), row="code", texts=texts),
        Panel(
            f"embedding {_shape(1, count, way['embedding']['size'])}", embedding.T, EMBEDDING_HEIGHT, (-reach, reach)
        ),
    ]
    for number, layer in enumerate(way["hidden"], 1):
        for states, direction in zip(layer, ("forward →", "backward ←"), strict=False):
            arrow = f", {direction}" if len(layer) > 1 else ""
            says = f"layer {number}{arrow} {_shape(1, count, states['size'])}"
            panels.append(Panel(says, _array(states).T, HIDDEN_HEIGHT, (-1, 1)))
    features = np.concatenate([_array(part) for part in way["features"]])
    width = sum(part["size"] for part in way["features"])
    parts = ("last", "largest", "mean")[: len(features)]
    panels.append(
        Panel(
            f"to the linear layer {_shape(1, width)}",
            features,
            FEATURE_HEIGHT * len(parts),
            (-1, 1),
            row="%{y}",
            labels=parts,
            of_letters=False,
        )
    )
    caption = (
        '<p class="caption">Time runs to the right; under each letter stands its vector, dark where its numbers are '
        "negative, light where they are positive. "
        + ("The backward direction has read a letter and all after it. " if len(way["hidden"][0]) > 1 else "")
        + (
            "At the end stand the states after the last step, and the largest and the mean over all steps."
            if len(parts) > 1
            else "At the end stand the states after the last step."
        )
        + "</p>"
    )
    members = len(way["logits"])
    if members > 1:
        caption += (
            f'<p class="caption note">The model in use averages {members} networks of this shape, trained apart; this '
            "is the way through the first.</p>"
        )
    if cut := max(part["size"] - part["shape"][1] for part in (way["embedding"], *way["hidden"][0], *way["features"])):
        caption += f'<p class="caption note">Of the longest vectors the last {cut:,} numbers are not drawn.</p>'
    return caption + _unseen(_told(way)), _drawn(name_pictures.strip(letters, panels))


def _told(way: Way) -> str:
    """The strip in words: how strong each stage is under each letter."""
    stages = [("embedding", way["embedding"])]
    for number, layer in enumerate(way["hidden"], 1):
        stages += [
            (f"layer {number} {direction}", states)
            for states, direction in zip(layer, ("forward", "backward"), strict=False)
        ]
    told = []
    for stage, numbers in stages:
        sizes = np.abs(_array(numbers)).mean(1)
        told.append(
            f"{stage}, mean size of the numbers under each letter: {', '.join(f'{size:.2f}' for size in sizes)}"
        )
    return f"Codes: {', '.join(map(str, way['codes']))}. {'. '.join(told)}."


def _scores(way: Way, asked: Asked) -> str:
    """From the logits to the softmax (HTML)."""
    members, is_uniform = np.array(way["logits"]).T, asked.prior == "uniform"  # (classes, members)
    count = members.shape[1]
    columns = ["logits"] if count == 1 else [str(number) for number in range(1, count + 1)]
    says = (
        f"the logits {_shape(1, len(way['classes']))} of the linear layer"
        if count == 1
        else f"the logits {_shape(1, len(way['classes']))} of each of the {count} networks, their mean"
    )
    if is_uniform:
        says += ", less the logarithm of the country’s share of the training names"
    if count > 1 or is_uniform:
        columns.append("less share" if is_uniform else "mean")
        members = np.concatenate([members, np.array(way["averaged"])[:, None]], 1)
    caption = (
        f'<p class="caption">One score for each country: {says}, and of that the softmax <b>p</b> in percent, '
        "the bars above.</p>"
    )
    return caption + heat.scores(way["classes"], columns, members, way["probabilities"])


def zoo(models: dict[str, Checkpoint]) -> dict[str, Checkpoint]:
    """Those classifiers of the shelf that are there to compare the cells: cell -> checkpoint."""
    return {cell: models[f"names-{cell}"] for cell in CELLS if f"names-{cell}" in models}


def build_cells(source: Source, models: dict[str, Checkpoint]) -> None:
    """Lays out the same name through the zoo's cells; without a zoo there is no such fold."""
    found = zoo(models)
    if not found:
        return
    with gr.Accordion("Three cells, one name", open=False, elem_id="cells-fold") as fold:
        says = gr.HTML(elem_id="cells-says")
        shown = []
        with gr.Row():
            for cell in found:
                with gr.Column(min_width=320):
                    shown.append(gr.HTML(elem_id=f"belief-{cell}"))

    async def show(name: str, chosen: str, prior: str) -> list:
        asked = source.read(name, chosen, prior)
        if asked is None:
            return [_RESTS, *[""] * len(shown)]
        each = await asyncio.gather(
            *(worker.classify_prefixes(checkpoint, name, asked.prior) for checkpoint in found.values())
        )
        views = [
            _top(checkpoint, results[-1]) + _belief(results)
            for checkpoint, results in zip(found.values(), each, strict=True)
        ]
        return [_CELLS + _agreement(list(found), [results[-1] for results in each]), *views]

    folds.follow(fold, source.triggers, show, source.inputs, [says, *shown])


def _top(checkpoint: Checkpoint, result: Classification) -> str:
    """A cell and the countries that it finds likeliest (HTML)."""
    likeliest = sorted(result["probabilities"].items(), key=lambda item: -item[1])[:_TOP]
    rows = "".join(f"<li>{escape(country)} <b>{_percent(share)}</b></li>" for country, share in likeliest)
    return f'<p class="caption"><b>{escape(checkpoint.label)}</b></p><ol class="top">{rows}</ol>'


def _agreement(cells: Sequence[str], results: Sequence[Classification]) -> str:
    """Whether the cells name the same country (HTML)."""
    countries = [result["country"] for result in results]
    if len(set(countries)) == 1:
        agree = f"They agree: <b>{escape(countries[0])}</b>." if len(cells) > 1 else f"<b>{escape(countries[0])}</b>"
    else:
        agree = "They differ: " + ", ".join(
            f"{cell.upper()} says <b>{escape(country)}</b>" for cell, country in zip(cells, countries, strict=True)
        )
    return f'<p class="headline">{agree}</p>'


def build(source: Source, models: dict[str, Checkpoint]) -> None:
    """Lays out the folds inside the current Blocks.

    Args:
        source: the tab's controls.
        models: the classifiers on the shelf.
    """
    build_belief(source)
    build_letters(source)
    build_way(source)
    build_cells(source, models)
