"""Plots of the Speech tab. Numbers in, plotly out."""

from collections.abc import Sequence
from itertools import accumulate

import plotly.graph_objects as go

from charplay.ui.theme import ACCENT, CATEGORIES
from charplay.ui.widgets.figures import TEXT_SIZE, plain_figure

HEIGHT = 280  # px
POINT_CHARACTERS = 50  # of the text between two points of a curve
MIN_CHARACTERS = 100  # that the first point is a mean over: that of fewer jumps about
# Plotly measures a label before the page's font is there: the width is given.
LEGEND = {"orientation": "h", "x": 0, "y": 1.02, "yanchor": "bottom", "entrywidth": 190}


def running_means(bits: Sequence[float]) -> list[tuple[int, float]]:
    """Points (characters so far, the mean of their bits), the last one of all."""
    sums = list(accumulate(bits))
    ends = [*range(MIN_CHARACTERS, len(bits), POINT_CHARACTERS), len(bits)]
    return [(end, sums[end - 1] / end) for end in ends if end]


def dynamic_curves(fixed: Sequence[float], dynamic: Sequence[float], characters: int) -> go.Figure:
    """Bits per character so far along a text of so many characters, with fixed weights and with weights that learn."""
    lines = []
    for bits, name, colour, dash in (
        (fixed, "fixed weights", CATEGORIES[1], "dash"),
        (dynamic, "learns while it reads", ACCENT, "solid"),
    ):
        points = running_means(bits)
        lines.append(
            go.Scatter(
                x=[end for end, _ in points],
                y=[mean for _, mean in points],
                name=name,
                mode="lines",
                line={"color": colour, "width": 3, "dash": dash},
                hovertemplate=f"{name}: %{{y:.3f}} bits<extra></extra>",
            )
        )
    figure = plain_figure(lines, HEIGHT, margin={"l": 60, "r": 12, "t": 34, "b": 48}, hovermode="x unified")
    figure.update_layout(showlegend=True, legend=LEGEND)
    small = {"size": TEXT_SIZE}
    figure.update_xaxes(
        range=[0, characters],
        title={"text": "characters read", "standoff": 4, "font": small},
        showgrid=False,
        tickformat=",d",
        nticks=6,
    )
    figure.update_yaxes(title={"text": "bits per character", "standoff": 6, "font": small}, nticks=5)
    return figure
