"""Which text the accordions of the Speech tab analyze: the generated one, or one that the user pastes."""

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import gradio as gr
from gradio.components import Component

from charplay.data.input_text import read_document, unseen_characters
from charplay.data.text import without_ascii
from charplay.data.vocabulary import Vocabulary
from charplay.models.checkpoints import Checkpoint, Registry
from charplay.ui import controls, html, links, session_store
from charplay.ui.events import LATEST, QUIET
from charplay.ui.link_events import TabLink
from charplay.ui.speech.generated_text import parse_generated_text
from charplay.ui.text_fields import as_typed

_CLEAR_NOTE = f"(choice, note) => choice === {json.dumps(controls.GENERATED_TEXT)} ? '' : note"


@dataclass(frozen=True)
class TextSource:
    """Where the accordions get their text and their model from."""

    registry: Registry
    inputs: list[Component]  # what `read` needs
    changes: list[Callable]  # events after which the text or the model is another one
    link: gr.Textbox  # the page's hidden field with its link

    def read(
        self, page: gr.Request, generated: object, choice: object, pasted: object, model: object
    ) -> tuple[str | None, Checkpoint]:
        """The text and the model; no text while the pasted one cannot be used, as `_note` explains on the page.

        Raises:
            ValueError: a value is none that the page offers, or the model has expired.
        """
        checkpoint = session_store.find(self.registry, "speech", model, page)
        return _choose_text(generated, choice, pasted, checkpoint.vocabulary), checkpoint


def linked_character(field: object, control: controls.Control, values: Sequence[object]) -> int | None:
    """Index of the character that a link has chosen; None: it chose none, or another text is there by now.

    Args:
        field: the page's hidden field with its link.
        control: one of those of a chosen character.
        values: of `TextSource.inputs`.
    """
    index = links.linked(field, control)
    generated, choice, pasted, _ = values
    if index is None:
        return None
    if choice == controls.USER_TEXT_CHOICE:
        return index if pasted == links.linked(field, controls.USER_TEXT) else None
    seed = links.linked(field, controls.SEED) or str(controls.EXAMPLE_SEED)
    return index if str(parse_generated_text(generated).seed) == seed else None


def _choose_text(generated: object, choice: object, pasted: object, vocabulary: Vocabulary) -> str | None:
    text = pasted
    if controls.LOOK_INSIDE.choose(choice) == controls.GENERATED_TEXT:
        text = read = parse_generated_text(generated).read
        if set(read) <= set(vocabulary.characters):
            return read
    try:  # a generated text may be that of another model, with another vocabulary
        return read_document(text, vocabulary)
    except ValueError:
        return None


def _note(generated: object, choice: object, pasted: str, checkpoint: Checkpoint) -> str:
    """What reading changed in the text, or why the text cannot be used (HTML)."""
    vocabulary = checkpoint.vocabulary
    if controls.LOOK_INSIDE.choose(choice) == controls.GENERATED_TEXT:
        is_readable = _choose_text(generated, choice, pasted, vocabulary) is not None
        return "" if is_readable else html.problem("This model cannot read the text of another one: press Generate.")
    if pasted == "":
        return html.note("Paste a text and press “Read this”.")
    try:
        text = read_document(pasted, vocabulary)
    except ValueError as error:
        return html.problem(str(error))
    sentences = [f"{html.counted(len(text), 'character')} {'is' if len(text) == 1 else 'are'} read."]
    if vocabulary.is_ascii and text != pasted:
        sentences.append("The text was brought to ASCII as the speeches were.")
        if lost := sum(without_ascii(pasted).values()):
            has, is_ = ("has", "is") if lost == 1 else ("have", "are")
            sentences.append(f"{html.counted(lost, 'character')} {has} no ASCII form and {is_} left out.")
    if unseen := unseen_characters(pasted, vocabulary, checkpoint.alphabet):
        sentences.append(html.unseen_note(unseen))
    return html.note(" ".join(sentences), is_status=True)


def build(
    registry: Registry, model: gr.Dropdown, generated: gr.Textbox, finished: gr.Number, link: TabLink
) -> TextSource:
    """Adds the choice of the text to the current Blocks.

    Args:
        registry: the page's models.
        model: the tab's choice among them.
        generated: the hidden field with the generated text.
        finished: changes whenever a generation has ended.
        link: may name another choice or text.
    """
    choice = gr.Radio(**controls.LOOK_INSIDE.arguments())
    with gr.Column(visible=False) as pasting:
        pasted = gr.Textbox(
            **controls.USER_TEXT.arguments(), lines=4, max_lines=8, html_attributes=as_typed("sentences")
        )
        button = gr.Button("Read this", variant="primary", elem_id="read-this", size="md", min_width=90)
    note = gr.HTML(elem_id="user-text-note")

    def update_note(generated: object, choice: object, pasted: str, model: object, page: gr.Request) -> tuple:
        shown = gr.update(visible=choice == controls.USER_TEXT_CHOICE)
        try:
            return shown, _note(generated, choice, pasted, session_store.find(registry, "speech", model, page))
        except ValueError as error:
            return shown, html.problem(str(error))

    changes = [choice.input, button.click, pasted.submit, model.change, link.applied.change]
    inputs: list[Component] = [generated, choice, pasted, model]
    gr.on(changes, update_note, inputs, [pasting, note], **LATEST)
    # A generated text is one of the chosen model, which can read it; without a request.
    finished.change(None, [choice, note], note, js=_CLEAR_NOTE, **QUIET)
    return TextSource(registry, inputs, [*changes, finished.change], link.applied)
