"""Probabilities -> horizontal bars over the classes (HTML). No model, no gradio.

They change with every key press. A browser renders a table in a few milliseconds, where plotly takes 70 for the same
bars, and a screen reader reads a table out. Pointing at a row, or tapping it, shows its number in full.
"""

from collections.abc import Sequence
from html import escape

from charplay.ui.html import percent

_TICKS = "".join(f'<span style="left: {tick}%">{tick} %</span>' for tick in (0, 25, 50, 75, 100))


def bars(labels: Sequence[str], probabilities: Sequence[float] | None) -> str:
    """Horizontal bars in a fixed order on a fixed axis, the largest in the accent colour and in bold (HTML).

    Args:
        labels: one for each bar.
        probabilities: each 0 to 1; None: labels without bars.
    """
    winner = -1 if probabilities is None else max(range(len(labels)), key=probabilities.__getitem__)
    rows = "".join(
        f'<tr class="{"winner" if row == winner else ""}"><th scope="row">{escape(label)}</th>'
        + ("<td></td>" if probabilities is None else _bar(label, probabilities[row]))
        + "</tr>"
        for row, label in enumerate(labels)
    )
    # data-head: for rows.js
    table = f'<table class="shares" translate="no" data-head="class,probability"><tbody>{rows}</tbody></table>'
    return f'{table}<div class="ticks" aria-hidden="true">{_TICKS}</div>'


def _bar(label: str, probability: float) -> str:
    hover = escape(f"{label}: {percent(probability, 2)}")
    return (
        f'<td data-label="{hover}" data-value="{probability:.6g}"><div><i style="width: {100 * probability:.2f}%"></i>'
        f'<span class="share">{percent(probability)}</span></div></td>'
    )
