"""Accordions "How good is it?": the results in the checkpoints' headers, beside the baselines'.

Everything is read from headers, nothing is measured while a page waits. An uploaded checkpoint may lack a result: it
shows as a dash.
"""

from collections.abc import Callable, Sequence
from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from charplay import limits
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.models.networks import count_parameters
from charplay.ui import controls, html, session_store
from charplay.ui.accordions import update_while_open
from charplay.ui.events import LATEST
from charplay.ui.header_results import (
    baselines,
    confusion,
    decimals,
    number,
    oracle,
    oracle_recall,
    reliability_bins,
    training_rows,
)
from charplay.ui.html import DASH, percent
from charplay.ui.results import score
from charplay.ui.widgets import figures, score_bars

TITLE = "How good is it?"
BEST = "Best"  # the default model in lists
_NOT_MEASURED = html.note("The header of this checkpoint says nothing that can be drawn.")
_COLUMNS_NOTE = html.note(
    "<b>Prior all equal</b>: how common a class was in training is divided out (Bayes), so that an unusual surname "
    "is not taken for a Russian one because most of the training names are. <b>Macro-F1</b>: every class counts the "
    "same. <b>Calibration error</b>: how far the probability it gives is from how often it is correct. <b>Loss on "
    "prefixes</b>: mean nats over all prefixes of two letters and more."
)
_RECALL_NOTE = html.note(
    "<b>Recall</b>: the share of each class’s test names that the model finds; in brackets the names of that class in "
    "training."
)
_ORACLE_NOTE = html.note(
    "<b>Frame and second number</b>: what an oracle finds that has seen every test name with its class. Even it misses "
    "some: a name of several classes can get one answer only, the likeliest. Scottish surnames, for one, are English "
    "ones too."
)
_RELIABILITY_CAPTION = html.caption("<b>Reliability</b>: on the dashed line it is correct as often as it is sure.")
_CONFUSION_CAPTION = html.caption(
    "<b>Confusion matrix</b>: each row is a true class, its cells what its names were taken for, in percent."
)
_NAMES_HEAD = (
    "classifier",
    "accuracy",
    "macro-F1",
    "accuracy on names not in training",
    "accuracy, prior all equal",
    "macro-F1, prior all equal",
    "calibration error",
    "loss on prefixes",
    "parameters",
)
_SPEECH_HEAD = ("language model", "bits per character", "in validation", "parameters")

Row = tuple[float, bool, Sequence[str]]  # sort key, whether the model is the selected one, cells as text


def choices(checkpoints: dict[str, Checkpoint]) -> list[tuple[str, str]]:
    """What a Model control offers: (label, name in the registry); the first is the default."""
    labels = [checkpoint.label for checkpoint in checkpoints.values()]
    return [
        (BEST if row == 0 else f"{label} ({name})" if labels.count(label) > 1 else label, name)
        for row, (name, label) in enumerate(zip(checkpoints, labels, strict=True))
    ]


def model_choices(checkpoints: dict[str, Checkpoint]) -> dict[str, Any]:
    """Arguments of a Model control: what it offers, its default, and what the default is."""
    name, default = next(iter(checkpoints.items()))
    return {"choices": choices(checkpoints), "value": name, "info": f"{BEST}: {default.label}"}


def summary(checkpoint: Checkpoint) -> str:
    """The title of the accordion, with a model's most important result."""
    test = checkpoint.results.get("test")
    if (accuracy := number(test, "accuracy")) is not None and (count := number(test, "n")):
        return f"{TITLE} {checkpoint.label} is correct for {percent(accuracy)} of {count:,} test names"
    if (bits := number(test, "bits_per_character")) is not None:
        return f"{TITLE} {checkpoint.label} needs {bits:.3f} bits per character on speeches it was not trained on"
    return TITLE


def user_summary(checkpoint: Checkpoint) -> str:
    """The title of the accordion for a user model, with its result on the data held out from its training."""
    validation = checkpoint.results.get("validation")
    if (accuracy := number(validation, "accuracy")) is not None:
        held_out = int(number(validation, "n") or 0)
        return f"{TITLE} Your model is correct for {score('names', accuracy, held_out)}"
    if (bits := number(validation, "bits_per_character")) is not None:
        return f"{TITLE} Your model needs {bits:.3f} bits per character on the text held out from it"
    return TITLE


