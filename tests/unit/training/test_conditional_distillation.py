"""Distillation of conditional language models: what teachers write, and a student that learns it."""

from dataclasses import replace

import pytest
import torch

from charplay.data import datasets
from charplay.data.vocabulary import ASCII, END_OF_TEXT
from charplay.models import checkpoints
from charplay.models.ngram_language_model import START, NgramLanguageModel
from charplay.training import recipes, run, training_sets
from charplay.training.conditional_distillation import (
    MAX_CHARACTERS,
    NGRAM_ORDER,
    ClassNgrams,
    SyntheticTexts,
    write_synthetic_texts,
)
from charplay.training.conditional_task import ConditionalTask
from charplay.training.recipes import RECIPES, adjust
from tests.conftest import make_checkpoint, make_conditional_model

ALPHABET = END_OF_TEXT + "aino"
ROWS = [("anna", "Italian"), ("nina", "Italian"), ("ono", "Japanese"), ("aoi", "Japanese")]
CLASSES = datasets.COUNTRIES
SMALL = adjust(RECIPES["invent"]["wide"], {"hidden_size": 8, "embedding_size": 4, "epochs": 1, "batch_size": 128})


@pytest.fixture(scope="module")
def ngrams():
    return ClassNgrams(ROWS, CLASSES, ALPHABET)


@pytest.mark.parametrize("history", ["", "a", "nn", "\0a", "zzz"])
def test_the_distribution_of_ngrams_is_the_probability_of_each_character(history):
    model = NgramLanguageModel([text for text, _ in ROWS], 4, len(ALPHABET), backoff=2.0)
    expected = [model.probability(history.rjust(3, START), character) for character in ALPHABET]
    assert model.distribution(history.rjust(3, START), ALPHABET) == pytest.approx(expected)
    assert sum(expected) == pytest.approx(1)


def test_synthetic_texts_have_the_mean_of_all_teachers_as_their_targets(ngrams):
    teachers = [make_checkpoint("invent"), make_checkpoint("invent", make_conditional_model("lstm", seed=1))]
    weight, labels = 0.3, torch.tensor([9, 10] * 20)
    written = write_synthetic_texts(teachers, ngrams, weight, labels, ALPHABET, seed=1)
    assert len(written.texts) == len(labels)
    assert len(written.targets) == sum(len(text) + 1 for text in written.texts)
    assert all(0 < len(text) <= MAX_CHARACTERS for text in written.texts)
    assert set("".join(written.texts)) <= set(ALPHABET) - {END_OF_TEXT}
    at, codes = 0, ASCII.encode(ALPHABET)
    for text, label in zip(written.texts, labels.tolist(), strict=True):
        mixture = torch.nn.functional.one_hot(torch.tensor([label]), len(CLASSES)).float()
        with torch.no_grad():
            logits = [teacher.model(ASCII.encode(text)[None], mixture)[0][0][:, codes] for teacher in teachers]
        networks = torch.stack([each.softmax(1) for each in logits]).mean(0)  # (characters, alphabet)
        beginnings = [text[:end] for end in range(len(text) + 1)]
        counted = ngrams.probabilities([label] * len(beginnings), beginnings)
        mean = (1 - weight) * networks + weight * counted
        torch.testing.assert_close(written.targets[at : at + len(mean)].float(), mean, atol=1e-3, rtol=1e-2)
        at += len(mean)


def test_the_same_seed_writes_the_same_texts_and_ngrams_alone_write_those_of_their_class(ngrams):
    labels = torch.tensor([CLASSES.index("Italian"), CLASSES.index("Japanese")] * 50)
    first, again, other = (
        write_synthetic_texts([make_checkpoint("invent")], ngrams, 1.0, labels, ALPHABET, seed).texts
        for seed in (1, 1, 2)
    )
    assert first == again != other
    assert sum(text in ("anna", "nina") for text in first[::2]) > sum(text in ("anna", "nina") for text in first[1::2])


def test_long_histories_end_with_the_characters_that_ngrams_count(ngrams):
    long, short = "ononi" * NGRAM_ORDER, "ononi" * 2
    first, second = ngrams.probabilities([10, 10], [long, short])
    assert torch.equal(first, second)


def test_a_labeled_text_has_its_characters_as_targets_and_a_synthetic_one_the_teachers():
    task = ConditionalTask([("an", "Italian")], [], CLASSES, SMALL)
    soft = torch.tensor([[0, 0.5, 0, 0.5, 0], [0.25, 0.75, 0, 0, 0], [1, 0, 0, 0, 0]]).half()
    task.distill(SyntheticTexts(["no"], torch.tensor([10]), soft), ALPHABET)
    model = make_checkpoint("invent").model.eval()
    loss, characters = task.loss(model, [0, 1], torch.device("cpu"))
    mixture = torch.nn.functional.one_hot(torch.tensor([9, 10]), len(CLASSES)).float()
    logits, _ = model(torch.stack([ASCII.encode("an"), ASCII.encode("no")]), mixture)
    of_labeled, of_synthetic = logits.log_softmax(2)
    picked = of_labeled[range(3), ASCII.encode("an" + END_OF_TEXT)].sum()
    picked += (of_synthetic[:, ASCII.encode(ALPHABET)] * soft.float()).sum()
    assert loss.item() == pytest.approx(-picked.item() / 6, rel=1e-4)
    assert characters == 6


def test_a_student_is_trained_after_its_teachers_on_what_they_write(data, tmp_path, monkeypatch):
    monkeypatch.setattr(training_sets, "measure_all", lambda *of: {})
    load_names = datasets.load_names
    monkeypatch.setattr(datasets, "load_names", lambda *which: load_names(*which)[::20])
    student = replace(SMALL, teachers="wide,lstm:2", synthetic=50, ngram_weight=0.5)
    table = {"best": student, "wide": SMALL, "lstm": adjust(SMALL, {"cell": "lstm"})}
    monkeypatch.setitem(recipes.RECIPES, "invent", table)
    started = []
    out, callbacks = tmp_path / "invent.safetensors", run.Callbacks(on_start=lambda start: started.append(start))
    run.train("invent", student, data, out, device=torch.device("cpu"), precision="float32", callbacks=callbacks)
    rows = len(started[0].task.texts)
    assert [each.name for each in started] == ["wide", "lstm", "lstm", "best"]
    assert [len(each.task.texts) for each in started] == [rows, rows, rows, rows + 50]
    assert list(checkpoints.load_all(tmp_path).models["invent"]) == ["invent"]
