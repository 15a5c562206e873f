"""A text whose every character has a colour and a number: by its surprise, or by one unit's activation.

The browser draws it from a few numbers: 20,000 characters are a message of some 70 kB and one element each, laid out a
line at a time when it comes into view. One handler and one line under the text tell the number of the character that
is pointed at or that the arrow keys have come to; for a screen reader the text is a slider over its characters.
"""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass

import gradio as gr
import numpy as np
from plotly.colors import sample_colorscale, unlabel_rgb

from charplay.ui.theme import AMOUNTS, INK, PAPER

MISSING = -(2**15)  # of a character without a number


@dataclass(frozen=True)
class Scale:
    """How numbers become colours, and how they are told."""

    name: str  # also the CSS class
    unit: str  # of its numbers
    edges: tuple[float, ...]  # a number's level is how many of these it reaches
    labels: tuple[str, ...]  # of the levels, in the legend
    digits: int  # decimals that are sent

    def legend(self) -> str:
        """One swatch for each level, with the number that it begins at (HTML)."""
        swatches = "".join(f'<span class="l{level}">{label}</span>' for level, label in enumerate(self.labels))
        return f'<p class="legend {self.name}"><b>{self.unit}</b>{swatches}</p>'


BITS = Scale("surprise", "bits", (0.5, 1, 2, 3, 4, 6, 8, 11), ("0", "½", "1", "2", "3", "4", "6", "8", "11"), 2)
MIN_RANGE = 0.1  # of activations that the colours are spread over: a unit that hardly changes is of one colour


def activations(values: Sequence[float]) -> Scale:
    """The colours spread evenly over a unit's values on one text, the lowest and highest hundredth left aside."""
    low, high = np.quantile(values, (0.01, 0.99))
    middle, reach = (low + high) / 2, max(high - low, MIN_RANGE) / 2
    edges = [middle + reach * (2 * level - 9) / 9 for level in range(1, 9)]
    labels = [f"{value:.2f}" for value in (middle - reach, middle, middle + reach)]
    return Scale("activation", "activation", tuple(edges), (labels[0], "", "", "", labels[1], "", "", "", labels[2]), 4)


def _levels() -> list[tuple[str, str]]:
    """Ground and ink of each level, from the scale's dark end to its light one, as everywhere on the page."""
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
_RULES = "\n".join(f".l{level} {{ background: {ground}; color: {ink}; }}" for level, (ground, ink) in enumerate(LEVELS))
CSS = f"""
.coloured {{ font: 17px/28px ui-monospace, monospace; max-height: 428px; overflow-y: auto; padding: 8px 12px;
  border: 1px solid var(--border-color-primary); border-radius: 6px; cursor: default; }}
.coloured div {{ white-space: pre-wrap; overflow-wrap: anywhere; content-visibility: auto;
  contain-intrinsic-size: auto 84px; padding: 2px 4px; }}
.coloured i {{ font-style: normal; padding: 4px 0; }}
.coloured .at {{ outline: 2px solid {PAPER}; box-shadow: 0 0 0 4px {INK}; position: relative; }}
.coloured:focus-visible {{ outline: 3px solid var(--color-accent); outline-offset: 1px; }}
.coloured:empty {{ display: none; }}
.readout {{ margin: 4px 0; min-height: 24px; font-variant-numeric: tabular-nums; }}
.legend {{ display: flex; margin: 4px 0; max-width: 620px; font-size: 16px; }}
.legend b {{ font-weight: 400; padding: 2px 10px 2px 0; }}
.legend span {{ flex: 1 1 0; white-space: nowrap; text-align: center; padding: 2px 0; min-height: 28px; }}
@media (max-width: 600px) {{ .coloured {{ padding: 6px; font-size: 16px; }} }}
{_RULES}
"""

_SKELETON = (
    '<div class="coloured" tabindex="0" role="slider" aria-label="Characters of the text" aria-valuemin="1"></div>'
    '<p class="readout"></p>'
)

