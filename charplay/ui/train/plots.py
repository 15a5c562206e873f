"""Plots of the Train tab: the losses of a training, and the lengths of its rows. Numbers in, plotly out."""

import itertools
from collections.abc import Sequence

import plotly.graph_objects as go

from charplay.ui.theme import ACCENT, CATEGORIES, QUIET
from charplay.ui.widgets.figures import TEXT_SIZE, plain_figure

LOSSES_HEIGHT = 250  # px
LENGTHS_HEIGHT = 130  # px
MAX_LENGTH_TICKS = 12
# Plotly measures the labels before the page's font is there: their width is given. They begin above those of the axis,
# since three are as wide as the plot; train.css shows all of the last one.
LEGEND = {"orientation": "h", "x": -0.06, "y": 1.02, "yanchor": "bottom", "entrywidth": 175}


def losses(
    training: Sequence[tuple[float, float]],
    validation: Sequence[tuple[float, float]],
    baseline: float | None,
    *,
    baseline_label: str,
    unit: str,
    epochs: float,
) -> go.Figure:
    """Training and validation loss over the epochs, and the baseline.

    Args:
        training, validation: points (epoch, loss).
        baseline: the loss of the baseline; None if it is not known.
        baseline_label: what the baseline is.
        unit: of the losses.
        epochs: end of the axis.
    """
    lines = [
        _line(training, "training loss", {"color": CATEGORIES[1], "width": 3}, "lines"),
        _line(validation, "validation loss", {"color": ACCENT, "width": 3}, "lines+markers"),
    ]
    if baseline is not None:
        ends = [(0.0, baseline), (epochs, baseline)]
        lines.append(_line(ends, baseline_label, {"color": QUIET, "width": 3, "dash": "dash"}, "lines"))
    figure = plain_figure(lines, LOSSES_HEIGHT, margin={"l": 56, "r": 8, "t": 30, "b": 44})
    figure.update_layout(showlegend=True, legend=LEGEND)
    small = {"size": TEXT_SIZE}
    figure.update_xaxes(range=[0, epochs], title={"text": "epochs", "standoff": 4, "font": small}, showgrid=False)
    figure.update_yaxes(title={"text": unit, "standoff": 6, "font": small}, rangemode="tozero", nticks=5)
    return figure


def _line(points: Sequence[tuple[float, float]], name: str, line: dict, mode: str) -> go.Scatter:
    return go.Scatter(
        x=[x for x, _ in points],
        y=[y for _, y in points],
        name=name,
        mode=mode,
        line=line,
        marker={"size": 7},
        hovertemplate=f"{name}: %{{y:.3f}} after %{{x:.2f}} epochs<extra></extra>",
    )


def lengths(counts: Sequence[int]) -> go.Figure:
    """A histogram of the rows' lengths.

    Args:
        counts: how many rows have each length, from 0 characters on; not all 0.
    """
    shortest = next(length for length, count in enumerate(counts) if count)
    bars = go.Bar(
        x=list(range(shortest, len(counts))),
        y=list(counts[shortest:]),
        marker={"color": QUIET},
        hovertemplate="%{y:,} rows of %{x} characters<extra></extra>",
    )
    figure = plain_figure([bars], LENGTHS_HEIGHT, margin={"l": 56, "r": 8, "t": 6, "b": 44}, bargap=0.1)
    small = {"size": TEXT_SIZE}
    least = (len(counts) - shortest - 1) / MAX_LENGTH_TICKS
    apart = next(step for step in itertools.count(1) if step >= least and str(step).strip("0") in ("1", "2", "5"))
    figure.update_xaxes(
        title={"text": "characters of a text", "standoff": 4, "font": small}, showgrid=False, tick0=0, dtick=apart
    )
    figure.update_yaxes(title={"text": "rows", "standoff": 6, "font": small}, nticks=3)
    return figure
