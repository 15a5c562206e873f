"""The accordion in which a text is read twice: with fixed weights, and by a copy that learns while it reads."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from html import escape
from typing import Any

import gradio as gr

from charplay import limits
from charplay.evaluation.dynamic_evaluation import STEP_CHARACTERS
from charplay.models.checkpoints import Checkpoint
from charplay.ui import controls, dynamic_evaluation_client, html, links
from charplay.ui.errors import USER_ERRORS
from charplay.ui.events import QUIET
from charplay.ui.example_data import EXAMPLES
from charplay.ui.speech import plots
from charplay.ui.speech.text_source import TextSource

EXAMPLE_CHARACTERS = 4_000  # of the text that the example reads
_EXAMPLE_TEXT = EXAMPLES[controls.TEXT][:EXAMPLE_CHARACTERS].rpartition(" ")[0]
_EXAMPLE = links.format_link(
    "speech",
    {controls.LOOK_INSIDE.name: controls.USER_TEXT_CHOICE, controls.USER_TEXT.name: _EXAMPLE_TEXT},
    ["dynamic"],
)
_LEAD = html.caption(
    f"Paste a long text above, and look whether the curves part: one network keeps its weights, its copy takes a step "
    f"of gradient descent every {STEP_CHARACTERS} characters (<i>dynamic evaluation</i>). Each character is predicted "
    "before it is learnt from. Afterwards the copy is thrown away. Try: "
    f'<a class="example" href="#{escape(_EXAMPLE)}">a text that adds numbers</a>'
)
_NO_TEXT = "There is no text to read yet: generate one, or paste one above."
_TITLES = {"fixed": "with fixed weights", "dynamic": "after learning from the text"}
_END_STATUS = "status => status.includes('caption') ? '' : status"  # of one that was under way
SHOWN_START = 40  # characters of a text by which it is named
TIME_IS_UP = f"After {limits.MAX_DYNAMIC_SECONDS} seconds it stopped, before the end of the text."


class _Readings:
    """What is known so far of a text that is read twice."""

    def __init__(self, text: str, checkpoint: Checkpoint):
        self._text, self._label = text, checkpoint.label
        self.fixed: list[float] = []
        self.dynamic: list[float] = []
        self._queue_position = 0
        self._result: dict[str, Any] = {}

    def update(self, new: dict[str, Any]) -> None:
        """Takes in an update, or the result."""
        self.fixed += new["fixed"]
        self.dynamic += new["dynamic"]
        self._queue_position = new["queue_position"]
        if "written" in new:
            self._result = new

    def status(self) -> str:
        """The text, how far it is read, and both means (HTML)."""
        if self._queue_position:
            return html.caption(f"Position in the queue: <b>{self._queue_position:,}</b>.", is_status=True)
        if not self.fixed:
            return html.caption("Waiting for the first characters …", is_status=True)
        start = self._text[:SHOWN_START] + ("…" if len(self._text) > SHOWN_START else "")
        read = f"{len(self.fixed) + 1:,} of {len(self._text):,} characters of “{escape(start)}”, {escape(self._label)}"
        if not self._result:
            return html.caption(f"Reading: {read}.", is_status=True)
        fixed, dynamic = (sum(bits) / len(bits) for bits in (self.fixed, self.dynamic))
        change = f"{html.percent(abs(dynamic / fixed - 1))} {'fewer' if dynamic < fixed else 'more'}"
        headline = (
            f'<b id="dynamic-bits">{dynamic:.3f}</b> bits per character learning, '
            f'<b id="fixed-bits">{fixed:.3f}</b> with fixed weights: {change}'
        )
        cut = f" {TIME_IS_UP}" if self._result["is_cut"] else ""
        return html.headline(f'{headline} <span class="note hint">{read}.{cut}</span>')

    def plot(self) -> Any:
        """Both curves."""
        if not self.fixed:
            return gr.skip()
        return plots.dynamic_curves(self.fixed, self.dynamic, len(self._text))

    def written(self) -> list[str]:
        """What each of the two writes next (HTML)."""
        if not self._result:
            return [""] * len(_TITLES)
        end = f'<span class="read">{escape(self._text[: len(self.fixed) + 1][-SHOWN_START:])}</span>'
        return [
            html.caption(f"Writes <b>{title}</b>:")
            + html.text_box(end + escape(self._result["written"][name]), label=title, classes="sample")
            for name, title in _TITLES.items()
        ]


async def _read(text: str, checkpoint: Checkpoint, temperature: float, seed: int) -> AsyncGenerator[list[Any], None]:
    """Status, plot, both texts, and whether they are shown, as they grow."""
    readings = _Readings(text, checkpoint)
    yield [readings.status(), gr.skip(), "", "", gr.skip()]
    async with aclosing(dynamic_evaluation_client.read_dynamically(checkpoint, text, temperature, seed)) as updates:
        async for update in updates:
            if update is None:
                yield [gr.skip()] * 5
                continue
            readings.update(update)
            yield [readings.status(), readings.plot(), *readings.written(), gr.update(visible=bool(readings.fixed))]


def build(source: TextSource, temperature: gr.Slider, seed: gr.Textbox) -> None:
    """Adds the accordion to the current Blocks.

    Args:
        source: which text is read.
        temperature, seed: of what is written after it, those of the tab.
    """
    with gr.Accordion("It learns while it reads", open=False, elem_id="dynamic-accordion"):
        gr.HTML(_LEAD)
        with gr.Row():
            start = gr.Button("Read it twice", variant="primary", elem_id="dynamic-start", size="md", min_width=90)
            stop = gr.Button("Stop", elem_id="dynamic-stop", size="md", min_width=90)
        status = gr.HTML(elem_id="dynamic-status")
        with gr.Column(visible=False, elem_id="dynamic-result") as result:
            curves = gr.Plot(elem_id="dynamic-curves", show_label=False, container=False)
            with gr.Row():
                written = []
                for name in _TITLES:
                    with gr.Column(min_width=280):
                        written.append(gr.HTML(elem_id=f"dynamic-{name}"))
    outputs = [status, curves, *written, result]

    async def read(
        page: gr.Request, temperature: object, typed_seed: object, *values: object
    ) -> AsyncGenerator[list[Any], None]:
        try:
            text, checkpoint = source.read(page, *values)
            if text is None:
                raise ValueError(_NO_TEXT)
            limits.DYNAMIC_CHARACTERS.check_length(text, "text to read twice")
            chosen = controls.read_seed(typed_seed)
            numbers = limits.TEMPERATURE.check(temperature), controls.EXAMPLE_SEED if chosen is None else chosen
            async with aclosing(_read(text, checkpoint, *numbers)) as shown:
                async for each in shown:
                    yield each
        except USER_ERRORS as error:
            yield [html.problem(str(error)), *[gr.skip()] * (len(outputs) - 1)]

    running = start.click(read, [temperature, seed, *source.inputs], outputs, **QUIET)
    stop.click(
        None, status, status, js="status => status.includes('problem') ? status : ''", cancels=[running], **QUIET
    )
