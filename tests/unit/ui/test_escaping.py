"""Names that come from a visitor's file are shown as text, wherever they are shown."""

import gradio as gr
import numpy as np
import pytest

from charplay.ui.errors import as_gradio_error
from charplay.ui.widgets import bars, figures, heatmap, score_bars

MARKUP = '<img src=x onerror="alert(1)">'
LABELS = [MARKUP, f"{MARKUP[:12]}>"]
HALF = [0.5, 0.5]


@pytest.mark.parametrize(
    "shown",
    [
        lambda: bars.bars(LABELS, HALF),
        lambda: heatmap.prefix_heatmap(LABELS, ["<", "b"], np.full((2, 2), 0.5)),
        lambda: heatmap.logit_heatmap(LABELS, ["member 1"], np.zeros((2, 1)), HALF),
        lambda: figures.confusion(LABELS, np.eye(2, dtype=int)).to_json(),
        lambda: score_bars.recalls(LABELS, HALF).to_json(),
    ],
)
def test_markup_in_a_class_name_is_no_markup_on_the_page(shown):
    assert "<img" not in shown().replace("\\u003c", "<")


def test_markup_in_an_error_is_no_markup_on_the_page():
    def fail() -> None:
        raise ValueError(f"The class must be one of {MARKUP}.")

    with pytest.raises(gr.Error) as raised:
        as_gradio_error(fail)()
    assert "<" not in raised.value.message
    assert "img src=x" in raised.value.message
