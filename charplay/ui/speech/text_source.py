"""Which text the accordions of the Speech tab analyze: the generated one, or one that the user pastes."""

from collections.abc import Callable
from dataclasses import dataclass
from html import escape

import gradio as gr
from gradio.components import Component

from charplay.data.text import normalize_document, without_ascii
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import controls, html, session_store
from charplay.ui.events import LATEST
from charplay.ui.speech.generated_text import parse_generated_text


@dataclass(frozen=True)
class TextSource:
    """Where the accordions get their text and their model from."""

    registry: Registry
    inputs: list[Component]  # what `read` needs
    changes: list[Callable]  # events after which the text or the model is another one

    def read(
        self, page: gr.Request, generated: object, choice: object, pasted: object, model: object
    ) -> tuple[str | None, Checkpoint]:
        """The text and the model; no text while the pasted one cannot be used, as `_note` explains on the page.

        Raises:
            ValueError: a value is none that the page offers, or the model has expired.
        """
        return _choose_text(generated, choice, pasted), session_store.find(self.registry, "speech", model, page)


def _choose_text(generated: object, choice: object, pasted: object) -> str | None:
    if controls.LOOK_INSIDE.choose(choice) == controls.GENERATED_TEXT:
        return parse_generated_text(generated).read
    try:
        return normalize_document(pasted)
    except ValueError:
        return None


def _note(choice: object, pasted: str, alphabet: str) -> str:
    """What normalisation changed in the pasted text, or why the text cannot be used (HTML)."""
    if controls.LOOK_INSIDE.choose(choice) == controls.GENERATED_TEXT:
        return ""
    if pasted == "":
        return html.note("Paste a text and press “Read this”.")
    try:
        text = normalize_document(pasted)
    except ValueError as error:
        return html.problem(str(error))
    sentences = [f"{len(text):,} characters are read."]
    if text != pasted:
        sentences.append("The text was brought to ASCII as the speeches were.")
    if lost := sum(without_ascii(pasted).values()):
        subject = "character has" if lost == 1 else "characters have"
        sentences.append(f"{lost:,} {subject} no ASCII form and are left out.")
    if unseen := sorted(set(text) - set(alphabet)):
        listed = " ".join(unseen)
        sentences.append(f"Training never showed {listed}: their probability is small, but not 0.")
    return html.note(escape(" ".join(sentences)), is_status=True)


def build(registry: Registry, model: gr.Dropdown, generated: gr.Textbox, finished: gr.Number) -> TextSource:
    """Adds the choice of the text to the current Blocks.

    Args:
        registry: the page's models.
        model: the tab's choice among them.
        generated: the hidden field with the generated text.
        finished: changes whenever a generation has ended.
    """
    choice = gr.Radio(**controls.LOOK_INSIDE.arguments())
    with gr.Column(visible=False) as pasting:
        pasted = gr.Textbox(**controls.USER_TEXT.arguments(), lines=4, max_lines=8)
        button = gr.Button("Read this", variant="primary", elem_id="read-this", size="md", min_width=90)
    note = gr.HTML(elem_id="user-text-note")

    def update_note(choice: object, pasted: str, model: object, page: gr.Request) -> tuple:
        shown = gr.update(visible=choice == controls.USER_TEXT_CHOICE)
        try:
            alphabet = session_store.find(registry, "speech", model, page).alphabet
            return shown, _note(choice, pasted, alphabet)
        except ValueError as error:
            return shown, html.problem(str(error))

    changes = [choice.input, button.click, pasted.submit, model.change]
    inputs, outputs = [choice, pasted, model], [pasting, note]
    gr.on(changes, update_note, inputs, outputs, **LATEST)
    return TextSource(registry, [generated, *inputs], [*changes, finished.change])
