"""The lecture's map of RNN applications: a small diagram for the head of each tab (inline SVG)."""

from html import escape

from charplay.ui import html

_BOX, _GAP, _ROW = 15, 12, 24  # px: a box, the space between two steps, the height of a row


def _diagram(name: str, inputs: int, outputs: tuple[int, ...], fed_back: bool, label: str) -> str:
    """An unrolled network as SVG.

    Args:
        name: of its arrow tip, unique on the page: a tip defined in a hidden tab is not rendered elsewhere.
        inputs: number of steps with an input.
        outputs: the steps with an output.
        fed_back: whether an arrow leads from each output to the next input.
        label: what a screen reader says.
    """
    steps = max(inputs, max(outputs) + 1)
    shapes = []

    def box(step: int, row: int, fill: str) -> None:
        x, y = step * (_BOX + _GAP) + 1, row * _ROW + 1
        shapes.append(
            f'<rect x="{x}" y="{y}" width="{_BOX}" height="{_BOX}" rx="3" fill="{fill}" stroke="currentColor"/>'
        )

    def arrow(x1: float, y1: float, x2: float, y2: float, dashed: bool = False) -> None:
        dash = ' stroke-dasharray="3 2"' if dashed else ""
        shapes.append(
            f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" stroke="currentColor" marker-end="url(#{name})"{dash}/>'
        )

    for step in range(steps):
        left, middle = step * (_BOX + _GAP) + 1, step * (_BOX + _GAP) + 1 + _BOX / 2
        box(step, 1, "#56b4e9")
        if step + 1 < steps:
            arrow(left + _BOX, _ROW + 1 + _BOX / 2, left + _BOX + _GAP - 2, _ROW + 1 + _BOX / 2)
        if step < inputs:
            box(step, 2, "#e69f00")
            arrow(middle, 2 * _ROW + 1, middle, _ROW + _BOX + 3)
        if step in outputs:
            box(step, 0, "#009e73")
            arrow(middle, _ROW + 1, middle, _BOX + 3)
            if fed_back and step + 1 < steps:
                arrow(left + _BOX, _BOX, left + _BOX + _GAP, 2 * _ROW, dashed=True)
    width, height = steps * (_BOX + _GAP) - _GAP + 2, 2 * _ROW + _BOX + 2
    return (
        f'<svg width="{width}" height="{height}" viewBox="0 0 {width} {height}" role="img" '
        f'aria-label="{escape(label)}"><title>{escape(label)}</title>'
        f'<defs><marker id="{name}" viewBox="0 0 6 6" refX="5" refY="3" markerWidth="5" markerHeight="5" orient="auto">'
        '<path d="M0 0 6 3 0 6z" fill="currentColor"/></marker></defs>'
        f"{''.join(shapes)}</svg>"
    )


_MANY_TO_ONE = "Many to one: a name goes in letter by letter, one answer comes out at its end"
BATCHES = _diagram("tip-batches", 4, (3,), False, _MANY_TO_ONE)
INVENT = _diagram(
    "tip-invent", 1, (0, 1, 2, 3), False, "One to many: a country goes in, a name comes out letter by letter"
)
_MANY_TO_MANY = "Many to many: a prediction at every character"
SPEECH = _diagram("tip-speech", 4, (0, 1, 2, 3), True, f"{_MANY_TO_MANY}, fed back as the next one")
FORCING = _diagram(
    "tip-forcing", 4, (0, 1, 2, 3), True, "Many to many: what is fed back is the prediction, or the true character"
)
TRAIN = _diagram("tip-train", 4, (0, 1, 2, 3), False, f"{_MANY_TO_MANY}, compared with the true next one")


def lead(diagram: str, sentence: str, about: str = "") -> str:
    """The head of a tab (HTML).

    Args:
        diagram: one of those above, or nothing.
        sentence: what to do and what to look at, as markup.
        about: the longer explanation, as markup; it is collapsed at first.
    """
    return f'<div class="lead">{diagram}<div><p>{sentence}</p> {html.about(about) if about else ""}</div></div>'
