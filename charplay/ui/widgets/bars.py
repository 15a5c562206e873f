"""Probabilities -> horizontal bars over the classes (HTML). No model, no gradio.

They are drawn anew at every key press. A browser lays out a table in a few milliseconds, where plotly takes 70 for the
same picture; and a table is read out as one. Pointing at a row, or tapping it, tells its number in full.
"""

from collections.abc import Sequence
from html import escape

from charplay.ui.theme import ACCENT, QUIET

_TICKS = "".join(f'<span style="left: {percent}%">{percent} %</span>' for percent in (0, 25, 50, 75, 100))


def bars(labels: Sequence[str], probabilities: Sequence[float] | None) -> str:
    """Horizontal bars in a fixed order on a fixed axis, the winner in the accent colour and in bold (HTML).

    Args:
        labels: one for each bar.
        probabilities: each 0 to 1; None draws the empty state.
    """
    winner = -1 if probabilities is None else max(range(len(labels)), key=probabilities.__getitem__)
    rows = "".join(
        f'<tr class="{"winner" if row == winner else ""}"><th scope="row">{escape(label)}</th>'
        + ("<td></td>" if probabilities is None else _bar(label, probabilities[row]))
        + "</tr>"
        for row, label in enumerate(labels)
    )
    return f'<table class="shares"><tbody>{rows}</tbody></table><div class="ticks" aria-hidden="true">{_TICKS}</div>'


def _bar(label: str, probability: float) -> str:
    says = escape(f"{label}: {100 * probability:.2f} %")
    return (
        f'<td data-says="{says}"><div><i style="width: {100 * probability:.2f}%"></i>'
        f'<span class="share">{100 * probability:.1f} %</span></div></td>'
    )


# Gradio puts its own prefix before everything after a comma, also within `:is(...)`, which then weighs more: none here.
CSS = f"""
.shares {{ border-collapse: collapse; width: 100%; table-layout: fixed; border: 0 !important; margin: 0 !important; }}
.shares * {{ border: 0 !important; background-color: transparent; font-weight: inherit; line-height: 22px; }}
.shares th {{ width: 120px; padding: 0 8px 0 0 !important; text-align: right !important; font-size: 16px;
  overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }}
.shares td {{ position: relative; padding: 0 70px 0 0 !important; font-size: 16px;
  background-image: linear-gradient(to right, var(--border-color-primary) 1px, transparent 1px),
    linear-gradient(to left, var(--border-color-primary) 1px, transparent 1px);
  background-size: 25% 100%, 100% 100%; background-origin: content-box; background-clip: content-box; }}
.shares td > div {{ display: flex; align-items: center; height: 22px; }}
.shares i {{ flex: none; height: 16px; background: {QUIET}; }}
.shares .winner i {{ background: {ACCENT}; }}
.shares .share {{ flex: none; width: 0; padding-left: 6px; white-space: nowrap; }}
.shares .winner {{ font-weight: 700; }}
.shares td[data-says]:hover::after {{ content: attr(data-says); position: absolute; right: 0; top: -1px; padding: 0 8px;
  background: #000; color: #fff; z-index: 1; pointer-events: none; white-space: nowrap; }}
.ticks {{ position: relative; height: 24px; margin: 2px 70px 0 120px; }}
.ticks span {{ position: absolute; transform: translateX(-50%); font-size: 16px; line-height: 24px;
  white-space: nowrap; }}
@media (max-width: 600px) {{ .ticks span:nth-child(even) {{ display: none; }} }}
"""
