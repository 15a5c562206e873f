"""A text whose every character has a number, shown as its colour: its surprisal, or one unit's activation.

`colored_text.js` renders it from a few numbers: 20,000 characters are a message of some 70 kB, and one element each, of
which the browser lays out only the lines in view. A line under the text shows the number of the character that is
pointed at or selected with the arrow keys; for a screen reader the text is a slider over its characters.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import gradio as gr
import numpy as np
from plotly.colors import sample_colorscale, unlabel_rgb

from charplay.ui.assets import read_asset
from charplay.ui.theme import AMOUNTS, INK, PAPER

_FIRST = dict.fromkeys(("selected", "other"), "the first, without a prediction")
MISSING = -(2**15)  # stands for "no number" in the int16 array that is sent


@dataclass(frozen=True)
class Scale:
    """How numbers become colours and labels."""

    name: str  # how colored_text.js formats a number
    unit: str  # of its numbers
    edges: tuple[float, ...]  # a number's level is how many of these it is not below
    labels: tuple[str, ...]  # of the levels, in the legend
    digits: int  # decimals that are sent

    def legend(self) -> str:
        """One swatch for each level, with its lowest number (HTML)."""
        swatches = "".join(f'<span class="l{level}">{label}</span>' for level, label in enumerate(self.labels))
        return f'<p class="color-legend"><b>{self.unit}</b>{swatches}</p>'


BITS = Scale("surprise", "bits", (0.5, 1, 2, 3, 4, 6, 8, 11), ("0", "½", "1", "2", "3", "4", "6", "8", "11"), 2)
# The change of a surprisal without a character; negative where the character counts against the prediction.
CHANGE = Scale(
    "change",
    "bits more without it",
    (0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 4),
    ("0", "", ".05", "", ".2", "", "1", "", "4"),
    4,
)
GRADIENT = Scale(
    "gradient",
    "gradient norm",
    (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2),
    ("0", "", ".02", "", ".1", "", ".5", "", "2"),
    4,
)
MIN_RANGE = 0.1  # of activations over which the colours are spread, so that a nearly constant unit has one colour


def activations(values: Sequence[float]) -> Scale:
    """The colours spread evenly over a unit's values on one text, from their 1st to their 99th percentile."""
    low, high = np.quantile(values, (0.01, 0.99))
    middle, reach = (low + high) / 2, max(high - low, MIN_RANGE) / 2
    edges = [middle + reach * (2 * level - 9) / 9 for level in range(1, 9)]
    labels = [f"{value:.2f}" for value in (middle - reach, middle, middle + reach)]
    return Scale("activation", "activation", tuple(edges), (labels[0], "", "", "", labels[1], "", "", "", labels[2]), 4)


def _levels() -> list[tuple[str, str]]:
    """Background and text colour of each level, from the dark end of the colour scale to the light one."""
    grounds = [unlabel_rgb(colour) for colour in sample_colorscale(AMOUNTS, [level / 8 for level in range(9)])]
    return [
        (
            "#" + "".join(f"{round(channel):02x}" for channel in ground),
            max((INK, PAPER), key=lambda ink: contrast(ground, _channels(ink))),
        )
        for ground in grounds
    ]


def _channels(colour: str) -> tuple[int, ...]:
    return tuple(int(colour[at : at + 2], 16) for at in (1, 3, 5))


def contrast(one: Sequence[float], other: Sequence[float]) -> float:
    """The contrast of two colours, (red, green, blue) from 0 to 255, as WCAG 2.1 defines it."""

    def luminance(colour: Sequence[float]) -> float:
        shares = [channel / 255 for channel in colour]
        linear = [share / 12.92 if share <= 0.04045 else ((share + 0.055) / 1.055) ** 2.4 for share in shares]
        return float(np.dot(linear, (0.2126, 0.7152, 0.0722)))

    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


LEVELS = _levels()
LEVEL_CSS = "".join(
    f".l{level} {{ background: {ground}; color: {ink}; }}\n" for level, (ground, ink) in enumerate(LEVELS)
)


_SKELETON = (
    '<div class="colored-text" translate="no" tabindex="0" role="slider" '
    'aria-label="Characters of the text" aria-valuemin="1"></div>'
    '<p class="readout"></p>'
)

_SCRIPT = read_asset(__file__, "colored_text.js").replace("MISSING", str(MISSING))


def component(name: str) -> gr.HTML:
    """An empty text with this element id; its value is what `render` returns. Selecting a character fires "pick"."""
    return gr.HTML(html_template=_SKELETON, js_on_load=_SCRIPT, elem_id=name, apply_default_css=False)


def clicked_index_js(text: gr.HTML) -> str:
    """A JavaScript expression: the index of the selected character."""
    return f"document.querySelector('#{text.elem_id} .colored-text').getAttribute('aria-valuenow') - 1"


def render(
    scale: Scale,
    text: str,
    numbers: Sequence[float | None],
    selected: int = 0,
    with_end: bool = False,
    missing: Mapping[str, str] = _FIRST,
    is_of_selected: bool = False,
) -> str:
    """The JSON from which `colored_text.js` renders a text.

    Args:
        scale: of the numbers.
        text: the characters.
        numbers: one for each character; None where there is none.
        selected: index of the character that is selected at first.
        with_end: whether the position after the last character can be selected, too.
        missing: what is said of a character without a number: "selected" of the selected one, "other" of another.
        is_of_selected: whether what is shown is that of the selected character: should the user have selected another
            one meanwhile, that fires "pick" once more.
    """
    values = np.array([np.nan if number is None else number for number in numbers], dtype=np.float64)
    factor = 10**scale.digits
    integers = np.where(np.isnan(values), MISSING, np.clip(np.rint(values * factor), MISSING + 1, -MISSING - 1))
    content = {
        "text": text,
        "numbers": base64.b64encode(integers.astype("<i2").tobytes()).decode(),
        "factor": factor,
        "scale": scale.name,
        "edges": scale.edges,
        "selected": selected,
        "withEnd": with_end,
        "missing": dict(missing),
        "isOfSelected": is_of_selected,
    }
    return json.dumps(content).replace("<", "\\u003c")  # no browser may parse it as markup
