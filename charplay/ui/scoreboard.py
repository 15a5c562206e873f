""" "How good is it?": what the headers of the checkpoints say of them, beside what counting alone reaches.

Everything here is read from headers; nothing is measured while somebody waits. A header may come from anywhere, so a
figure that it lacks is a dash.
"""

from collections.abc import Sequence
from html import escape
from typing import Any

import gradio as gr
import numpy as np
import plotly.graph_objects as go

from charplay import limits
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.models.networks import count_parameters
from charplay.ui import controls, session_store
from charplay.ui.errors import as_gradio_error
from charplay.ui.widgets import figures

TITLE = "How good is it?"
_NOT_MEASURED = '<p class="note">The header of this checkpoint says nothing that can be drawn.</p>'


def _number(holder: Any, *path: str) -> float | None:
    """The number at `path` in nested dicts; None if there is none."""
    for key in path:
        holder = holder.get(key) if isinstance(holder, dict) else None
    return holder if isinstance(holder, int | float) and not isinstance(holder, bool) else None


def _percent(value: float | None) -> str:
    return f"{100 * value:.1f} %" if value is not None else "–"


def _decimals(value: float | None) -> str:
    return f"{value:.3f}" if value is not None else "–"


def choices(checkpoints: dict[str, Checkpoint]) -> list[tuple[str, str]]:
    """What a Model control offers: (what it says, name of the file); the first is the default."""
    labels = [checkpoint.label for checkpoint in checkpoints.values()]
    return [
        (f"{label} ({name})" if labels.count(label) > 1 else f"{label} (default)" if row == 0 else label, name)
        for row, (name, label) in enumerate(zip(checkpoints, labels, strict=True))
    ]


def summary(checkpoint: Checkpoint) -> str:
    """The figure that the folded scoreboard already shows."""
    test = checkpoint.results.get("test")
    if (right := _number(test, "accuracy")) is not None:
        return f"{TITLE} The default is right for {_percent(right)} of {_number(test, 'n') or 0:,} test names"
    if (bits := _number(test, "bits_per_character")) is not None:
        return f"{TITLE} The default needs {bits:.3f} bits per character on speeches it never read"
    return TITLE


def _table(head: Sequence[str], rows: Sequence[tuple[float, bool, Sequence[str]]]) -> str:
    """An HTML table; rows are (what to sort by, whether it is the chosen one, cells), the worst first."""
    titles = "".join(f"<th>{title}</th>" for title in head)
    body = "".join(
        f"<tr{' class=chosen' if chosen else ''}>{''.join(f'<td>{escape(cell)}</td>' for cell in cells)}</tr>"
        for _, chosen, cells in sorted(rows, key=lambda row: row[0])
    )
    return f'<div class="table"><table><thead><tr>{titles}</tr></thead><tbody>{body}</tbody></table></div>'


_WEIGHTED = (
    '<p class="caption note"><b>Equally weighted</b>: how common a country was in training is divided out (Bayes), so '
    "that an unusual surname is not taken for a Russian one because most of the training names are. <b>Macro-F1</b>: "
    "every country counts the same. <b>Calibration error</b>: how far its certainty is from how often it is right. "
    "<b>Loss on prefixes</b>: mean nats over all beginnings of two letters and more.</p>"
)
_NAMES_HEAD = (
    "classifier",
    "right",
    "macro-F1",
    "names not in training",
    "right, equally weighted",
    "macro-F1, equally weighted",
    "calibration error",
    "loss on prefixes",
    "parameters",
)


def names_table(checkpoints: dict[str, Checkpoint], chosen: str) -> str:
    """Baselines and models, the worst first, the chosen one marked (HTML)."""
    rows = []
    baselines = next(iter(checkpoints.values())).results.get("baselines")
    for label, measured in baselines.items() if isinstance(baselines, dict) else ():
        right = _number(measured, "accuracy")
        cells = (_percent(right), _decimals(_number(measured, "macro_f1")))
        cells += (_percent(_number(measured, "unseen_accuracy")), *"–––––")
        rows.append((right or 0, False, (f"{label}, no network", *cells)))
    for label, name in choices(checkpoints):
        results = checkpoints[name].results
        test, uniform = results.get("test"), results.get("uniform")
        right = _number(test, "accuracy")
        cells = (
            label,
            _percent(right),
            _decimals(_number(test, "macro_f1")),
            _percent(_number(test, "unseen_accuracy")),
            _percent(_number(uniform, "accuracy")),
            _decimals(_number(uniform, "macro_f1")),
            _decimals(_number(test, "calibration_error")),
            _decimals(_number(test, "prefix_loss")),
            f"{count_parameters(checkpoints[name].model):,}",
        )
        rows.append((right or 0, name == chosen, cells))
    return _table(_NAMES_HEAD, rows)


def _confusion(checkpoint: Checkpoint, part: str) -> np.ndarray | None:
    """The counts of a header, (classes, classes); None if they are not such."""
    measured = checkpoint.results.get(part)
    counts = measured.get("confusion") if isinstance(measured, dict) else None
    classes = len(checkpoint.classes)
    if not isinstance(counts, list) or len(counts) != classes:
        return None
    if not all(isinstance(row, list) and len(row) == classes for row in counts):
        return None
    if not all(type(count) is int and count >= 0 for row in counts for count in row):
        return None
    return np.array(counts)


def _bins(checkpoint: Checkpoint, part: str) -> list[dict]:
    measured = checkpoint.results.get(part)
    bins = measured.get("reliability") if isinstance(measured, dict) else None
    keys = ("n", "confidence", "accuracy")
    if not isinstance(bins, list):
        return []
    return [each for each in bins if all(_number(each, key) is not None for key in keys)]


