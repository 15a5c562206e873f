"""A training as pictures: its losses, and the lengths of what it learns from. Numbers in, plotly out."""

from collections.abc import Sequence

import plotly.graph_objects as go

from charplay.ui.theme import ACCENT, CATEGORIES, QUIET
from charplay.ui.widgets.figures import TEXT_SIZE, plain_figure

LOSSES_HEIGHT = 250  # px of the losses
LENGTHS_HEIGHT = 130  # px of the lengths


def losses(
    trained: Sequence[tuple[float, float]],
    validated: Sequence[tuple[float, float]],
    baseline: float | None,
    *,
    counting: str,
    unit: str,
    epochs: float,
) -> go.Figure:
    """The loss on what is trained on and on what is held out, over the epochs, above what counting alone reaches.

    Args:
        trained, validated: points (epoch, loss).
        baseline: the loss of the baseline; None: there is none in this unit.
        counting: what the baseline is called.
        unit: of the losses.
        epochs: where the axis ends.
    """
    lines = [
        _line(trained, "on the training part", {"color": CATEGORIES[1], "width": 3}, "lines"),
        _line(validated, "on the part held out", {"color": ACCENT, "width": 3}, "lines+markers"),
    ]
    if baseline is not None:
        ends = [(0.0, baseline), (epochs, baseline)]
        lines.append(_line(ends, counting, {"color": QUIET, "width": 3, "dash": "dash"}, "lines"))
    drawn = plain_figure(lines, LOSSES_HEIGHT, margin={"l": 56, "r": 8, "t": 30, "b": 44})
    drawn.update_layout(showlegend=True, legend={"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom"})
    small = {"size": TEXT_SIZE}
    drawn.update_xaxes(range=[0, epochs], title={"text": "epochs", "standoff": 4, "font": small}, showgrid=False)
    drawn.update_yaxes(title={"text": unit, "standoff": 6, "font": small}, rangemode="tozero", nticks=5)
    return drawn


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
    """How many rows have which length.

    Args:
        counts: rows of each length, from 0 characters on.
    """
    shortest = next(length for length, count in enumerate(counts) if count)
    bars = go.Bar(
        x=list(range(shortest, len(counts))),
        y=list(counts[shortest:]),
        marker={"color": QUIET},
        hovertemplate="%{y:,} rows of %{x} characters<extra></extra>",
    )
    drawn = plain_figure([bars], LENGTHS_HEIGHT, margin={"l": 56, "r": 8, "t": 6, "b": 44}, bargap=0.1)
    small = {"size": TEXT_SIZE}
    drawn.update_xaxes(
        title={"text": "characters of a text", "standoff": 4, "font": small}, showgrid=False, tickformat="d", nticks=12
    )
    drawn.update_yaxes(title={"text": "rows", "standoff": 6, "font": small}, nticks=3)
    return drawn
