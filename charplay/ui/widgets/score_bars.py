"""Scores -> plotly figures of horizontal bars."""

from collections.abc import Sequence
from html import escape

import plotly.graph_objects as go

from charplay.ui.html import percent
from charplay.ui.theme import ACCENT, QUIET
from charplay.ui.widgets.figures import TEXT_SIZE, plain_figure


def recalls(labels: Sequence[str], shares: Sequence[float], reachable: Sequence[float] | None = None) -> go.Figure:
    """Recall of each class, in the order given, the first in the accent colour.

    Args:
        labels: of the classes.
        shares: their recalls.
        reachable: those of an oracle, as frames around the bars and as second numbers; None: not known.
    """
    texts = [percent(share, 0) for share in shares]
    labels = [escape(label, quote=False) for label in labels]  # plotly parses a little HTML
    if reachable is None:
        figure = _bars(labels, shares, texts, 0, left=172, right=58, hover="%{y}: %{x:.1%}")
    else:
        both = [f"\u00a0{100 * share:.0f} / {percent(best, 0)}" for share, best in zip(shares, reachable, strict=True)]
        is_within = [share <= best for share, best in zip(shares, reachable, strict=True)]
        # Both numbers stand beyond the longer of bar and frame.
        of_bars = ["" if within else text for within, text in zip(is_within, both, strict=True)]
        of_frames = [text if within else "" for within, text in zip(is_within, both, strict=True)]
        margins = {"left": 172, "right": 104}
        figure = _bars(labels, shares, of_bars, 0, **margins, hover="%{y}: %{x:.1%}")
        frames = _bars(labels, reachable, of_frames, 0, **margins, hover="%{y}, an oracle: %{x:.1%}").data[0]
        frames.marker = {"color": "rgba(0,0,0,0)", "line": {"color": QUIET, "width": 1.5}}
        figure.add_trace(frames)
        figure.data[0].name, figure.data[1].name = "recall", "recall of an oracle"
        figure.update_layout(barmode="overlay")
    figure.update_xaxes(tickvals=[0, 0.5, 1], tickangle=0)
    return figure


def _bars(
    labels: Sequence[str],
    values: Sequence[float],
    texts: Sequence[str],
    accent: int,
    *,
    left: int,
    right: int,
    hover: str,
) -> go.Figure:
    """Horizontal bars from 0 to 1, the one numbered `accent` in the accent colour, its text in bold."""
    trace = go.Bar(
        x=list(values),
        marker={"color": [ACCENT if row == accent else QUIET for row in range(len(values))]},
        text=[f"<b>{text}</b>" if text and row == accent else text for row, text in enumerate(texts)],
        y=list(labels),
        orientation="h",
        textposition="outside",
        textfont={"size": TEXT_SIZE},
        cliponaxis=False,
        hovertemplate=f"{hover}<extra></extra>",
    )
    figure = plain_figure([trace], 22 * len(labels) + 44, margin={"l": left, "r": right, "t": 4, "b": 32}, bargap=0.25)
    figure.update_xaxes(range=[0, 1], tickformat=".0%", tickvals=[0, 0.25, 0.5, 0.75, 1])
    figure.update_yaxes(autorange="reversed", showgrid=False)
    return figure


def bits(labels: Sequence[str], values: Sequence[float], accent: int) -> go.Figure:
    """Bits per character as horizontal bars from 0; the one numbered `accent` in the accent colour and in bold."""
    figure = _bars(labels, values, [f"{value:.3f}" for value in values], accent, left=168, right=52, hover="%{x:.4f}")
    longest = max(values)
    figure.update_layout(height=30 * len(labels) + 60, margin_b=48)
    figure.update_xaxes(
        range=[0, longest],
        tickvals=list(range(0, int(longest) + 1, 2)),
        tickformat="d",
        tickangle=0,
        title={"text": "bits per character", "standoff": 4, "font": {"size": TEXT_SIZE}},
    )
    return figure
