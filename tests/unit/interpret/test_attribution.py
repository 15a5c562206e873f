import dataclasses
import math

import pytest
import torch

from charplay import limits
from charplay.data.batches import pad
from charplay.inference.classify import USER_RESULTS, classify
from charplay.interpret.activations import activations_of
from charplay.interpret.attribution import attribute, attribute_all, gradient_norms, leave_one_out
from charplay.interpret.prefixes import prefixes_of
from charplay.models.networks import CELLS, NameClassifier, NameClassifierConfig
from tests.conftest import make_checkpoint, make_classifier


@pytest.mark.parametrize("prior", ["data", "uniform"])
@pytest.mark.parametrize("name", ["Nguyen", "O'Brien-Yamamoto", "van der Berg", "x" * 64])
def test_leave_one_out_gives_what_classify_gives_for_the_shorter_names(classifier, name, prior):
    found = attribute(classifier, name, prior)
    [whole] = classify(classifier, [name], prior)
    assert found["country"] == whole["country"]
    assert found["probability"] == pytest.approx(whole["probabilities"][found["country"]], rel=1e-5)
    for at in range(len(name)):
        [shorter] = classify(classifier, [name[:at] + name[at + 1 :]], prior)
        probability = shorter["probabilities"][found["country"]]
        assert found["without"][at] == pytest.approx(probability, rel=1e-4)
        assert found["changes"][at] == pytest.approx(math.log(probability / found["probability"]), abs=1e-4)


def test_attribution_takes_any_class_of_the_model_and_nothing_else(classifier):
    [whole] = classify(classifier, ["Rossi"])
    for country, probability in whole["probabilities"].items():
        assert attribute(classifier, "Rossi", country=country)["probability"] == pytest.approx(probability)
    with pytest.raises(ValueError, match="country must be one of Arabic"):
        attribute(classifier, "Rossi", country="Atlantis")


def test_a_name_of_one_letter_has_no_leave_one_out(classifier):
    found = attribute(classifier, "x")
    assert (found["without"], found["changes"]) == (None, None)
    assert len(found["gradients"]) == 1


@pytest.mark.parametrize("name", ["", "  ", "한국", "x" * 65, None, 7])
def test_an_unacceptable_name_is_refused(classifier, name):
    with pytest.raises(ValueError, match=r"."):
        attribute(classifier, name)


def test_of_a_long_text_the_last_letters_are_attributed(classifier):
    checkpoint = dataclasses.replace(classifier, results={USER_RESULTS: {}})
    text = " ".join(["what a long text"] * 40)[: limits.MAX_USER_ROW_CHARACTERS].strip()
    found = attribute(checkpoint, text)
    assert found["normalized"] == text
    assert found["first"] == len(text) - limits.MAX_SHOWN_LETTERS
    assert len(found["without"]) == len(found["changes"]) == len(found["gradients"]) == limits.MAX_SHOWN_LETTERS
    for index in (0, 20, limits.MAX_SHOWN_LETTERS - 1):
        at = found["first"] + index
        [shorter] = classify(checkpoint, [text[:at] + text[at + 1 :]])
        assert found["without"][index] == pytest.approx(shorter["probabilities"][found["country"]], rel=1e-4)
    activations = activations_of(checkpoint, text)
    assert activations["first"] == found["first"]
    assert activations["codes"] == list(map(ord, text[found["first"] :]))
    assert activations["hidden"][0][0]["shape"][0] == activations["embedding"]["shape"][0] == len(activations["codes"])
    assert len(prefixes_of(checkpoint, text)) == len(text)


def test_shorter_names_are_normalised():
    assert leave_one_out("a bc") == ["bc", "abc", "a c", "a b"]


@pytest.mark.parametrize("cell", CELLS)
def test_a_gradient_norm_is_that_of_finite_differences(cell):
    model, padded, target, step = make_classifier(cell).double(), pad(["rosi"]), 5, 1e-6
    [found] = gradient_norms(model, padded, [target])
    for at, code in enumerate(padded.codes[0].tolist()):  # each letter once: its row is its place
        squares = 0.0
        row = model.embedding.weight.data[code]
        for number in range(len(row)):
            scores = []
            for moved in (step, -step):
                kept = row[number].item()
                row[number] += moved
                with torch.no_grad():
                    scores.append(model(padded.codes, padded.lengths)[0, target].item())
                row[number] = kept
            squares += ((scores[0] - scores[1]) / (2 * step)) ** 2
        assert found[at].item() == pytest.approx(math.sqrt(squares), rel=1e-5)


def test_gradient_norms_leave_the_model_unchanged(classifier):
    model, padded = classifier.model.requires_grad_(False), pad(["Rossi"])
    before = model(padded.codes, padded.lengths)
    gradient_norms(model, padded, [0])
    assert not model.embedding._forward_hooks
    after = model(padded.codes, padded.lengths)
    assert torch.equal(before, after)
    assert not after.requires_grad


def test_attribution_works_with_other_classes_and_one_direction():
    torch.manual_seed(0)
    model = NameClassifier(NameClassifierConfig("rnn", 6, 10, 1, classes=2, bidirectional=False, pooling=False)).eval()
    two = make_checkpoint("names", model)
    two = type(two)(**vars(two) | {"classes": ("cat", "<b>dog</b>"), "shares": (0.25, 0.75)})
    found = attribute(two, "Tom", "uniform", "<b>dog</b>")
    assert (found["country"], len(found["changes"]), len(found["gradients"])) == ("<b>dog</b>", 3, 3)


def test_several_names_in_one_batch_get_what_each_gets_alone(classifier):
    requests = [
        {"name": name, "prior": prior, "country": country}
        for name in ("Rossi", "x", "O'Brien-Yamamoto")
        for prior, country in (("data", None), ("uniform", "Greek"))
    ]
    for found, request in zip(attribute_all(classifier, requests), requests, strict=True):
        expected = attribute(classifier, **request)
        assert found.keys() == expected.keys()
        for key, value in expected.items():
            same = value if isinstance(value, str) or value is None else pytest.approx(value, abs=1e-5)
            assert found[key] == same
