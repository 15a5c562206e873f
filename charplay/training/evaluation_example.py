"""What a network in training can do: the confusion matrix of a classifier, a sample of a language model."""

import re
from collections import Counter
from typing import Any, TypedDict

import torch

from charplay.evaluation.invented_texts import bits_of, per_character
from charplay.evaluation.metrics import confusion_matrix
from charplay.inference.classify import logits_of
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.inference.invent import invent, make_invent_request
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM, ConditionalCharLM, NameClassifier
from charplay.training.conditional_task import ConditionalTask
from charplay.training.conditional_user_data import ngram_baseline
from charplay.training.tasks import NamesTask, SpeechTask
from charplay.training.training_sets import TrainingSet

SAMPLE_CHARACTERS = 200  # characters generated at an evaluation of a language model
SAMPLE_PRIME_CHARACTERS = 20  # characters of the validation part before them
SAMPLE_TEMPERATURE, SAMPLE_SEED = 0.7, 1
SAMPLED_TEXTS = 5  # of a class, by a conditional model
MAX_SAMPLED_CLASSES = 12  # that are shown
OPENING_WORDS = 4  # of the validation part, with which a language model is tried
MAX_OPENING_CHARACTERS = 40  # of them; where nothing parts words, a sentence counts as one


class EvaluationExample(TypedDict, total=False):
    """What is shown of an evaluated network: the first two of a language model, the next two of a classifier."""

    prime: str  # the beginning of the validation part
    sample: str  # the text generated after it
    confusion: list[list[int]]  # on the validation part: true classes down, predicted ones across
    classes: list[str]
    invented: list["InventedClass"]


class InventedClass(TypedDict):
    """What a conditional model writes for one class, and how well it predicts the class's validation texts."""

    label: str
    texts: list[str]
    bits_per_character: float
    ngram_bits_per_character: float


def example_of(model: Any, training_set: TrainingSet) -> EvaluationExample:
    """The example of a network on the validation part; it must be in evaluation mode."""
    task = training_set.task
    if isinstance(task, NamesTask):
        assert isinstance(model, NameClassifier)
        predicted = logits_of(model, [text for text, _ in task.validation], vocabulary=task.vocabulary).argmax(1)
        truth = torch.tensor([task.classes.index(label) for _, label in task.validation])
        counts = confusion_matrix(truth, predicted, len(task.classes)).tolist()
        return EvaluationExample(confusion=counts, classes=list(task.classes))
    if isinstance(task, ConditionalTask):
        return EvaluationExample(invented=_invented(model, task, training_set))
    assert isinstance(task, SpeechTask)
    assert isinstance(model, CharLM)
    checkpoint = Checkpoint("speech", model, training_set.alphabet, (), (), "", {}, "", {}, task.vocabulary)
    prime = task.validation[:SAMPLE_PRIME_CHARACTERS]
    request = make_request(prime, SAMPLE_TEMPERATURE, SAMPLE_CHARACTERS, seed=SAMPLE_SEED, vocabulary=task.vocabulary)
    return EvaluationExample(prime=request.prime, sample=generate(checkpoint, [request])[0])


def _invented(model: CharLM, task: ConditionalTask, training_set: TrainingSet) -> list[InventedClass]:
    """Of each class that has validation texts, in the order of their number; of many classes the largest."""
    checkpoint = Checkpoint(
        "invent",
        model,
        training_set.alphabet,
        tuple(task.classes),
        training_set.shares,
        "",
        {},
        "",
        {},
        task.vocabulary,
    )
    baseline = ngram_baseline(task.train, task.validation).by_class
    counted = Counter(label for _, label in task.validation)
    labels = [label for label, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))][:MAX_SAMPLED_CLASSES]
    requests = [
        make_invent_request(checkpoint, label, SAMPLED_TEXTS, SAMPLE_TEMPERATURE, SAMPLE_SEED) for label in labels
    ]
    assert isinstance(model, ConditionalCharLM)
    bits = bits_of(model, task.classes, task.validation, task.vocabulary)
    by_class = []
    for label, texts in zip(labels, invent(checkpoint, requests), strict=True):
        rows = [row for row, (_, each) in enumerate(task.validation) if each == label]
        own = per_character([bits[row] for row in rows], [task.validation[row] for row in rows])
        by_class.append(
            InventedClass(label=label, texts=texts, bits_per_character=own, ngram_bits_per_character=baseline[label])
        )
    return by_class


def opening_of(task: NamesTask | SpeechTask | ConditionalTask) -> str:
    """A text of the validation part to try the trained model with: a row's text, or a few words as they stand there.

    A model that writes texts for a class needs none.
    """
    if isinstance(task, ConditionalTask):
        return ""
    if isinstance(task, NamesTask):
        return task.validation[0][0]
    first = re.match(r"\S*\s+", task.validation[:MAX_OPENING_CHARACTERS])  # a word that may be cut
    text = task.validation[first.end() if first else 0 :][:MAX_OPENING_CHARACTERS]
    words = re.match(rf"(\S+\s+){{1,{OPENING_WORDS}}}", text)
    return words[0] if words else text[:SAMPLE_PRIME_CHARACTERS]
