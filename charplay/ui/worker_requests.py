"""The requests to the inference worker that are made in more than one place. Imports no gradio."""

from dataclasses import asdict
from typing import Any

from charplay.inference.classify import read_text
from charplay.inference.generation import Request
from charplay.models.checkpoints import Checkpoint
from charplay.ui.widgets.drawn_steps import drawn_steps
from charplay.workers.protocol import WorkerRequest


def classification(checkpoint: Checkpoint, names: list[str], prior: str, are_read: bool = False) -> WorkerRequest:
    """`inference.classify.classify` of `names`."""
    request = {"checkpoint": str(checkpoint.path), "names": names, "prior": prior, "are_read": are_read}
    return WorkerRequest("classify", request)


def classification_of_steps(checkpoint: Checkpoint, text: object, prior: str) -> WorkerRequest:
    """`inference.classify.classify` of the prefixes of one text that `ui.widgets.unrolled` draws, the whole last.

    Raises:
        ValueError: the text is blank or not acceptable; the sentence says what to change.
    """
    read = read_text(checkpoint, text)
    return classification(checkpoint, [read[: step + 1] for step in drawn_steps(len(read))], prior, are_read=True)


def generation(checkpoint: Checkpoint, request: Request) -> WorkerRequest:
    """One text, streamed as it grows."""
    return WorkerRequest("generate", {"checkpoint": str(checkpoint.path), "request": asdict(request)})


def question_about(checkpoint: Checkpoint, question: str, arguments: dict[str, Any]) -> WorkerRequest:
    """One of `workers.inference.QUESTIONS` about a model."""
    parts = {"question": question, "checkpoint": str(checkpoint.path), "arguments": arguments}
    return WorkerRequest("question", parts)
