"""Copied or made up: the text on the Speech tab, what stands word for word in the training speeches underlined."""

from collections.abc import Sequence
from html import escape

import gradio as gr

from charplay.interpret import memorization
from charplay.interpret.memorization import GRAM_CHARACTERS, GUARANTEED_CHARACTERS, STRIDE_CHARACTERS, SpeechFilter
from charplay.models.checkpoints import Checkpoint, CheckpointError, Registry
from charplay.ui import accordions, inference_client, session_store
from charplay.ui.speech.generated_text import GeneratedText, parse_generated_text

_MISSING = (
    '<p class="problem">This view needs a filter of the speeches: {problem} '
    "<code>python -m charplay index</code> makes it from the data.</p>"
)


def _headline(written: GeneratedText, stretches: Sequence[tuple[int, int]], is_trained_on: bool) -> str:
    """The sentence that says what to look at (HTML)."""
    whole, found = len(written.continuation), memorization.count_covered(stretches)
    where = "stands word for word in the speeches" + (" that the model read" if is_trained_on else "")
    if not found:
        return (
            f'<p class="caption">Nothing is underlined: <b>0 %</b> of the {whole:,} characters that the model wrote '
            f"{where}, no {GUARANTEED_CHARACTERS} in a row.</p>"
        )
    places = "one stretch" if len(stretches) == 1 else f"{len(stretches):,} stretches"
    return (
        f'<p class="caption">Look for what is underlined: <b>{100 * found / whole:.1f} %</b> of this text, {found:,} '
        f"of {whole:,} characters in {places}, {where}.</p>"
    )


def _marked(text: str, stretches: Sequence[tuple[int, int]]) -> str:
    """The text with its copied stretches underlined; a screen reader says where one begins and ends (HTML)."""
    parts, read = [], 0
    for start, end in stretches:
        says = f"{end - start} characters"
        parts.append(f'{escape(text[read:start])}<mark class="copied" title="{says}">{escape(text[start:end])}</mark>')
        read = end
    parts.append(escape(text[read:]))
    return f'<div class="text" tabindex="0" aria-label="Copied or made up"><div>{"".join(parts)}</div></div>'


def _is_trained_on(checkpoint: Checkpoint, index: SpeechFilter) -> bool:
    return (checkpoint.data, checkpoint.recipe.get("since")) == (index.data, index.since)


def _explained(index: SpeechFilter, is_trained_on: bool) -> str:
    """What an underline means, and how sure it is (HTML)."""
    foreign = "" if is_trained_on else "This model was trained on other texts than these speeches. "
    return (
        f'<p class="caption note">{foreign}Underlined: {GRAM_CHARACTERS} characters or more in a row that stand so in '
        f"one of the {index.speeches:,} speeches since {escape(index.since)} that charplay’s models are trained on. Every copied "
        f"run of {GUARANTEED_CHARACTERS} or more is found, though up to {STRIDE_CHARACTERS - 1} characters at either "
        f"end may stay without a line; of shorter runs some are. The filter that tells holds none of the text, and takes "
        f"{100 * index.false_positive_rate:.1g} % of all other rows of {GRAM_CHARACTERS} characters for copies. "
        f"Your prime is not looked up. Of real speeches that are not among those, {100 * index.test_share:.1f} % gets a line.</p>"
    )


def build(registry: Registry, written: gr.Textbox) -> None:
    """Lays out the fold; `written` is the page's own copy of its text."""
    path = memorization.filter_path(registry.default("speech").path.parent)
    try:
        index, problem = memorization.load(path), ""
    except CheckpointError as error:
        index, problem = None, _MISSING.format(problem=escape(str(error)))
    with gr.Accordion("Copied or made up?", open=False, elem_id="copied-fold") as folded:
        shown = gr.HTML(problem, elem_id="copied")
    if index is None:
        return

    async def look_up(field: str, page: gr.Request) -> str:
        text = parse_generated_text(field)
        checkpoint = session_store.find(registry, "speech", text.model, page)
        stretches = await inference_client.query(checkpoint, "copied", path=str(path), text=text.continuation)
        is_trained_on = _is_trained_on(checkpoint, index)
        headline = _headline(text, stretches, is_trained_on)
        return headline + _marked(text.continuation, stretches) + _explained(index, is_trained_on)

    accordions.update_while_open(folded, [written.change], look_up, [written], [shown])
