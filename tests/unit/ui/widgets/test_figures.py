import numpy as np
import plotly.colors
import pytest

from charplay.ui import theme
from charplay.ui.widgets import figures


def luminance(colour: str) -> float:
    """Relative luminance of WCAG 2."""
    numbers = plotly.colors.hex_to_rgb(colour) if colour.startswith("#") else plotly.colors.unlabel_rgb(colour)
    linear = [c / 255 / 12.92 if c / 255 <= 0.04045 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in numbers]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize(("low", "colours"), [(0.0, theme.AMOUNTS), (-1.0, theme.DIVERGING)])
def test_text_in_a_cell_has_enough_contrast_everywhere_on_the_scale(low, colours):
    values = np.linspace(low, 1, 401)[None]
    empty = np.full(values.shape, "")
    for trace in figures._heatmaps(values, empty, empty, (low, 1.0)):
        shown = values[~np.isnan(np.array(trace.z))]
        cells = plotly.colors.sample_colorscale(colours, (shown - low) / (1 - low))
        assert min(contrast(cell, trace.textfont.color) for cell in cells) >= 4.5


def test_zero_on_the_diverging_scale_is_not_the_grey_of_a_pad():
    [zero] = plotly.colors.sample_colorscale(theme.DIVERGING, [0.5])
    red, _, blue = plotly.colors.unlabel_rgb(zero)
    grey = plotly.colors.hex_to_rgb(theme.PAD_CELL)
    assert red - blue > 2 * (max(grey) - min(grey))  # a warm colour


@pytest.mark.parametrize("colour", [*theme.CATEGORIES, theme.PAD_CELL])
def test_text_on_the_colour_of_a_name_and_on_a_pad_has_enough_contrast(colour):
    assert contrast(colour, theme.INK) >= 4.5
