"""What a network in training can do: the confusion matrix of a classifier, a sample of a language model."""

import re
from typing import Any, TypedDict

import torch

from charplay.evaluation.metrics import confusion_matrix
from charplay.inference.classify import logits_of
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM, NameClassifier
from charplay.training.tasks import NamesTask, SpeechTask
from charplay.training.training_sets import TrainingSet

SAMPLE_CHARACTERS = 200  # characters generated at an evaluation of a language model
SAMPLE_PRIME_CHARACTERS = 20  # characters of the validation part before them
SAMPLE_TEMPERATURE, SAMPLE_SEED = 0.7, 1
OPENING_WORDS = 4  # of the validation part, with which a language model is tried
MAX_OPENING_CHARACTERS = 40  # of them; where nothing parts words, a sentence counts as one


class EvaluationExample(TypedDict, total=False):
    """What is shown of an evaluated network; of a classifier the last two, of a language model the first two."""

    prime: str  # the beginning of the validation part
    sample: str  # the text generated after it
    confusion: list[list[int]]  # on the validation part: true classes down, predicted ones across
    classes: list[str]


def example_of(model: Any, training_set: TrainingSet) -> EvaluationExample:
    """The example of a network on the validation part; it must be in evaluation mode."""
    task = training_set.task
    if isinstance(task, NamesTask):
        assert isinstance(model, NameClassifier)
        predicted = logits_of(model, [text for text, _ in task.validation], vocabulary=task.vocabulary).argmax(1)
        truth = torch.tensor([task.classes.index(label) for _, label in task.validation])
        counts = confusion_matrix(truth, predicted, len(task.classes)).tolist()
        return EvaluationExample(confusion=counts, classes=list(task.classes))
    assert isinstance(task, SpeechTask)
    assert isinstance(model, CharLM)
    checkpoint = Checkpoint("speech", model, training_set.alphabet, (), (), "", {}, "", {}, task.vocabulary)
    prime = task.validation[:SAMPLE_PRIME_CHARACTERS]
    request = make_request(prime, SAMPLE_TEMPERATURE, SAMPLE_CHARACTERS, seed=SAMPLE_SEED, vocabulary=task.vocabulary)
    return EvaluationExample(prime=request.prime, sample=generate(checkpoint, [request])[0])


def opening_of(task: NamesTask | SpeechTask) -> str:
    """A text of the validation part to try the trained model with: a row's text, or a few words as they stand there."""
    if isinstance(task, NamesTask):
        return task.validation[0][0]
    first = re.match(r"\S*\s+", task.validation[:MAX_OPENING_CHARACTERS])  # a word that may be cut
    text = task.validation[first.end() if first else 0 :][:MAX_OPENING_CHARACTERS]
    words = re.match(rf"(\S+\s+){{1,{OPENING_WORDS}}}", text)
    return words[0] if words else text[:SAMPLE_PRIME_CHARACTERS]
