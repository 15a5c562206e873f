"""One name -> the pictures of the folds under its bars, as plotly.js reads them. No model, no gradio.

They are drawn while somebody types, and a `go.Figure` takes 10 ms and more to check itself: numbers are put into
plain dicts, and the tests have plotly check those.
"""

import base64
import functools
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np

from charplay.ui.theme import ACCENT, AMOUNTS, INK, LIGHT_FROM, PAPER, QUIET
from charplay.ui.widgets.figures import TEXT_SIZE, plain_figure
from charplay.ui.widgets.heatmap import MAX_TEXT_COLUMNS, signed

Figure = dict[str, Any]  # {"data": [traces], "layout": {...}}

HEAD_HEIGHT = 24  # px of the line over a panel that says what it holds
CODES_HEIGHT, EMBEDDING_HEIGHT, HIDDEN_HEIGHT, FEATURE_HEIGHT = 26, 64, 80, 22  # px
_AXIS = {"fixedrange": True, "zeroline": False, "ticks": "", "showgrid": False, "tickangle": 0}


@functools.cache
def _layout() -> dict[str, Any]:
    """What every picture's layout has in common."""
    common = plain_figure([], 10).to_plotly_json()["layout"]
    return {key: value for key, value in common.items() if not key.startswith(("xaxis", "yaxis"))}


def _typed(array: np.ndarray) -> dict[str, str]:
    """float32 numbers (rows, columns) as plotly.js reads them: a quarter of their digits' size, nothing to parse."""
    numbers = np.ascontiguousarray(array, dtype="<f4")
    shape = ", ".join(map(str, numbers.shape))
    return {"dtype": "f4", "bdata": base64.b64encode(numbers).decode(), "shape": shape}


def _shown(letters: Sequence[str]) -> list[str]:
    """Letters as an axis shows them; plotly reads a little markup in its texts."""
    return ["␣" if letter == " " else escape(letter, quote=False) for letter in letters]


def _columns(letters: Sequence[str]) -> list[str]:
    """A text of its own for each letter, so that letters that repeat have a column each and pointing names it."""
    return [f"letter {at}, {letter}" for at, letter in enumerate(_shown(letters), 1)]


def _letter_axis(columns: Sequence[str], letters: Sequence[str]) -> dict[str, Any]:
    return {**_AXIS, "type": "category", "side": "top", "tickvals": list(columns), "ticktext": _shown(letters)}


def _image(values: np.ndarray, scale: tuple[float, float], **rest) -> dict[str, Any]:
    """Cells without text: one image, however many there are."""
    low, high = scale
    return {
        "type": "heatmap",
        "z": _typed(values),
        "zmin": low,
        "zmax": high,
        "colorscale": AMOUNTS,
        "showscale": False,
        "hoverongaps": False,
        **rest,
    }


def _cells(values: np.ndarray, texts: Sequence[Sequence[str]], scale: tuple[float, float], **rest) -> list[dict]:
    """Cells with their text: dark on the light ones, light on the dark ones."""
    low, high = scale
    is_light = (values - low) / (high - low) >= LIGHT_FROM
    made = []
    for chosen, ink in ((~is_light, PAPER), (is_light, INK)):
        own = [
            [text if ours else "" for text, ours in zip(line, chosen_line, strict=True)]
            for line, chosen_line in zip(texts, chosen.tolist(), strict=True)
        ]
        text = {"text": own, "texttemplate": "%{text}", "textfont": {"size": TEXT_SIZE, "color": ink}}
        made.append(_image(np.where(chosen, values, np.nan), scale, **text, xgap=1, ygap=1, **rest))
    return made


