"""Numbers of a hidden state -> a row of colour cells. No model, no gradio.

Blue is negative, orange positive, as in the activations of a name.
"""

from collections.abc import Sequence

from plotly.colors import sample_colorscale, unlabel_rgb

from charplay.ui.theme import DIVERGING

_SHADES = 64  # steps of the colour scale


def _shade(share: float) -> str:
    red, green, blue = map(round, unlabel_rgb(sample_colorscale(DIVERGING, share)[0]))
    return f"#{red:02x}{green:02x}{blue:02x}"


_COLOURS = [_shade(shade / (_SHADES - 1)) for shade in range(_SHADES)]


def colour(value: float) -> str:
    """Of a number from -1 to 1; beyond these, that of the nearer one."""
    return _COLOURS[round((min(max(value, -1.0), 1.0) + 1) / 2 * (_SHADES - 1))]


def gradient(values: Sequence[float]) -> str:
    """CSS of a background with a cell for each number, at least one, from left to right."""
    width = 100 / len(values)
    stops = (f"{colour(value)} {at * width:.4g}% {(at + 1) * width:.4g}%" for at, value in enumerate(values))
    return f"linear-gradient(90deg, {', '.join(stops)})"


def cells(values: Sequence[float], x: float, y: float, width: float, height: float) -> str:
    """The cells side by side in a box (SVG shapes)."""
    each = width / len(values)
    return "".join(
        f'<path d="M{x + at * each:g} {y:g}h{each:g}v{height:g}h-{each:g}z" fill="{colour(value)}"/>'
        for at, value in enumerate(values)
    )


def in_words(values: Sequence[float]) -> str:
    """The numbers, for what is shown when a row is pointed at."""
    return ", ".join(f"{value:.2f}" for value in values)
