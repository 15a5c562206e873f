"""Numbers -> plotly figures. No model, no gradio.

A figure does not know whether the page is light or dark: backgrounds are transparent, CSS colours the axes' text.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import plotly.graph_objects as go

from charplay.ui.theme import ACCENT, AMOUNTS, CATEGORIES, DIVERGING, FONT, INK, LIGHT_FROM, PAD_CELL, PAPER, QUIET

TEXT_SIZE = 16  # px, the smallest in a chart; theme.css makes it 18 on a projector, for which there is room
ROW_HEIGHT = 32  # px of a heatmap's row
TALL_ROW_HEIGHT = 44  # px of a row with two lines of text in its cells
MIN_CONFUSION_MARGIN = 118  # px left of a confusion matrix: room for "true class"
MAX_LABEL_CHARACTERS = 18  # characters of a class's name that are shown beside its bar
STRIP_COLUMNS = 10  # cells of the flat strip on one line, so that their text has room on a phone


def plain_figure(traces: list, height: int, **layout) -> go.Figure:
    """A figure without decoration; `template="none"` keeps the message to the browser at a tenth of its size."""
    figure = go.Figure(traces)
    figure.update_layout(
        template="none",
        height=height,
        paper_bgcolor="rgba(0,0,0,0)",
        plot_bgcolor="rgba(0,0,0,0)",
        font={"size": TEXT_SIZE, "family": FONT},
        dragmode=False,
        showlegend=False,
        **layout,
    )
    figure.update_xaxes(fixedrange=True, zeroline=False, ticks="")
    figure.update_yaxes(fixedrange=True, zeroline=False, ticks="", ticklabelstandoff=4)
    return figure


def short(label: str) -> str:
    """A class's name cut to the room beside a plot, and escaped for plotly, which parses a little HTML."""
    return escape(label if len(label) <= MAX_LABEL_CHARACTERS else f"{label[: MAX_LABEL_CHARACTERS - 1]}…", quote=False)


def label_margin(labels: Sequence[str]) -> int:
    """Pixels that the longest label takes."""
    return 14 + 10 * min(max(map(len, labels)), MAX_LABEL_CHARACTERS)


def confusion(labels: Sequence[str], counts: np.ndarray) -> go.Figure:
    """A confusion matrix, true classes down, predicted ones across: colour and text are percent of the row.

    Args:
        labels: of the classes.
        counts: int (classes, classes).
    """
    rows = counts.sum(1, keepdims=True)
    shares = counts / np.maximum(rows, 1)
    percents = np.rint(100 * shares).astype(int)
    texts = np.where(percents > 0, percents.astype(str), "")
    numbered = list(enumerate(labels))
    hovers = np.array(
        [
            [
                f"{escape(true)}, taken for {escape(predicted)}: {counts[i, j]:,} of {rows[i, 0]:,}"
                for j, predicted in numbered
            ]
            for i, true in numbered
        ]
    )
    traces = _heatmaps(shares, texts, hovers, (0.0, 1.0))
    left, names = max(MIN_CONFUSION_MARGIN, label_margin(labels)), [short(label) for label in labels]
    above = left + 58  # the labels of the columns, and their title
    figure = plain_figure(traces, 26 * len(labels) + above + 6, margin={"l": left, "r": 4, "t": above, "b": 4})
    for trace in figure.data:
        trace.update(xgap=1, ygap=1)
    figure.update_xaxes(
        side="top",
        tickvals=list(range(len(names))),
        ticktext=names,
        tickangle=-90,
        showgrid=False,
        title={"text": "predicted class →", "standoff": 6, "font": {"size": TEXT_SIZE}},
    )
    figure.update_yaxes(autorange="reversed", tickvals=list(range(len(names))), ticktext=names, showgrid=False)
    # Above the rows' labels and left of the columns': which axis holds the true classes.
    figure.add_annotation(
        text="true class ↓",
        x=0,
        xref="paper",
        xanchor="right",
        xshift=-4,
        y=1,
        yref="paper",
        yanchor="bottom",
        showarrow=False,
    )
    return figure


def reliability(bins: Sequence[dict[str, float | int]]) -> go.Figure:
    """Accuracy by confidence, beside the diagonal of a calibrated model.

    Args:
        bins: of equal width from 0 to 1: {"n", "confidence", "accuracy"} each.
    """
    filled = [each for each in bins if each["n"]]
    width = 1 / len(bins)
    shown = go.Bar(
        x=[each["confidence"] for each in filled],
        y=[each["accuracy"] for each in filled],
        width=width * 0.8,
        marker={"color": QUIET},
        customdata=[each["n"] for each in filled],
        hovertemplate="probability %{x:.0%}, correct %{y:.1%} (%{customdata:,} names)<extra></extra>",
    )
    diagonal = go.Scatter(
        x=[0, 1], y=[0, 1], mode="lines", line={"color": ACCENT, "width": 2, "dash": "dash"}, hoverinfo="skip"
    )
    figure = plain_figure([shown, diagonal], 320, margin={"l": 72, "r": 32, "t": 12, "b": 56})
    ticks = {"range": [0, 1.03], "tickangle": 0, "tickformat": ".0%", "tickvals": [0, 0.25, 0.5, 0.75, 1]}
    figure.update_xaxes(title={"text": "probability it gave", "standoff": 6, "font": {"size": TEXT_SIZE}}, **ticks)
    figure.update_yaxes(title={"text": "share that was correct", "standoff": 6, "font": {"size": TEXT_SIZE}}, **ticks)
    return figure


@dataclass(frozen=True)
class Grid:
    """The cells of a batch as a plot needs them, (rows, columns) each."""

    values: np.ndarray  # float32: shown as colour; NaN where there is no cell
    texts: np.ndarray  # str: text in a cell
    hovers: np.ndarray  # str: label when it is pointed at
    is_pad: np.ndarray  # bool: grey, or in its value's colour where `pads_have_values`


