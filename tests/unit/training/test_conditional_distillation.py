"""Distillation of conditional language models: what teachers write, and a student that learns it."""

from dataclasses import replace

import pytest
import torch

from charplay.data import datasets
from charplay.data.vocabulary import ASCII, END_OF_TEXT
from charplay.models import checkpoints
from charplay.training import recipes, run, training_sets
from charplay.training.conditional_distillation import MAX_CHARACTERS, SyntheticTexts, Teachers
from charplay.training.conditional_task import ConditionalTask
from charplay.training.known_texts import KnownTexts, known_shares
from charplay.training.recipes import RECIPES, adjust
from tests.conftest import make_checkpoint, make_conditional_model

ALPHABET = END_OF_TEXT + "aino"
ROWS = [("anna", "Italian"), ("nina", "Italian"), ("ono", "Japanese"), ("aoi", "Japanese"), ("nina", "Italian")]
HELD_OUT = [("anina", "Italian"), ("ana", "Italian"), ("aono", "Japanese")]
CLASSES = datasets.COUNTRIES
ITALIAN, JAPANESE = CLASSES.index("Italian"), CLASSES.index("Japanese")
SMALL = adjust(RECIPES["invent"]["broad"], {"hidden_size": 8, "embedding_size": 4, "epochs": 1, "batch_size": 128})


@pytest.fixture(scope="module")
def teachers():
    networks = [make_checkpoint("invent"), make_checkpoint("invent", make_conditional_model("lstm", seed=1))]
    return Teachers(networks, ROWS, HELD_OUT, CLASSES, ALPHABET)


def _read(teachers: Teachers, text: str, label: int) -> torch.Tensor:
    """The scaled probabilities at each character of a text and at its end, (characters, alphabet)."""
    writing, node, steps = teachers.start([label]), torch.tensor([1]), []
    for character in [*map(ALPHABET.index, text), 0]:
        steps.append(teachers.known.scaled(writing.probabilities(), torch.tensor([label]), node)[0])
        writing.append(torch.tensor([character]), torch.tensor([0]))
        node = teachers.known.children[node, character]
    return torch.stack(steps)


def test_synthetic_texts_have_the_probabilities_that_they_are_drawn_from_as_targets(teachers):
    labels = torch.tensor([ITALIAN, JAPANESE] * 20)
    written = teachers.write(labels, seed=1)
    assert written.labels.tolist() == sorted(labels.tolist())
    assert len(written.texts) == len(labels)
    assert len(written.targets) == sum(len(text) + 1 for text in written.texts)
    assert all(0 < len(text) <= MAX_CHARACTERS for text in written.texts)
    assert set("".join(written.texts)) <= set(ALPHABET) - {END_OF_TEXT}
    at = 0
    for text, label in zip(written.texts, written.labels.tolist(), strict=True):
        expected = _read(teachers, text, label)
        torch.testing.assert_close(written.targets[at : at + len(expected)].float(), expected, atol=1e-3, rtol=1e-2)
        at += len(expected)


def test_each_teacher_has_its_own_opinion_and_the_networks_give_their_mean(teachers):
    text = "ani"
    writing = teachers.start([ITALIAN])
    for at, character in enumerate(map(ALPHABET.index, text)):
        networks, of_class, of_all = writing.log_probabilities()[:, 0].exp()
        mixture = torch.nn.functional.one_hot(torch.tensor([ITALIAN]), len(CLASSES)).float()
        with torch.no_grad():
            logits = [model(ASCII.encode(text[:at])[None], mixture)[0][0, at] for model in teachers.models]
        expected = torch.stack([each[teachers.codes].softmax(0) for each in logits]).mean(0)
        torch.testing.assert_close(networks, expected)
        assert of_class.numpy() == pytest.approx(teachers.of_classes[ITALIAN].distribution(text[:at]), rel=1e-5)
        assert of_all.numpy() == pytest.approx(teachers.of_all.distribution(text[:at]), rel=1e-5)
        writing.append(torch.tensor([character]), torch.tensor([0]))


def _nats(teachers: Teachers) -> float:
    """Of the held-out texts, known texts not scaled."""
    total = 0.0
    for text, label in HELD_OUT:
        writing = teachers.start([CLASSES.index(label)])
        for character in [*map(ALPHABET.index, text), 0]:
            total -= writing.probabilities()[0, character].log().item()
            writing.append(torch.tensor([character]), torch.tensor([0]))
    return total


