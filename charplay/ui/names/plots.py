"""One name -> the plots of the accordions under its bars, as plotly.js reads them. No model, no gradio.

They follow every key press, and a `go.Figure` takes 10 ms and more to validate itself: these are plain dicts, which the
tests have plotly validate.
"""

import base64
import functools
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np

from charplay.ui.html import visible
from charplay.ui.theme import ACCENT, AMOUNTS, DIVERGING, INK, LIGHT_FROM, PAPER, QUIET
from charplay.ui.widgets.figures import TEXT_SIZE, plain_figure
from charplay.ui.widgets.heatmap import MAX_TEXT_COLUMNS, signed

Figure = dict[str, Any]  # {"data": [traces], "layout": {...}}

TITLE_HEIGHT = 24  # px of the line above a panel
CODES_HEIGHT, EMBEDDING_HEIGHT, HIDDEN_HEIGHT, FEATURE_HEIGHT = 26, 64, 80, 22  # px of a panel, of a row of features
LETTERS_HEIGHT, BOTTOM_HEIGHT = 28, 6  # px above and below the panels of a strip
BARS_HEIGHT = 200  # px
_AXIS = {"fixedrange": True, "zeroline": False, "ticks": "", "showgrid": False, "tickangle": 0}


@functools.cache
def _layout() -> dict[str, Any]:
    """What the layouts of all plots have in common."""
    common = plain_figure([], 10).to_plotly_json()["layout"]
    return {key: value for key, value in common.items() if not key.startswith(("xaxis", "yaxis"))}


def _encode(array: np.ndarray) -> dict[str, str]:
    """(rows, columns) as plotly.js reads float32: a quarter of the size of decimal digits, and nothing to parse."""
    numbers = np.ascontiguousarray(array, dtype="<f4")
    shape = ", ".join(map(str, numbers.shape))
    return {"dtype": "f4", "bdata": base64.b64encode(numbers.tobytes()).decode(), "shape": shape}


def _tick_texts(letters: Sequence[str]) -> list[str]:
    """Letters as tick labels, escaped since plotly parses a little HTML."""
    return [escape(visible(letter), quote=False) for letter in letters]


def _columns(letters: Sequence[str], first: int = 0) -> list[str]:
    """A category for each letter, unique so that repeated letters have a column each; it is also the hover text."""
    return [f"letter {number}, {letter}" for number, letter in enumerate(_tick_texts(letters), first + 1)]


def _letter_axis(columns: Sequence[str], letters: Sequence[str]) -> dict[str, Any]:
    return {**_AXIS, "type": "category", "side": "top", "tickvals": list(columns), "ticktext": _tick_texts(letters)}


def _heatmap(values: np.ndarray, scale: tuple[float, float], **rest: Any) -> dict[str, Any]:
    """A trace of cells without text: one image, however many there are."""
    low, high = scale
    return {
        "type": "heatmap",
        "z": _encode(values),
        "zmin": low,
        "zmax": high,
        "colorscale": DIVERGING if low < 0 else AMOUNTS,
        "showscale": False,
        "hoverongaps": False,
        **rest,
    }


def _text_heatmaps(
    values: np.ndarray, texts: Sequence[Sequence[str]], scale: tuple[float, float], **rest: Any
) -> list[dict[str, Any]]:
    """Two traces of cells with text: dark text on light colours, light text on dark ones."""
    low, high = scale
    is_light = (values - low) / (high - low) >= LIGHT_FROM
    traces = []
    for mask, ink in ((~is_light, PAPER), (is_light, INK)):
        masked_texts = [
            [text if is_shown else "" for text, is_shown in zip(row, row_mask, strict=True)]
            for row, row_mask in zip(texts, mask.tolist(), strict=True)
        ]
        text = {"text": masked_texts, "texttemplate": "%{text}", "textfont": {"size": TEXT_SIZE, "color": ink}}
        traces.append(_heatmap(np.where(mask, values, np.nan), scale, **text, xgap=1, ygap=1, **rest))
    return traces