def commonest_class(checkpoint: Checkpoint) -> tuple[str, float]:
    """The commonest class of a classifier's training data and its share of the rows, from the header."""
    counts = training_rows(checkpoint) or checkpoint.shares
    most = max(range(len(counts)), key=counts.__getitem__)
    return checkpoint.classes[most], counts[most] / sum(counts)


def build_names(
    registry: Registry, model: gr.Dropdown, prior: gr.Radio, triggers: Sequence[Callable[..., Any]]
) -> None:
    """Lays out the accordion of the classifiers; `triggers` are further events after which both may have changed."""
    models = registry.models["names"]
    with gr.Accordion(summary(registry.default("names")), open=False, elem_id="names-score") as accordion:
        table = gr.HTML(elem_id="names-table")
        gr.HTML(_COLUMNS_NOTE)
        most_missed = gr.HTML()
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                recall = _plot("recall")
                gr.HTML(_RELIABILITY_CAPTION)
                reliability = _plot("reliability")
            with gr.Column(scale=3, min_width=320):
                gr.HTML(_CONFUSION_CAPTION)
                confusion = _plot("confusion")

    def show(chosen: str, prior: str, page: gr.Request) -> tuple:
        checkpoint = session_store.find(registry, "names", chosen, page)
        prior = controls.PRIORS[limits.check_choice("prior", prior, tuple(controls.PRIORS))]
        # The table compares the registry's models only: a user model was measured on other rows.
        return names_table(models, chosen), *names_results(checkpoint, prior)

    outputs = [table, most_missed, recall, confusion, reliability]
    update_while_open(accordion, [model.change, prior.input, *triggers], show, [model, prior], outputs)
    _follow_model(accordion, registry, "names", model)


def build_speech(registry: Registry, model: gr.Dropdown) -> None:
    """Lays out the accordion of the language models."""
    models = registry.models["speech"]
    with gr.Accordion(summary(registry.default("speech")), open=False, elem_id="speech-score") as accordion, gr.Row():
        with gr.Column(scale=3, min_width=320):
            table = gr.HTML(elem_id="speech-table")
        with gr.Column(scale=2, min_width=320):
            bits = _plot("bits")

    def show(chosen: str) -> tuple[str, go.Figure | None]:
        return speech_table(models, chosen)

    update_while_open(accordion, [model.change], show, [model], [table, bits])
    _follow_model(accordion, registry, "speech", model)


def _follow_model(accordion: gr.Accordion, registry: Registry, task: str, model: gr.Dropdown) -> None:
    """Keeps the title that of the selected model."""

    def title(chosen: str, page: gr.Request) -> dict:
        try:
            checkpoint = session_store.find(registry, task, chosen, page)
        except ValueError:
            return gr.skip()  # the tab says it where its answer would be
        is_shipped = chosen in registry.models[task]
        return gr.update(label=summary(checkpoint) if is_shipped else user_summary(checkpoint))

    model.change(title, model, accordion, **LATEST)


def _plot(elem_id: str) -> gr.Plot:
    return gr.Plot(elem_id=elem_id, show_label=False, container=False)


def names_table(checkpoints: dict[str, Checkpoint], chosen: str) -> str:
    """Baselines and classifiers, the worst first, the selected one marked (HTML)."""
    rows: list[Row] = []
    for label, measured in baselines(checkpoints).items():
        accuracy = number(measured, "accuracy")
        cells: tuple[str, ...] = (
            percent(accuracy),
            decimals(measured, "macro_f1"),
            percent(number(measured, "unseen_accuracy")),
        )
        missing = [DASH] * (len(_NAMES_HEAD) - 1 - len(cells))
        rows.append((accuracy or 0, False, (f"{label}, no network", *cells, *missing)))
    for label, name in _rows(checkpoints):
        results = checkpoints[name].results
        test, uniform = results.get("test"), results.get("uniform")
        accuracy = number(test, "accuracy")
        cells = (
            label,
            percent(accuracy),
            decimals(test, "macro_f1"),
            percent(number(test, "unseen_accuracy")),
            percent(number(uniform, "accuracy")),
            decimals(uniform, "macro_f1"),
            decimals(test, "calibration_error"),
            decimals(test, "prefix_loss"),
            f"{count_parameters(checkpoints[name].model):,}",
        )
        rows.append((accuracy or 0, name == chosen, cells))
    if row := _oracle_row(next(iter(checkpoints.values()))):
        rows.append(row)
    return _table(_NAMES_HEAD, sorted(rows, key=_sort_key))


