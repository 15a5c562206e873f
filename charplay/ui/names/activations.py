"""An accordion of the Names tab: the activations of one name, from character codes to the softmax."""

import asyncio
import base64
from collections.abc import Iterator, Sequence

import gradio as gr
import numpy as np
from gradio.components.plot import PlotData

from charplay.interpret.activations import Activations, EncodedArray
from charplay.ui import html, inference_client
from charplay.ui.html import screen_reader_text
from charplay.ui.names import plots
from charplay.ui.names.panel import BY_LETTER, IDLE_NOTE, NameControls, Query, plot, plot_value, shown_letters_note
from charplay.ui.names.plots import CODES_HEIGHT, EMBEDDING_HEIGHT, FEATURE_HEIGHT, HIDDEN_HEIGHT, Panel
from charplay.ui.widgets import heatmap

_CAPTION = html.caption(
    "Follow one letter down: its code picks an embedding row, each layer makes a hidden state of it and of what it "
    "remembers, and from the last layer come the scores."
)
_FEATURES = ("last", "largest", "mean")  # rows of what the linear layer reads; without pooling only the first


def build(source: NameControls) -> None:
    """Lays out the accordion."""
    with gr.Accordion("Activations: from letters to softmax", open=False, elem_id="activations-accordion") as accordion:
        caption = gr.HTML()
        with gr.Row():
            with gr.Column(scale=3, min_width=320):
                strip_caption = gr.HTML()
                strip = plot("activations", BY_LETTER)
            with gr.Column(scale=2, min_width=320):
                scores = gr.HTML(elem_id="scores")

    async def show(page: gr.Request, *values: str) -> tuple:
        query = source.read(page, *values)
        if query is None:
            return IDLE_NOTE, "", None, ""
        activations, result = await asyncio.gather(
            inference_client.query(query.checkpoint, "activations", name=query.name, prior=query.prior),
            inference_client.classify(query.checkpoint, query.name, query.prior),
        )
        probabilities = list(result["probabilities"].values())
        captions = _strip_caption(activations) + screen_reader_text(_strip_in_words(activations))
        return _CAPTION, captions, _strip(activations), _scores(activations, probabilities, query)

    source.event.while_open(accordion, show, source.inputs, [caption, strip_caption, strip, scores])


def _decode(array: EncodedArray) -> np.ndarray:
    return np.frombuffer(base64.b64decode(array["float32"]), dtype="<f4").reshape(array["shape"])


def _shape(*sizes: int) -> str:
    return f"({', '.join(map(str, sizes))})"


def _strip(activations: Activations) -> PlotData:
    """The activations over time, from the characters to what the linear layer reads."""
    codes, embedding = np.array([activations["codes"]]), _decode(activations["embedding"])
    count, first = len(activations["normalized"]), activations["first"]
    largest = max(float(np.abs(embedding).max()), 1e-6)
    has_room = count - first <= heatmap.MAX_TEXT_COLUMNS
    texts = [[str(code) if has_room else "" for code in activations["codes"]]]
    width = activations["embedding"]["size"]
    panels = [
        Panel(f"codes {_shape(1, count)}", codes, CODES_HEIGHT, (0, 127), row="code", texts=texts),
        Panel(f"embedding {_shape(1, count, width)}", embedding.T, EMBEDDING_HEIGHT, (-largest, largest)),
    ]
    for number, layer in enumerate(activations["hidden"], 1):
        for states, direction in zip(layer, ("forward →", "backward ←"), strict=False):
            arrow = f", {direction}" if len(layer) > 1 else ""
            title = f"layer {number}{arrow} {_shape(1, count, states['size'])}"
            panels.append(Panel(title, _decode(states).T, HIDDEN_HEIGHT, (-1, 1)))
    features = np.concatenate([_decode(part) for part in activations["features"]])
    panels.append(
        Panel(
            f"to the linear layer {_shape(1, sum(part['size'] for part in activations['features']))}",
            features,
            FEATURE_HEIGHT * len(features),
            (-1, 1),
            row="%{y}",
            labels=_FEATURES[: len(features)],
            of_letters=False,
        )
    )
    return plot_value(plots.strip(list(activations["normalized"][first:]), panels, first))


def _strip_caption(activations: Activations) -> str:
    """How to read the strip, and what it leaves out (HTML)."""
    is_bidirectional, is_pooled = len(activations["hidden"][0]) > 1, len(activations["features"]) > 1
    backward = "The backward direction has read a letter and all after it. " if is_bidirectional else ""
    pooled = ", and the largest and the mean over all steps" if is_pooled else ""
    caption = html.caption(
        "Time runs to the right; under each letter stands its vector, blue where its numbers are negative, orange "
        f"where they are positive. {backward}At the end stand the states after the last step{pooled}."
    )
    caption += shown_letters_note(activations["normalized"])
    arrays = (activations["embedding"], *activations["hidden"][0], *activations["features"])
    if cut := max(array["size"] - array["shape"][1] for array in arrays):
        caption += html.note(f"Of the longest vectors the last {cut:,} numbers are not drawn.")
    return caption


def _strip_in_words(activations: Activations) -> str:
    """The mean absolute value of each stage under each letter."""

    def stages() -> Iterator[tuple[str, EncodedArray]]:
        yield "embedding", activations["embedding"]
        for number, layer in enumerate(activations["hidden"], 1):
            for states, direction in zip(layer, ("forward", "backward"), strict=False):
                yield f"layer {number} {direction}", states

    sentences = [f"Codes: {', '.join(map(str, activations['codes']))}"]
    for stage, array in stages():
        sizes = ", ".join(f"{size:.2f}" for size in np.abs(_decode(array)).mean(1).tolist())
        sentences.append(f"{stage}, mean size of the numbers under each letter: {sizes}")
    return f"{'. '.join(sentences)}."


def _scores(activations: Activations, probabilities: Sequence[float], query: Query) -> str:
    """From the logits to the softmax (HTML).

    Args:
        activations: of one name.
        probabilities: those of the bars, so that the same number is the same in both: the classifier that the bars come
            from rounds its weights to eight bits where that is faster.
        query: the name and its model.
    """
    columns, logits = ["logits"], [activations["logits"]]
    formula = f"the logits {_shape(1, len(activations['classes']))} of the linear layer"
    if query.prior == "uniform":
        columns, logits = ["logits", "less"], [activations["logits"], activations["adjusted"]]
        formula += ", under <b>less</b> the same less the logarithm of the class’s share"
    caption = html.caption(
        f"One score for each class: {formula}, and of that the softmax <b>p</b> in percent: the bars above."
    )
    return caption + heatmap.logit_heatmap(activations["classes"], columns, np.array(logits).T, probabilities)