def test_the_fitted_weights_predict_held_out_texts_better_than_equal_ones(teachers, monkeypatch):
    fitted = _nats(teachers)
    monkeypatch.setattr(teachers, "weights", torch.tensor([[1 / 3] * 3, [0.0] * 3]))
    assert fitted < _nats(teachers)


def test_a_class_writes_its_known_texts_as_often_as_its_share_says(teachers):
    written = teachers.write(torch.tensor([ITALIAN] * 2_000), seed=1).texts
    share = sum(text in ("anna", "nina") for text in written) / len(written)
    assert share == pytest.approx(known_shares(ROWS, CLASSES)[ITALIAN].item(), abs=0.04)
    assert isinstance(teachers.known, KnownTexts)


def test_the_same_seed_writes_the_same_texts(teachers):
    labels = torch.tensor([ITALIAN, JAPANESE] * 50)
    first, again, other = (teachers.write(labels, seed).texts for seed in (1, 1, 2))
    assert first == again != other


def test_a_synthetic_text_has_the_teachers_probabilities_as_targets():
    task = ConditionalTask([("an", "Italian")], [], CLASSES, SMALL)
    soft = torch.tensor([[0, 0.5, 0, 0.5, 0], [0.25, 0.75, 0, 0, 0], [1, 0, 0, 0, 0], [0, 0, 0, 1, 0], [1, 0, 0, 0, 0]])
    task.distill(SyntheticTexts(["no", "n"], torch.tensor([JAPANESE, ITALIAN]), soft.half()), ALPHABET)
    assert task.texts == ["no" + END_OF_TEXT, "n" + END_OF_TEXT]
    model = make_checkpoint("invent").model.eval()
    loss, characters = task.loss(model, [1, 0], torch.device("cpu"))
    picked = 0.0
    for text, label, targets in (("n", ITALIAN, soft[3:]), ("no", JAPANESE, soft[:3])):
        mixture = torch.nn.functional.one_hot(torch.tensor([label]), len(CLASSES)).float()
        logits, _ = model(ASCII.encode(text)[None], mixture)
        picked += (logits[0].log_softmax(1)[:, ASCII.encode(ALPHABET)] * targets).sum().item()
    assert loss.item() == pytest.approx(-picked / 5, rel=1e-4)
    assert characters == 5


def test_calibration_divides_the_last_layer_by_the_temperature_at_which_held_out_texts_are_likeliest():
    task, model = ConditionalTask(ROWS, HELD_OUT * 3, CLASSES, SMALL), make_conditional_model("lstm", seed=1).eval()
    with torch.no_grad():
        model.linear.weight.mul_(5)
    before, weights = task.evaluate(model)["bits_per_character"], model.linear.weight.clone()
    temperature = task.calibrate(model)["temperature"]
    after = task.evaluate(model)["bits_per_character"]
    torch.testing.assert_close(model.linear.weight * temperature, weights)
    assert after < before
    for factor in (0.9, 1.1):
        with torch.no_grad():
            for parameter in model.linear.parameters():
                parameter.mul_(factor)
            assert task.evaluate(model)["bits_per_character"] > after
            for parameter in model.linear.parameters():
                parameter.div_(factor)


def test_a_student_is_trained_after_its_teachers_on_what_they_write(data, tmp_path, monkeypatch):
    monkeypatch.setattr(training_sets, "measure_all", lambda *of: {})
    load_names = datasets.load_names
    monkeypatch.setattr(datasets, "load_names", lambda *which: load_names(*which)[::20])
    student = replace(SMALL, teachers="gru,lstm:2", synthetic=50)
    table = {"best": student, "lstm": SMALL, "gru": adjust(SMALL, {"cell": "gru"})}
    monkeypatch.setitem(recipes.RECIPES, "invent", table)
    started = []
    out, callbacks = tmp_path / "invent.safetensors", run.Callbacks(on_start=lambda start: started.append(start))
    run.train("invent", student, data, out, device=torch.device("cpu"), precision="float32", callbacks=callbacks)
    rows = len(started[0].task.train)
    assert [each.name for each in started] == ["gru", "lstm", "lstm", "best"]
    assert [len(each.task.texts) for each in started] == [rows, rows, rows, 50]
    assert list(checkpoints.load_all(tmp_path).models["invent"]) == ["invent"]
