"""The accordion that underlines what the generated text has word for word in common with the training speeches."""

from collections.abc import Sequence
from html import escape

import gradio as gr

from charplay.interpret import memorization
from charplay.interpret.memorization import GRAM_CHARACTERS, GUARANTEED_CHARACTERS, STRIDE_CHARACTERS, SpeechFilter
from charplay.models.checkpoints import Checkpoint, CheckpointError, Registry
from charplay.ui import accordions, html, inference_client, session_store
from charplay.ui.speech.generated_text import GeneratedText, parse_generated_text

_MISSING = (
    '<p class="problem">This view needs a filter of the speeches: {problem} '
    "<code>python -m charplay index</code> makes it from the data.</p>"
)


def _headline(generated: GeneratedText, spans: Sequence[tuple[int, int]], is_trained_on: bool) -> str:
    """How much is copied (HTML)."""
    total, copied = len(generated.continuation), memorization.count_covered(spans)
    where = "stands word for word in the speeches" + (" that the model was trained on" if is_trained_on else "")
    if not copied:
        return html.caption(
            f"Nothing is underlined: <b>0 %</b> of the {total:,} generated characters {where}, "
            f"no {GUARANTEED_CHARACTERS} in a row."
        )
    places = "one stretch" if len(spans) == 1 else f"{len(spans):,} stretches"
    return html.caption(
        f"Look for what is underlined: <b>{html.percent(copied / total)}</b> of this text, {copied:,} of {total:,} "
        f"characters in {places}, {where}."
    )


def _marked_text(text: str, spans: Sequence[tuple[int, int]]) -> str:
    """The text with its copied spans underlined; CSS announces start and end of each to a screen reader (HTML)."""
    parts, shown = [], 0
    for start, end in spans:
        title = f"{end - start} characters"
        parts.append(
            f'{escape(text[shown:start])}<mark class="copied" title="{title}">{escape(text[start:end])}</mark>'
        )
        shown = end
    parts.append(escape(text[shown:]))
    return html.text_box("".join(parts), label="Copied or new")


def _is_trained_on(checkpoint: Checkpoint, speech_filter: SpeechFilter) -> bool:
    """Whether the model was trained on the speeches in the filter."""
    return (checkpoint.data, checkpoint.recipe.get("since")) == (speech_filter.data, speech_filter.since)


def _explanation(speech_filter: SpeechFilter, is_trained_on: bool) -> str:
    """What an underline means, and the filter's error rates (HTML)."""
    foreign = "" if is_trained_on else "This model was trained on other texts than these speeches. "
    return html.note(
        f"{foreign}Underlined: {GRAM_CHARACTERS} characters or more in a row that stand so in one of the "
        f"{speech_filter.speeches:,} speeches since {escape(speech_filter.since)} that charplay’s models are trained "
        f"on. Every copied run of {GUARANTEED_CHARACTERS} or more is found, though up to {STRIDE_CHARACTERS - 1} "
        "characters at either end may stay unmarked; of shorter runs some are found. The filter holds none of "
        f"the text, and takes {100 * speech_filter.false_positive_rate:.1g} % of all other runs of "
        f"{GRAM_CHARACTERS} characters for copies. The opening words are not looked up. Of real speeches that are not "
        f"among those, {html.percent(speech_filter.test_share)} is underlined."
    )


def build(registry: Registry, generated: gr.Textbox) -> None:
    """Adds the accordion to the current Blocks; `generated` is the hidden field with the generated text."""
    path = memorization.filter_path(registry.default("speech"))
    try:
        speech_filter, problem = memorization.load(path), ""
    except CheckpointError as error:
        speech_filter, problem = None, _MISSING.format(problem=escape(str(error)))
    with gr.Accordion("Copied or new?", open=False, elem_id="memorization-accordion") as accordion:
        output = gr.HTML(problem, elem_id="memorization")
    if speech_filter is None:
        return

    async def compute(field: str, page: gr.Request) -> str:
        text = parse_generated_text(field)
        checkpoint = session_store.find(registry, "speech", text.model, page)
        spans = await inference_client.query(checkpoint, "memorization", path=str(path), text=text.continuation)
        is_trained_on = _is_trained_on(checkpoint, speech_filter)
        headline = _headline(text, spans, is_trained_on)
        return headline + _marked_text(text.continuation, spans) + _explanation(speech_filter, is_trained_on)

    accordions.update_while_open(accordion, [generated.change], compute, [generated], [output])
