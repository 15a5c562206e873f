import base64
import itertools

import numpy as np
import plotly.graph_objects as go
import pytest

from charplay.ui import theme
from charplay.ui.names import plots
from charplay.ui.names.plots import Panel


def values_of(trace) -> np.ndarray:
    """The numbers of a heatmap, 0 where there is no cell."""
    assert trace.z["dtype"] == "f4"
    rows = [int(size) for size in trace.z["shape"].split(",")]
    return np.nan_to_num(np.frombuffer(base64.b64decode(trace.z["bdata"]), dtype="<f4").reshape(rows))


def test_letters_that_repeat_have_a_bar_each_and_one_is_accented():
    figure = go.Figure(plots.letter_bars(list("anna"), [-0.5, -2.0, 0.25, 0.0], 1, ["a", "b", "c", "d"]))
    [bars] = figure.data  # plotly has validated it
    assert len(set(bars.x)) == 4
    assert list(figure.layout.xaxis.ticktext) == list("anna")
    np.testing.assert_allclose(bars.y, [-0.5, -2.0, 0.25, 0.0])
    assert list(bars.text) == ["−0.50", "<b>−2.00</b>", "+0.25", "0.00"]
    assert [colour == theme.ACCENT for colour in bars.marker.color] == [False, True, False, False]
    low, high = figure.layout.yaxis.range
    assert low < -2
    assert high > 0.25


@pytest.mark.parametrize("values", [[0.0] * 64, [-1e-9], [3.0, 4.0]])
def test_bars_have_an_axis_whatever_their_values(values):
    figure = go.Figure(plots.letter_bars(["x"] * len(values), values, 0, [""] * len(values)))
    low, high = figure.layout.yaxis.range
    assert low < high
    assert low <= min(0, *values, 0)


def test_a_strip_has_its_panels_below_each_other_with_their_numbers():
    codes, states, features = np.array([[60, 98]]), np.linspace(-1, 1, 6).reshape(3, 2), np.ones((2, 9)) / 2
    panels = [
        Panel("codes (1, 2)", codes, 26, (0, 127), texts=[["60", "98"]]),
        Panel("layer 1 (1, 2, 3)", states, 80, (-1, 1)),
        Panel("to the linear layer (1, 18)", features, 44, (-1, 1), labels=["last", "mean"], of_letters=False),
    ]
    figure = go.Figure(plots.strip(list("<b"), panels))
    dark, light, hidden, last = figure.data
    np.testing.assert_allclose(values_of(dark) + values_of(light), codes)
    np.testing.assert_allclose(values_of(hidden), states, rtol=1e-6)
    np.testing.assert_allclose(values_of(last), features)
    assert [title.text for title in figure.layout.annotations] == [panel.title for panel in panels]
    assert list(figure.layout.xaxis.ticktext) == ["&lt;", "b"]
    domains = [figure.layout[axis].domain for axis in ("yaxis", "yaxis2", "yaxis3")]
    assert all(above[0] > below[1] for above, below in itertools.pairwise(domains))
    assert (hidden.xaxis, last.xaxis) == ("x", "x2")
