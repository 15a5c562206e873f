import math

import pytest
import torch

from charplay.data import datasets
from charplay.data.vocabulary import ASCII
from charplay.evaluation import metrics
from tests.conftest import make_language_model


def test_macro_f1_is_the_mean_over_the_classes():
    truth, guesses = torch.tensor([0, 0, 0, 1, 1, 2]), torch.tensor([0, 0, 1, 1, 1, 0])
    measured = metrics.score_predictions(truth, guesses, 4, truth < 2)
    assert measured["accuracy"] == pytest.approx(4 / 6)
    assert (measured["unseen_n"], measured["unseen_accuracy"]) == (5, pytest.approx(4 / 5))
    # class 0: tp 2, fp 1, fn 1; class 1: tp 2, fp 1; class 2: never right; class 3: never seen nor guessed
    assert measured["macro_f1"] == pytest.approx((4 / 6 + 4 / 5 + 0 + 0) / 4)


def test_metrics_of_names_equal_those_computed_by_hand(classifier):
    rows = [("rossi", "Italian"), ("ivanov", "Russian"), ("smith", "English"), ("lee", "Korean")]
    from charplay.inference.classify import classify

    right = [
        result["country"] == country
        for (_, country), result in zip(rows, classify(classifier, [name for name, _ in rows]), strict=True)
    ]
    measured = metrics.evaluate_names(classifier.model, classifier.classes, rows, {"rossi", "lee"})
    assert measured["accuracy"] == sum(right) / 4
    assert measured["unseen_n"] == 2
    assert measured["unseen_accuracy"] == (right[1] + right[2]) / 2
    assert metrics.evaluate_names(classifier.model, classifier.classes, rows)["unseen_accuracy"] is None


def test_rows_of_an_unknown_country_are_refused(classifier):
    with pytest.raises(ValueError, match="no class for Atlantean"):
        metrics.evaluate_names(classifier.model, classifier.classes, [("Rossi", "Italian"), ("Plato", "Atlantean")])


def test_bits_per_character_is_the_mean_surprisal_of_one_run(monkeypatch):
    model, text = make_language_model(), "hi! This is sung, and sung again."
    logits = model(ASCII.encode(text)[None])[0][0]
    bits = [
        -logits[at].log_softmax(0)[code].item() / math.log(2) for at, code in enumerate(ASCII.encode(text)[1:].tolist())
    ]
    expected = sum(bits) / len(bits)
    for chunk in (4096, 7, 1):  # the state is carried from chunk to chunk
        monkeypatch.setattr(metrics, "CHUNK_CHARACTERS", chunk)
        measured = metrics.evaluate_speech(model, text)
        assert measured["characters"] == len(text)
        assert measured["bits_per_character"] == pytest.approx(expected, abs=1e-5)


@pytest.mark.parametrize("text", ["", "a"])
def test_a_text_with_nothing_to_predict_is_refused(text):
    with pytest.raises(ValueError, match="at least two characters"):
        metrics.evaluate_speech(make_language_model(), text)


def test_names_of_a_csv_file_are_normalised(tmp_path):
    path = tmp_path / "names.csv"
    path.write_text('name,country\n"Müller",German\n\nO’Brien, Irish\n', encoding="utf-8-sig")
    assert metrics.read_names_csv(path, datasets.COUNTRIES) == [("Muller", "German"), ("O'Brien", "Irish")]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"Rossi,Italian\nRossi\n", "row 2: expected two cells"),
        (b"Rossi,Italian,3\n", "row 1: expected two cells"),
        (b"Rossi,Martian\n", "row 1: 'Martian' is none of"),
        (b",Italian\n", "row 1: the name is blank"),
        ("한국,Korean\n".encode(), "row 1: .*romanised"),
        (b"", "holds no row"),
        (b"name,country\n", "holds no row"),
        (b"\xff\xfe\x00\x01", "no UTF-8 text"),
        (b"a\x00b,Italian\n", "row 1"),
    ],
)
def test_the_error_of_an_unusable_file_names_the_row(tmp_path, content, message):
    path = tmp_path / "names.csv"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        metrics.read_names_csv(path, datasets.COUNTRIES)


def test_a_missing_file_is_a_value_error(tmp_path):
    with pytest.raises(ValueError, match="cannot be read"):
        metrics.read_speech_txt(tmp_path / "missing.txt")


def test_the_prefix_loss_is_the_mean_over_single_prefixes(classifier):
    rows = [("rossi", "Italian"), ("li", "Chinese"), ("x", "Greek")]
    from charplay.inference.classify import logits_of

    losses = [
        -logits_of(classifier.model, [name[:end]]).log_softmax(1)[0, classifier.classes.index(country)].item()
        for name, country in rows
        for end in range(2, len(name) + 1)
    ]
    assert len(losses) == 5
    assert metrics.prefix_loss(classifier.model, classifier.classes, rows) == pytest.approx(sum(losses) / 5, rel=1e-5)