def letter_bars(letters: Sequence[str], values: Sequence[float], accent: int, hovers: Sequence[str]) -> Figure:
    """A bar for each letter, from zero up or down, its number at its end; the one at `accent` in the accent colour."""
    columns, has_room = _columns(letters), len(letters) <= MAX_TEXT_COLUMNS
    low, high = min(0.0, *values), max(0.0, *values)
    margin = 0.22 * max(high - low, 0.1)  # of the axis, for the numbers
    texts = [signed(value) if low < 0 else f"{value:.2f}" for value in values]
    texts[accent] = f"<b>{texts[accent]}</b>"
    trace = {
        "type": "bar",
        "x": columns,
        "y": list(values),
        "marker": {"color": [ACCENT if index == accent else QUIET for index in range(len(values))]},
        "text": texts if has_room else None,
        "textposition": "outside",
        "textangle": 0,
        "textfont": {"size": TEXT_SIZE},
        "cliponaxis": False,
        "constraintext": "none",
        "customdata": list(hovers),
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    layout = {
        "height": BARS_HEIGHT,
        "margin": {"l": 54, "r": 4, "t": 30, "b": 6},
        "bargap": 0.3,
        "xaxis": _letter_axis(columns, letters),
        "yaxis": {
            **_AXIS,
            "zeroline": True,
            "showgrid": True,
            "nticks": 4,
            "range": [low - margin if low < 0 else 0, high + margin if high > 0 else margin / 4],
        },
    }
    return {"data": [trace], "layout": {**_layout(), **layout}}


@dataclass(frozen=True)
class Panel:
    """A heatmap of one stage of the activations, with a title above it."""

    title: str
    values: np.ndarray  # float (rows, columns); a column for each letter, unless `of_letters` is false
    height: int  # px of the heatmap
    scale: tuple[float, float]  # the values at both ends of the colour scale
    row: str = "number %{y}"  # plotly's template for the row of a cell that is pointed at
    texts: Sequence[Sequence[str]] | None = None  # text of each cell
    labels: Sequence[str] | None = None  # of the rows, where they have names
    of_letters: bool = True  # whether the columns are the letters

    def traces(self, columns: Sequence[str], number: int) -> list[dict[str, Any]]:
        """Its traces, on the vertical axis of that number."""
        column = "%{x}" if self.of_letters else "number %{x}"
        axes: dict[str, Any] = {
            "xaxis": "x" if self.of_letters else "x2",
            "yaxis": f"y{number}" if number > 1 else "y",
            "hovertemplate": f"{column}, {self.row}: %{{z:.3~f}}<extra></extra>",
        }
        if self.of_letters:
            axes["x"] = list(columns)
        if self.labels is not None:
            axes["y"] = list(self.labels)
        if self.texts is not None:
            return _text_heatmaps(self.values, self.texts, self.scale, **axes)
        return [_heatmap(self.values, self.scale, **axes)]

    def axis(self, domain: tuple[float, float]) -> dict[str, Any]:
        """Its vertical axis."""
        ticks: dict[str, Any] = {"showticklabels": False}
        if self.labels is not None:
            ticks = {"type": "category", "tickvals": list(self.labels), "ticklabelstandoff": 4}
        elif self.texts is None:
            ticks = {"tickvals": [0, len(self.values) - 1], "ticklabelstandoff": 4}
        anchor = "x" if self.of_letters else "x2"
        return {**_AXIS, "autorange": "reversed", "domain": list(domain), "anchor": anchor, **ticks}


def strip(letters: Sequence[str], panels: Sequence[Panel], first: int = 0) -> Figure:
    """Panels below each other, in the columns of the letters above them; `first` is the first letter's index."""
    columns = _columns(letters, first)
    height = sum(TITLE_HEIGHT + panel.height for panel in panels)
    traces: list[dict[str, Any]] = []
    titles: list[dict[str, Any]] = []
    axes: dict[str, Any] = {}
    bottom = 0  # px from the top to the bottom of the last panel
    for number, panel in enumerate(panels, 1):
        top = bottom + TITLE_HEIGHT
        bottom = top + panel.height
        traces += panel.traces(columns, number)
        titles.append(_title(panel.title, 1 - top / height))
        axes[f"yaxis{number if number > 1 else ''}"] = panel.axis((max(0.0, 1 - bottom / height), 1 - top / height))
    layout = {
        "height": LETTERS_HEIGHT + height + BOTTOM_HEIGHT,
        "margin": {"l": 68, "r": 4, "t": LETTERS_HEIGHT, "b": BOTTOM_HEIGHT},
        "annotations": titles,
        "xaxis": {**_letter_axis(columns, letters), "anchor": "free", "position": 1},
        "xaxis2": {**_AXIS, "visible": False, "anchor": f"y{len(panels)}"},
        **axes,
    }
    return {"data": traces, "layout": {**_layout(), **layout}}


def _title(text: str, y: float) -> dict[str, Any]:
    """A line of text whose bottom is at `y`, 0 to 1 of the strip's height from below."""
    place = {"x": 0, "xref": "paper", "xanchor": "left", "y": y, "yref": "paper", "yanchor": "bottom"}
    return {"text": text, **place, "showarrow": False, "borderpad": 1, "font": {"size": TEXT_SIZE}}
