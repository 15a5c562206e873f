"""The accordion that shows the likeliest text under the sampled one, found by beam search."""

import re
from html import escape
from typing import Any

import gradio as gr

from charplay import limits
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import accordions, controls, html, inference_client, session_store
from charplay.ui.errors import with_problem
from charplay.ui.events import LATEST
from charplay.ui.speech import generation_settings
from charplay.ui.speech.generated_text import GeneratedText, parse_generated_text

_LEAD = html.caption(
    "Look which of the three you would rather hear: the sampled text, the one that always takes the likeliest "
    "character, and the likeliest that a search over several texts at once finds. The fewer bits, the likelier."
)
_EMPTY = html.note("Generate a text first.")


def _text_html(title: str, text: str, bits: float, settings: dict[str, Any]) -> str:
    """A text, how likely it is, how many of its words are different ones, and what generates it again (HTML)."""
    words = re.findall(r"[^\W\d_][\w']*", text.lower())
    facts = f"{bits:.2f}</b> bits per character, <b>{len(set(words)):,}</b> different words of {len(words):,}"
    return html.caption(f"<b>{title}</b><br><b>{facts}") + html.text_box(escape(text), label=title, settings=settings)


async def _sampled_bits(checkpoint: Checkpoint, text: GeneratedText, length: int) -> float:
    """Bits per character of the first characters of the sampled continuation."""
    read = text.read[: len(text.read) - len(text.continuation) + length]
    found = await inference_client.query(checkpoint, "surprisal", text=read)
    bits = found["bits"][-length:]
    return sum(each or 0.0 for each in bits) / len(bits)


def build(registry: Registry, generated: gr.Textbox, model: gr.Dropdown, finished: gr.Number) -> None:
    """Adds the accordion to the current Blocks.

    Args:
        registry: the page's models.
        generated: hidden field with the tab's text.
        model: of the tab.
        finished: changes whenever a generation has ended.
    """
    with gr.Accordion("Beam search: the likeliest text", open=False, elem_id="beam-accordion") as accordion:
        gr.HTML(_LEAD)
        width = gr.Slider(**controls.BEAM_WIDTH.arguments(), elem_classes="one-line")
        texts = []
        with gr.Row(elem_id="beams"):
            for name in ("sampled", "greedy", "beam"):
                with gr.Column(min_width=250):
                    texts.append(gr.HTML(elem_id=f"beam-{name}"))

    async def compute(page: gr.Request, width: object, field: object, name: object) -> list[Any]:
        checkpoint = session_store.find(registry, "speech", name, page)
        text = parse_generated_text(field)
        length = min(len(text.continuation), int(limits.BEAM_LENGTH.high))
        if not length or not set(text.read) <= set(checkpoint.vocabulary.characters):
            return [_EMPTY, "", ""]
        sampled, bits = text.first(length), await _sampled_bits(checkpoint, text, length)
        shown = [_text_html("sampled", sampled.continuation, bits, generation_settings.of_text(sampled, length))]
        prime = text.prime[-text.prime_length :]
        for title, kept in (("always the likeliest", 1), (f"beam search, width {width}", width)):
            found = await inference_client.query(checkpoint, "beam", prime=prime, width=kept, length=length)
            settings = generation_settings.of_beam(str(name), prime, kept, length)
            shown.append(_text_html(title, found["text"], found["bits_per_character"], settings))
        return shown

    inputs = [width, generated, model]
    problem = accordions.update_while_open(accordion, [finished.change, model.change], compute, inputs, texts)
    width.input(with_problem(compute, len(texts)), inputs, [*texts, problem], **LATEST)
