import numpy as np
import plotly.colors
import plotly.graph_objects as go
import pytest

from charplay.ui import figures, theme


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    numbers = plotly.colors.hex_to_rgb(colour) if colour.startswith("#") else plotly.colors.unlabel_rgb(colour)
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in numbers]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


def test_text_in_a_cell_can_be_read_everywhere_on_the_scale():
    values = np.linspace(-1, 1, 401)[None]
    blank = np.full(values.shape, "")
    for trace in figures._heatmaps(values, blank, blank, (-1.0, 1.0)):
        shown = values[~np.isnan(np.array(trace.z))]
        cells = plotly.colors.sample_colorscale(theme.AMOUNTS, (shown + 1) / 2)
        assert min(contrast(cell, trace.textfont.color) for cell in cells) >= 4.5


@pytest.mark.parametrize("colour", [*theme.CATEGORIES, theme.PAD_CELL])
def test_text_on_the_colour_of_a_name_and_on_a_pad_can_be_read(colour):
    assert contrast(colour, theme.INK) >= 4.5


def test_bars_keep_their_order_and_their_axis_and_name_the_winner():
    figure = go.Figure(figures.bars(["A", "B", "C"], [0.2, 0.7, 0.1]))  # which refuses what plotly.js would not know
    (bars,) = figure.data
    assert (list(bars.y), list(bars.x)) == (["A", "B", "C"], [0.2, 0.7, 0.1])
    assert list(figure.layout.xaxis.range) == [0, 1]
    assert list(bars.text) == ["20.0 %", "<b>70.0 %</b>", "10.0 %"]
    assert [colour == theme.ACCENT for colour in bars.marker.color] == [False, True, False]
    empty = go.Figure(figures.bars(["A", "B", "C"], None)).data[0]
    assert (list(empty.x), empty.text) == ([0, 0, 0], None)