def letter_bars(letters: Sequence[str], values: Sequence[float], accent: int, hovers: Sequence[str]) -> Figure:
    """A bar for each letter, from zero up or down, its number at its end; the one numbered `accent` stands out."""
    columns, fits = _columns(letters), len(letters) <= MAX_TEXT_COLUMNS
    low, high = min(0.0, *values), max(0.0, *values)
    room = 0.22 * max(high - low, 0.1)  # for the numbers
    texts = [signed(value) if low < 0 else f"{value:.2f}" for value in values]
    trace = {
        "type": "bar",
        "x": columns,
        "y": list(values),
        "marker": {"color": [ACCENT if at == accent else QUIET for at in range(len(values))]},
        "text": [f"<b>{text}</b>" if at == accent else text for at, text in enumerate(texts)] if fits else None,
        "textposition": "outside",
        "textangle": 0,
        "textfont": {"size": TEXT_SIZE},
        "cliponaxis": False,
        "constraintext": "none",
        "customdata": list(hovers),
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    layout = {
        "height": 200,
        "margin": {"l": 48, "r": 4, "t": 30, "b": 6},
        "bargap": 0.3,
        "xaxis": _letter_axis(columns, letters),
        "yaxis": {
            **_AXIS,
            "zeroline": True,
            "showgrid": True,
            "nticks": 4,
            "range": [low - room if low < 0 else 0, high + room if high > 0 else room / 4],
        },
    }
    return {"data": [trace], "layout": {**_layout(), **layout}}


class Panel:
    """One stage of the way: a heatmap with a line over it that says what it holds.

    Args:
        says: the line.
        values: float (rows, columns), the columns the letters unless `of_letters` is false.
        height: px of the heatmap.
        scale: the values at both ends of the colour scale.
        row: how pointing at a cell names its row, a template of plotly's.
        texts: what stands in the cells.
        labels: of the rows, where they have names.
        of_letters: whether the columns are the letters.
    """

    def __init__(
        self,
        says: str,
        values: np.ndarray,
        height: int,
        scale: tuple[float, float],
        *,
        row: str = "number %{y}",
        texts: Sequence[Sequence[str]] | None = None,
        labels: Sequence[str] | None = None,
        of_letters: bool = True,
    ):
        self.says, self.values, self.height, self.scale = says, values, height, scale
        self.row, self.texts, self.labels, self.of_letters = row, texts, labels, of_letters

    def traces(self, columns: Sequence[str], number: int) -> list[dict]:
        """The heatmap on the axes of that number."""
        column = "%{x}" if self.of_letters else "number %{x}"
        given = {
            "xaxis": "x" if self.of_letters else "x2",
            "yaxis": f"y{number}" if number > 1 else "y",
            "hovertemplate": f"{column}, {self.row}: %{{z:.3~f}}<extra></extra>",
        }
        if self.of_letters:
            given["x"] = list(columns)
        if self.labels is not None:
            given["y"] = list(self.labels)
        if self.texts is not None:
            return _cells(self.values, self.texts, self.scale, **given)
        return [_image(self.values, self.scale, **given)]


def strip(letters: Sequence[str], panels: Sequence[Panel]) -> Figure:
    """Panels under each other, under the letters that their columns belong to."""
    columns = _columns(letters)
    top, inner = 28, sum(HEAD_HEIGHT + panel.height for panel in panels)
    traces, axes, heads, at = [], {}, [], 0
    for number, panel in enumerate(panels, 1):
        begins = at + HEAD_HEIGHT
        at = begins + panel.height
        heads.append(
            {
                "text": panel.says,
                "x": 0,
                "xref": "paper",
                "xanchor": "left",
                "y": 1 - begins / inner,
                "yref": "paper",
                "yanchor": "bottom",
                "showarrow": False,
                "borderpad": 1,
                "font": {"size": TEXT_SIZE},
            }
        )
        traces += panel.traces(columns, number)
        ticks = {"showticklabels": False}
        if panel.labels is not None:
            ticks = {"type": "category", "tickvals": list(panel.labels), "ticklabelstandoff": 4}
        elif panel.texts is None:
            ticks = {"tickvals": [0, len(panel.values) - 1], "ticklabelstandoff": 4}
        axes[f"yaxis{number if number > 1 else ''}"] = {
            **_AXIS,
            "autorange": "reversed",
            "domain": [max(0.0, 1 - at / inner), 1 - begins / inner],
            "anchor": "x" if panel.of_letters else "x2",
            **ticks,
        }
    layout = {
        "height": top + inner + 6,
        "margin": {"l": 60, "r": 4, "t": top, "b": 6},
        "annotations": heads,
        "xaxis": {**_letter_axis(columns, letters), "anchor": "free", "position": 1},
        "xaxis2": {**_AXIS, "visible": False, "anchor": f"y{len(panels)}"},
        **axes,
    }
    return {"data": traces, "layout": {**_layout(), **layout}}
