"""How good a model is on its task's own data: what a checkpoint's header holds and `evaluate` prints."""

import functools
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from charplay import limits
from charplay.data import datasets
from charplay.data.vocabulary import Vocabulary
from charplay.evaluation.baselines import names_baselines, oracle, speech_baselines
from charplay.evaluation.invented_texts import bits_of, evaluate_invented, ngram_bits
from charplay.evaluation.metrics import evaluate_names, evaluate_speech, prefix_loss
from charplay.inference.classify import logits_of
from charplay.inference.invent import invent, make_invent_request
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.training.recipes import RECIPES
from charplay.training.tasks import training_mix


def measure(
    checkpoint: Checkpoint, directory: Path, split: str | None = None, prior: str = "data", engine: bool = False
) -> dict[str, Any]:
    """Measures a checkpoint on its task's test part.

    Args:
        checkpoint: of any task.
        directory: of the data.
        split: "val" or "test" of the speeches; None: "test".
        prior: "data" or "uniform", of names.
        engine: run the network as the page does, on 8-bit integers where they are faster.
    """
    vocabulary = checkpoint.vocabulary
    if checkpoint.task == "invent":
        return _measure_invented(checkpoint, directory)
    if checkpoint.task == "speech":
        text = speech_text(vocabulary, directory, split or "test")
        return evaluate_speech(checkpoint.model, text, engine, vocabulary)
    train, rows = (datasets.load_names(split, directory) for split in ("train", "test"))
    known = {name for name, _ in train}
    if not vocabulary.is_ascii:
        rows = [(vocabulary.read(name), country) for name, country in rows]
    shares = checkpoint.shares if prior == "uniform" else None
    measured = evaluate_names(checkpoint.model, checkpoint.classes, rows, known, shares, engine, vocabulary)
    measured["oracle"] = oracle(train, rows, checkpoint.classes, prior == "uniform")
    if prior == "data":
        measured["prefix_loss"] = prefix_loss(checkpoint.model, checkpoint.classes, rows, engine, vocabulary)
    return measured


def speech_text(vocabulary: Vocabulary, directory: Path, split: str) -> str:
    """The speeches of "val" or "test" one after another, as a model of this vocabulary reads them."""
    text = datasets.join_speeches(datasets.split_speeches(datasets.load_speeches(directory))[split])
    return text if vocabulary.is_ascii else vocabulary.read(text)


INVENTED_NAMES = 1_000  # of each country, at the page's temperature
INVENTED_TEMPERATURE, INVENTED_SEED = 0.8, 1


def _measure_invented(checkpoint: Checkpoint, directory: Path) -> dict[str, Any]:
    """Of a conditional model; the default classifier judges its names."""
    train, test = (datasets.load_names(split, directory) for split in ("train", "test"))
    classifier = checkpoints.load(checkpoints.find("names"), "names")
    requests = [
        make_invent_request(checkpoint, country, limits.INVENTED.high, INVENTED_TEMPERATURE, INVENTED_SEED + number)
        for country in checkpoint.classes
        for number in range(INVENTED_NAMES // limits.INVENTED.high)
    ]
    lists = iter(invent(checkpoint, requests))
    invented = {
        country: [name for _ in range(INVENTED_NAMES // limits.INVENTED.high) for name in next(lists)]
        for country in checkpoint.classes
    }

    def predict(names: Sequence[str]) -> list[str]:
        return [classifier.classes[best] for best in logits_of(classifier.model, names).argmax(1).tolist()]

    bits = bits_of(checkpoint.model, checkpoint.classes, test, checkpoint.vocabulary)
    baseline = ngram_bits(train, test, len(checkpoint.alphabet))
    return evaluate_invented((bits, baseline), invented, test, {name for name, _ in train}, predict)


@functools.cache  # the data are pinned by their checksums, and the logistic regression takes half a minute
def measure_baselines(task_name: str, directory: Path) -> dict[str, dict[str, Any]]:
    """The baselines on the test part, fitted on the training part of the task's best recipe."""
    if task_name == "names":
        return names_baselines(
            datasets.load_names("train", directory), datasets.load_names("test", directory), datasets.COUNTRIES
        )
    splits = datasets.split_speeches(datasets.load_speeches(directory))
    mix = training_mix(splits, RECIPES["speech"]["best"])
    return speech_baselines(datasets.join_speeches(mix), datasets.join_speeches(splits["test"]))


def measure_all(checkpoint: Checkpoint, directory: Path) -> dict[str, Any]:
    """All test results that a header holds, baselines included."""
    if checkpoint.task == "invent":
        return {"test": measure(checkpoint, directory)}
    results = {"test": measure(checkpoint, directory), "baselines": measure_baselines(checkpoint.task, directory)}
    if checkpoint.task == "names":
        results["uniform"] = measure(checkpoint, directory, prior="uniform")
    return results