def _heatmap(values: np.ndarray, texts: np.ndarray, hovers: np.ndarray, ink: str, **colours) -> go.Heatmap:
    """The cells that are not NaN, with their text."""
    return go.Heatmap(
        z=values.astype(np.float32),
        text=np.where(np.isnan(values), "", texts),
        customdata=hovers,
        texttemplate="%{text}",
        textfont={"size": TEXT_SIZE, "color": ink},
        hovertemplate="%{customdata}<extra></extra>",
        hoverongaps=False,
        xgap=2 if values.shape[1] <= 24 else 1,
        ygap=2,
        **colours,
    )


def _heatmaps(
    values: np.ndarray,
    texts: np.ndarray,
    hovers: np.ndarray,
    scale: tuple[float, float] | None,
) -> list[go.Heatmap]:
    """Cells in the colour of their value, with dark text on light colours and light text on dark ones.

    A scale that begins below zero has zero in its middle, and colours on which all text is dark.
    Without a scale the values are indices of names: a light colour each, the first again after the seventh.
    """
    if scale is None:
        count = len(CATEGORIES)
        steps = [[edge / count, colour] for index, colour in enumerate(CATEGORIES) for edge in (index, index + 1)]
        colours = {"zmin": -0.5, "zmax": count - 0.5, "colorscale": steps, "showscale": False}
        return [_heatmap(np.mod(values, count), texts, hovers, INK, **colours)]
    low, high = scale
    if low < 0:
        colours = {"zmin": low, "zmax": high, "colorscale": DIVERGING, "showscale": False}
        return [_heatmap(values, texts, hovers, INK, **colours)]
    colours = {"zmin": low, "zmax": high, "colorscale": AMOUNTS, "showscale": False}
    is_light = (values - low) / (high - low) >= LIGHT_FROM
    return [
        _heatmap(np.where(is_light, np.nan, values), texts, hovers, PAPER, **colours),
        _heatmap(np.where(is_light, values, np.nan), texts, hovers, INK, **colours),
    ]


def cells(
    grid: Grid,
    *,
    scale: tuple[float, float] | None,
    rows: Sequence[str],
    columns: Sequence[str],
    column_title: str,
    two_lines: bool = False,
    pads_have_values: bool = False,
) -> go.Figure:
    """A heatmap of the cells of a batch.

    Args:
        grid: the cells.
        scale: the values at both ends of the colour scale; None: the values are indices of names.
        rows, columns: their labels.
        column_title: title of their axis.
        two_lines: make rows high enough for two lines of text.
        pads_have_values: colour pads by their value too (a hidden state that drifts on), and frame them.
    """
    values = grid.values if pads_have_values else np.where(grid.is_pad, np.nan, grid.values)
    traces = _heatmaps(values, grid.texts, grid.hovers, scale)
    if grid.is_pad.any() and not pads_have_values:
        pads = np.where(grid.is_pad, 1.0, np.nan)
        grey = [[0, PAD_CELL], [1, PAD_CELL]]
        traces.append(_heatmap(pads, grid.texts, grid.hovers, INK, showscale=False, colorscale=grey))
    row_height = TALL_ROW_HEIGHT if two_lines else ROW_HEIGHT
    labels = [label if len(label) <= 12 else label[:11] + "…" for label in rows]
    widest = max(len(label) for label in labels)
    figure = plain_figure(traces, len(rows) * row_height + 66, margin={"l": 12 + 10 * widest, "r": 2, "t": 62, "b": 4})
    figure.update_layout(meta={"has_numbers": scale is not None})  # for rows.js
    if pads_have_values:
        figure.update_layout(shapes=[_frame(row, column) for row, column in np.argwhere(grid.is_pad)])
    every = -(-len(columns) // 10)
    figure.update_xaxes(
        side="top",
        tickvals=list(range(0, len(columns), every)),
        ticktext=list(columns)[::every],
        tickangle=0,
        title={"text": column_title, "standoff": 8, "font": {"size": TEXT_SIZE}},
        showgrid=False,
    )
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(len(rows))),
        ticktext=[escape(label, quote=False) for label in labels],
        showgrid=False,
    )
    return figure


def _frame(row: int, column: int) -> dict:
    """A dashed frame around a pad."""
    edges = {"x0": column - 0.46, "x1": column + 0.46, "y0": row - 0.44, "y1": row + 0.44}
    return {"type": "rect", "line": {"color": QUIET, "width": 2, "dash": "dot"}, **edges}


def strip(values: np.ndarray, texts: np.ndarray, hovers: np.ndarray, *, scale: tuple[float, float] | None) -> go.Figure:
    """Consecutive cells, (cells,) each, broken into lines."""
    count = len(values)
    lines, columns = -(-count // STRIP_COLUMNS), min(count, STRIP_COLUMNS)
    missing = lines * columns - count

    def in_lines(flat: np.ndarray, filler: object) -> np.ndarray:
        return np.append(flat, [filler] * missing).reshape(lines, columns)

    traces = _heatmaps(in_lines(values.astype(float), np.nan), in_lines(texts, ""), in_lines(hovers, ""), scale)
    figure = plain_figure(traces, lines * TALL_ROW_HEIGHT + 8, margin={"l": 44, "r": 2, "t": 4, "b": 4})
    figure.update_layout(meta={"has_numbers": scale is not None})  # for rows.js
    figure.update_xaxes(visible=False)
    figure.update_yaxes(
        autorange="reversed",
        tickvals=list(range(lines)),
        ticktext=[str(line * columns) for line in range(lines)],
        showgrid=False,
    )
    return figure
