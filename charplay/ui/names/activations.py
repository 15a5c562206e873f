"""A fold of the Names tab: the way of a name through the network, the lecture's diagram with its real numbers in it."""

import base64

import gradio as gr
import numpy as np
from gradio.components.plot import PlotData

from charplay.interpret.activations import Activations, EncodedArray
from charplay.ui import accordions, inference_client
from charplay.ui.names import plots
from charplay.ui.names.panel import BY_LETTER, IDLE_NOTE, ModelChoice, Query, figure_value, plot, screen_reader_text
from charplay.ui.names.plots import CODES_HEIGHT, EMBEDDING_HEIGHT, FEATURE_HEIGHT, HIDDEN_HEIGHT, Panel
from charplay.ui.widgets import heatmap

_WAY = (
    '<p class="caption">Follow one letter down: its code picks an embedding row, each layer makes a hidden state of '
    "it and of what it remembers, and from the last layer come the scores.</p>"
)


def build(source: ModelChoice) -> None:
    """Lays out the way through the network."""
    with gr.Accordion("The way through", open=False, elem_id="way-fold") as fold:
        says = gr.HTML()
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                strip_says = gr.HTML()
                strip = plot("way", BY_LETTER)
            with gr.Column(scale=2, min_width=320):
                scores = gr.HTML(elem_id="scores")

    async def show(page: gr.Request, *controls: str) -> tuple:
        asked = source.read(page, *controls)
        if asked is None:
            return IDLE_NOTE, "", None, ""
        way = await inference_client.query(asked.checkpoint, "way", name=asked.name, prior=asked.prior)
        return _WAY, *_strip(way), _scores(way, asked)

    accordions.update_while_open(fold, source.triggers, show, source.inputs, [says, strip_says, strip, scores])


def _array(numbers: EncodedArray) -> np.ndarray:
    return np.frombuffer(base64.b64decode(numbers["float32"]), dtype="<f4").reshape(numbers["shape"])


def _shape(*sizes: int) -> str:
    return f"({', '.join(map(str, sizes))})"


def _strip(way: Activations) -> tuple[str, PlotData]:
    """The way in time, from the characters to what the linear layer reads: caption and picture."""
    letters, count = list(way["normalized"]), len(way["codes"])
    codes, embedding = np.array([way["codes"]]), _array(way["embedding"])
    reach = max(float(np.abs(embedding).max()), 1e-6)
    has_text = count <= heatmap.MAX_TEXT_COLUMNS
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
    return caption + screen_reader_text(_told(way)), figure_value(plots.strip(letters, panels))


def _told(way: Activations) -> str:
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


def _scores(way: Activations, asked: Query) -> str:
    """From the logits to the softmax (HTML)."""
    members, is_uniform = np.array(way["logits"]).T, asked.prior == "uniform"  # (classes, members)
    count = members.shape[1]
    columns = ["logits"] if count == 1 else [str(number) for number in range(1, count + 1)]
    says = (
        f"the logits {_shape(1, len(way['classes']))} of the linear layer"
        if count == 1
        else f"the logits {_shape(1, len(way['classes']))} of each of the {count} networks, under <b>all</b> their mean"
    )
    if is_uniform:
        says += f"{', under <b>less</b> the same' if count == 1 else ''} less the logarithm of the country’s share"
    if count > 1 or is_uniform:
        columns.append("less" if count == 1 else "all")
        members = np.concatenate([members, np.array(way["averaged"])[:, None]], 1)
    pointed = " Point at a colour, or tap it, for its number." if heatmap.columns_without_text(len(columns)) else ""
    caption = (
        f'<p class="caption">One score for each country: {says}, and of that the softmax <b>p</b> in percent, '
        f"the bars above but for rounding.{pointed}</p>"
    )
    return caption + heatmap.logit_heatmap(way["classes"], columns, members, way["probabilities"])