def names_pictures(checkpoint: Checkpoint, prior: str) -> tuple[str, go.Figure | None, go.Figure | None, Any]:
    """What it misses most (HTML), recall by country, confusion matrix, reliability diagram."""
    part = "uniform" if controls.PRIORS[prior] == "uniform" else "test"
    counts = _confusion(checkpoint, part)
    if counts is None:
        return _NOT_MEASURED, None, None, None
    rows = counts.sum(1)
    found = counts.diagonal() / np.maximum(rows, 1)
    trained = checkpoint.results.get("training_rows")
    is_known = isinstance(trained, list) and len(trained) == len(found) and all(type(rows) is int for rows in trained)
    order = sorted(range(len(found)), key=lambda row: found[row])
    labels = [checkpoint.classes[row] + (f" ({trained[row]:,})" if is_known else "") for row in order]
    worst = order[0]
    others = np.where(np.arange(len(found)) == worst, -1, counts[worst])
    taken = int(others.argmax())
    says = (
        f'<p class="headline" id="missed">Missed most: <b>{escape(checkpoint.classes[worst])}</b>, found in '
        f"{counts[worst, worst]:,} of {rows[worst]:,} names, taken for {escape(checkpoint.classes[taken])} "
        f"in {counts[worst, taken]:,}.</p>"
        '<p class="caption note">Bars: the share of each country’s test names that the model finds (recall), and in '
        "brackets the names it had of that country in training.</p>"
    )
    bins = _bins(checkpoint, part)
    return (
        says,
        figures.recalls(labels, found[order].tolist()),
        figures.confusion(checkpoint.classes, counts),
        figures.reliability(bins) if bins else None,
    )


def speech_table(checkpoints: dict[str, Checkpoint], chosen: str) -> tuple[str, go.Figure | None]:
    """Baselines and models, the worst first: table (HTML) and bars."""
    rows = []
    baselines = next(iter(checkpoints.values())).results.get("baselines")
    for label, measured in baselines.items() if isinstance(baselines, dict) else ():
        bits = _number(measured, "bits_per_character")
        if bits is not None:
            rows.append((-bits, False, (f"{label}, no network", f"{bits:.3f}", "–", "–")))
    for label, name in choices(checkpoints):
        results = checkpoints[name].results
        bits = _number(results.get("test"), "bits_per_character")
        validation = _number(results.get("validation"), "bits_per_character")
        parameters = f"{count_parameters(checkpoints[name].model):,}"
        shown = (label, _decimals(bits), _decimals(validation), parameters)
        rows.append((-bits if bits is not None else -np.inf, name == chosen, shown))
    table = _table(("language model", "bits per character", "in validation", "parameters"), rows)
    drawn = [row for row in sorted(rows, key=lambda row: row[0]) if np.isfinite(row[0])]
    if not drawn:
        return table, None
    accent = next((number for number, row in enumerate(drawn) if row[1]), -1)
    return table, figures.bits(
        [row[2][0].removesuffix(", no network") for row in drawn], [-row[0] for row in drawn], accent
    )


def _plot(name: str) -> gr.Plot:
    return gr.Plot(elem_id=name, show_label=False, container=False)


def build_names(registry: Registry, model: gr.Dropdown, prior: gr.Radio) -> None:
    """Lays out the folded scoreboard of the classifiers; it is filled when it is opened."""
    models = registry.models["names"]
    with gr.Accordion(summary(registry.default("names")), open=False, elem_id="names-score") as folded:
        table = gr.HTML(elem_id="names-table")
        gr.HTML(_WEIGHTED)
        says = gr.HTML()
        with gr.Row():
            with gr.Column(scale=2, min_width=320):
                recall = _plot("recall")
                gr.HTML(
                    '<p class="caption"><b>Reliability</b>: on the dashed line it is right as often as it is sure.</p>'
                )
                reliability = _plot("reliability")
            with gr.Column(scale=3, min_width=320):
                gr.HTML(
                    '<p class="caption"><b>Confusion</b>: each row is a country, its cells where its names went, '
                    "in percent.</p>"
                )
                confusion = _plot("confusion")

    def fill(chosen: str, prior: str, request: gr.Request) -> tuple:
        checkpoint = session_store.find(registry, "names", chosen, request)
        prior = limits.check_choice("prior", prior, tuple(controls.PRIORS))
        # the table compares the registry's: an own model was measured on other rows
        return names_table(models, chosen), *names_pictures(checkpoint, prior)

    outputs = [table, says, recall, confusion, reliability]
    gr.on(
        [folded.expand, model.change, prior.input],
        as_gradio_error(fill),
        [model, prior],
        outputs,
        preprocess=False,
        show_progress="hidden",
        api_visibility="private",
    )


def build_speech(registry: Registry, model: gr.Dropdown) -> None:
    """Lays out the folded scoreboard of the language models; it is filled when it is opened."""
    models = registry.models["speech"]
    with gr.Accordion(summary(registry.default("speech")), open=False, elem_id="speech-score") as folded, gr.Row():
        with gr.Column(scale=3, min_width=320):
            table = gr.HTML(elem_id="speech-table")
        with gr.Column(scale=2, min_width=320):
            bits = _plot("bits")
    gr.on(
        [folded.expand, model.change],
        lambda chosen: speech_table(models, chosen),
        model,
        [table, bits],
        preprocess=False,
        show_progress="hidden",
        api_visibility="private",
    )