def _oracle_row(checkpoint: Checkpoint) -> Row | None:
    """The row of what no classifier exceeds, from the default model's header; None if that has no such results."""
    test, uniform = (oracle(checkpoint, part) for part in ("test", "uniform"))
    accuracy = number(test, "accuracy")
    if accuracy is None:
        return None
    cells = (
        "oracle: has seen the test names",
        percent(accuracy),
        decimals(test, "macro_f1"),
        percent(number(test, "unseen_accuracy")),
        percent(number(uniform, "accuracy")),
        decimals(uniform, "macro_f1"),
    )
    return accuracy, False, (*cells, *[DASH] * (len(_NAMES_HEAD) - len(cells)))


def names_results(checkpoint: Checkpoint, prior: str) -> tuple[str, go.Figure | None, go.Figure | None, Any]:
    """The most missed country (HTML), recall by country, confusion matrix, reliability diagram.

    Args:
        checkpoint: of a classifier.
        prior: one of `limits.PRIORS`.
    """
    part = "uniform" if prior == "uniform" else "test"
    counts = confusion(checkpoint, part)
    if counts is None:
        return _NOT_MEASURED, None, None, None
    totals = counts.sum(1)
    recall = counts.diagonal() / np.maximum(totals, 1)
    order = np.argsort(recall, kind="stable").tolist()
    trained = training_rows(checkpoint)
    labels = [checkpoint.classes[row] + (f" ({trained[row]:,})" if trained else "") for row in order]
    worst = order[0]
    mistakes = np.where(np.arange(len(recall)) == worst, -1, counts[worst])
    taken_for = int(mistakes.argmax())
    most_missed = html.headline(
        f'<span id="missed">Missed most: <b>{escape(checkpoint.classes[worst])}</b>, found in '
        f"{counts[worst, worst]:,} of {totals[worst]:,} names, taken for {escape(checkpoint.classes[taken_for])} "
        f"in {counts[worst, taken_for]:,}.</span>"
    )
    bins = reliability_bins(checkpoint, part)
    best = oracle_recall(checkpoint, part)
    reachable = [best[row] for row in order] if best is not None else None
    return (
        most_missed + _RECALL_NOTE + (_ORACLE_NOTE if best is not None else ""),
        score_bars.recalls(labels, recall[order].tolist(), reachable),
        figures.confusion(checkpoint.classes, counts),
        figures.reliability(bins) if bins else None,
    )


def speech_table(checkpoints: dict[str, Checkpoint], chosen: str) -> tuple[str, go.Figure | None]:
    """Baselines and language models, the worst first: table (HTML) and bars."""
    rows: list[Row] = []
    for label, measured in baselines(checkpoints).items():
        bits = number(measured, "bits_per_character")
        if bits is not None:
            rows.append((-bits, False, (f"{label}, no network", f"{bits:.3f}", DASH, DASH)))
    for label, name in _rows(checkpoints):
        test, validation = (checkpoints[name].results.get(part) for part in ("test", "validation"))
        bits = number(test, "bits_per_character")
        parameters = f"{count_parameters(checkpoints[name].model):,}"
        cells = (
            label,
            decimals(test, "bits_per_character"),
            decimals(validation, "bits_per_character"),
            parameters,
        )
        rows.append((-bits if bits is not None else -np.inf, name == chosen, cells))
    rows.sort(key=_sort_key)
    table = _table(_SPEECH_HEAD, rows)
    measured_rows = [row for row in rows if np.isfinite(row[0])]
    if not measured_rows:
        return table, None
    labels = [cells[0].removesuffix(", no network") for _, _, cells in measured_rows]
    accent = next((number for number, (_, is_chosen, _) in enumerate(measured_rows) if is_chosen), -1)
    return table, score_bars.bits(labels, [-key for key, _, _ in measured_rows], accent)


def _rows(checkpoints: dict[str, Checkpoint]) -> list[tuple[str, str]]:
    """The models of a table: (label, name in the registry)."""
    return [
        (f"{label}: {checkpoints[name].label}" if label == BEST else label, name)
        for label, name in choices(checkpoints)
    ]


def _sort_key(row: Row) -> float:
    return row[0]


def _table(head: Sequence[str], rows: Sequence[Row]) -> str:
    chosen = {number for number, (_, is_chosen, _) in enumerate(rows) if is_chosen}
    return html.table(head, [[escape(cell) for cell in cells] for _, _, cells in rows], chosen=chosen)