# Runs once in the page: `element`, `props`, `watch` and `trigger` are Gradio's.
_SCRIPT = """
const box = element.querySelector('.coloured'), says = element.querySelector('.readout');
let given = null, numbers = [], cells = [], at = 0;

const named = character => ({' ': 'blank', '\\n': 'newline', '': 'the end'})[character] ?? `“${character}”`;
const share = p => p < 0.0005 ? `1 in ${Number((1 / p).toPrecision(2)).toLocaleString('en')}`
  : `${(100 * p).toFixed(p < 0.01 ? 2 : 1)} %`;
const tell = {
  surprise: number => `${number.toFixed(2)} bits, a probability of ${share(2 ** -number)}`,
  activation: number => `activation ${number.toFixed(3)}`,
};
const read = here => {
  const place = `Character ${(here + 1).toLocaleString('en')}, ${named(given.text[here] ?? '')}: `;
  if (here === given.text.length) return 'After the last character, where nothing stands yet';
  return place + (numbers[here] === MISSING ? 'nothing foretold it' : tell[given.scale](numbers[here] / given.factor));
};
const show = here => { if (given) says.textContent = read(here); };

function select(here, byHand) {
  cells[at]?.classList.remove('at');
  at = Math.max(0, Math.min(here, cells.length - 1));
  cells[at].classList.add('at');
  box.setAttribute('aria-valuenow', at + 1);
  box.setAttribute('aria-valuetext', read(at));
  show(at);
  if (byHand) {
    cells[at].scrollIntoView({block: 'nearest'});
    trigger('pick');
  }
}

function lay(text, withEnd) {
  const lines = document.createDocumentFragment();
  cells = [];
  for (const line of text.match(/[^\\n]*\\n|[^\\n]+$/g) ?? []) {
    const block = document.createElement('div');
    for (const character of line) {
      const cell = document.createElement('i');
      cell.textContent = character === '\\n' ? '↵' : character;
      cell.at = cells.push(cell) - 1;
      block.append(cell);
    }
    lines.append(block);
  }
  if (withEnd) {
    const cell = document.createElement('i');
    cell.textContent = '▯';
    cell.at = cells.push(cell) - 1;
    (text.endsWith('\\n') || !lines.lastChild ? lines.appendChild(document.createElement('div')) : lines.lastChild)
      .append(cell);
  }
  box.replaceChildren(lines);
  box.scrollTop = 0;
}

function draw() {
  const next = props.value ? JSON.parse(props.value) : null;
  if (!next) { given = null; cells = []; box.replaceChildren(); says.textContent = ''; return; }
  const isNew = !given || given.text !== next.text;
  given = next;
  numbers = new Int16Array(Uint8Array.from(atob(next.numbers), c => c.charCodeAt(0)).buffer);
  if (isNew) lay(next.text, next.withEnd);
  box.className = `coloured ${next.scale}`;
  box.setAttribute('aria-valuemax', cells.length);
  const edges = next.edges.map(edge => edge * next.factor);
  for (let here = 0; here < numbers.length; here++) {
    let level = 0;
    while (level < edges.length && numbers[here] >= edges[level]) level++;
    cells[here].className = numbers[here] === MISSING ? '' : `l${level}`;
  }
  select(isNew ? next.at : at, false);
}

const under = event => event.target.at;
box.addEventListener('pointerover', event => show(under(event) ?? at));
box.addEventListener('pointerleave', () => show(at));
box.addEventListener('click', event => { if (under(event) !== undefined) select(under(event), true); });

// The character above or below, where the lines on the screen break.
function across(way) {
  const from = cells[at].getBoundingClientRect(), row = cell => Math.round(cell.getBoundingClientRect().top);
  let here = at, best = at, top = null;
  while (cells[here += way]) {
    const found = row(cells[here]);
    if (found === Math.round(from.top)) continue;
    top ??= found;
    if (found !== top) break;
    const off = cell => Math.abs(cell.getBoundingClientRect().left - from.left);
    if (best === at || off(cells[here]) < off(cells[best])) best = here;
  }
  return best;
}
box.addEventListener('keydown', event => {
  if (!given || event.ctrlKey || event.altKey || event.metaKey) return;
  const goes = {
    ArrowLeft: () => at - 1, ArrowRight: () => at + 1, ArrowUp: () => across(-1), ArrowDown: () => across(1),
    Home: () => 0, End: () => cells.length - 1,
  }[event.key];
  if (!goes) return;
  event.preventDefault();
  select(goes(), true);
});
watch('value', draw);
draw();
""".replace("MISSING", str(MISSING))


def component(name: str) -> gr.HTML:
    """An empty coloured text with this id; its value is what `render` gives, and it fires "pick"."""
    return gr.HTML(html_template=_SKELETON, js_on_load=_SCRIPT, elem_id=name, apply_default_css=False)


def clicked_index_js(text: gr.HTML) -> str:
    """JavaScript for the number of the character that is chosen in a coloured text."""
    return f"document.querySelector('#{text.elem_id} .coloured').getAttribute('aria-valuenow') - 1"


def render(scale: Scale, text: str, numbers: Sequence[float | None], at: int = 0, with_end: bool = False) -> str:
    """What the browser draws `text` from.

    Args:
        scale: of the numbers.
        text: the characters.
        numbers: of each; None where there is none.
        at: the character that is chosen at first.
        with_end: whether the place after the last character can be chosen, too.
    """
    values = np.array([np.nan if number is None else number for number in numbers], dtype=np.float64)
    factor = 10**scale.digits
    whole = np.where(np.isnan(values), MISSING, np.clip(np.rint(values * factor), MISSING + 1, -MISSING - 1))
    given = {
        "text": text,
        "numbers": base64.b64encode(whole.astype("<i2").tobytes()).decode(),
        "factor": factor,
        "scale": scale.name,
        "edges": scale.edges,
        "at": at,
        "withEnd": with_end,
    }
    return json.dumps(given).replace("<", "\\u003c")  # so that nobody takes it for markup
