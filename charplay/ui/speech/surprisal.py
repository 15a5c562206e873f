"""The accordion that colors each character of a text by its surprisal, -log2 of its probability."""

from html import escape

import gradio as gr

from charplay.interpret.surprisal import Surprisal
from charplay.models.checkpoints import Checkpoint
from charplay.ui import accordions, controls, html, inference_client
from charplay.ui.speech.text_source import TextSource, linked_character
from charplay.ui.widgets import candidates, colored_text

MAX_TABLE_ROWS = 10  # characters in the table of the most surprising ones
CONTEXT_CHARACTERS = 20  # characters before each of them
VISIBLE_CHARACTERS = 240  # characters of a long text that are in view without scrolling, on a phone too

_LEAD = html.caption(
    "Look for the letters at which a word could have gone on otherwise: a character’s colour is its <i>surprisal</i>, "
    "-log₂ of the probability that the network gave it."
)


def initial_selection(surprisal: Surprisal) -> int:
    """Index of the most surprising character among those in view; 0 in a text of one character."""
    bits = surprisal["bits"][:VISIBLE_CHARACTERS]
    return max(range(len(bits)), key=lambda index: bits[index] or 0.0)


def _test_result(checkpoint: Checkpoint) -> str:
    """The model's bits per character on the test speeches, from its header."""
    test = checkpoint.results.get("test")
    bits = test.get("bits_per_character") if isinstance(test, dict) else None
    is_number = isinstance(bits, int | float) and not isinstance(bits, bool)
    return f"on the test speeches {bits:.3f}" if is_number else "not measured on the test speeches"


def _headline(checkpoint: Checkpoint, surprisal: Surprisal) -> str:
    """Bits per character of the text beside those on the test speeches (HTML)."""
    mean, label = surprisal["bits_per_character"], escape(checkpoint.label)
    if mean is None:
        result = "A single character has no surprisal: nothing is read before it."
    else:
        result = f"<b>{mean:.3f}</b> bits per character over {surprisal['characters']:,}"
    return html.headline(f'{result} <span class="note hint">{label}, {_test_result(checkpoint)}</span>')


def _table(surprisal: Surprisal) -> str:
    """The characters of most bits, for anyone who cannot read the colours (HTML)."""
    text, bits = surprisal["text"], [number or 0.0 for number in surprisal["bits"]]
    order = sorted(range(1, len(text)), key=lambda index: -bits[index])[:MAX_TABLE_ROWS]
    if not order:
        return ""
    rows = []
    for index in order:
        context = html.visible_newlines(text[max(0, index - CONTEXT_CHARACTERS) : index])
        rows.append(
            (
                escape(candidates.name_of(text[index])),
                f"{bits[index]:.2f}",
                candidates.percent_or_odds(2 ** -bits[index]),
                f"{index + 1:,}",
                html.code(escape(context)),
            )
        )
    table = html.table(("character", "bits", "probability", "position", "after"), rows)
    return f"<details><summary>The most surprising characters</summary>{table}</details>"


def build(source: TextSource) -> None:
    """Adds the accordion to the current Blocks."""
    with gr.Accordion("Surprise, character by character", open=False, elem_id="surprisal-accordion") as accordion:
        gr.HTML(_LEAD)
        headline = gr.HTML(elem_id="surprisal-mean")
        gr.HTML(colored_text.BITS.legend())
        colored = colored_text.component("surprisal-text")
        table = gr.HTML(elem_id="most-surprising")

    async def compute(page: gr.Request, field: object, *values: object) -> tuple:
        text, checkpoint = source.read(page, *values)
        if text is None:
            return None, "", ""
        surprisal = await inference_client.query(checkpoint, "surprisal", text=text)
        linked = linked_character(field, controls.CHOSEN_SURPRISAL, values)
        selected = initial_selection(surprisal) if linked is None else linked
        rendered = colored_text.render(colored_text.BITS, text, surprisal["bits"], selected)
        return rendered, _headline(checkpoint, surprisal), _table(surprisal)

    inputs = [source.link, *source.inputs]
    accordions.update_while_open(accordion, source.changes, compute, inputs, [colored, headline, table])
