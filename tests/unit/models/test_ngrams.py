import math
from collections import Counter

import pytest
import torch

from charplay.models.ngrams import INVERSE_REGULARIZATION, NgramClassifier, ngrams_of

CLASSES = ("Russian", "Spanish")
ROWS = [
    (f"{start}{end}", country)
    for start in ("ab", "cd", "ef", "gh", "aa")
    for end, country in (("ov", "Russian"), ("ez", "Spanish"))
]


def test_ngrams_are_all_runs_of_letters_with_both_ends_marked():
    assert ngrams_of("Ab", 2) == ["^", "a", "b", "$", "^a", "ab", "b$"]
    assert ngrams_of("Ab", 9)[-1] == "^ab$"


def test_it_learns_the_distinguishing_ngrams_and_is_uniform_on_unknown_letters():
    classifier = NgramClassifier(ROWS, CLASSES)
    logits = classifier.logits(["zzov", "ppez", "...", "Abov"])
    assert logits.argmax(1)[[0, 1, 3]].tolist() == [0, 1, 0]
    assert logits[2].softmax(0).tolist() == pytest.approx([0.5, 0.5], abs=0.02)  # "^", "$" and the bias alone
    assert torch.equal(logits[0], classifier.logits(["zzov"])[0])


def test_features_are_tf_idf_scaled_to_length_1():
    classifier = NgramClassifier(ROWS, CLASSES)
    rows = {gram: sum(gram in ngrams_of(name, 5) for name, _ in ROWS) for gram in ngrams_of("aaov", 5)}
    assert rows["aao"] == 1
    assert rows["aa"] == 2
    expected = {
        gram: n * (math.log((1 + len(ROWS)) / (1 + rows[gram])) + 1)
        for gram, n in Counter(ngrams_of("aaov", 5)).items()
        if rows[gram] > 1
    }
    length = math.sqrt(sum(value**2 for value in expected.values()))
    features = classifier._features(["ez", "aaov"]).to_dense()[1]
    found = {gram: features[column].item() for gram, column in classifier._columns.items() if features[column]}
    assert found == pytest.approx({gram: value / length for gram, value in expected.items()})


def test_the_regularized_loss_has_no_gradient_at_the_fit():
    classifier = NgramClassifier(ROWS, CLASSES)
    features = classifier._features([name for name, _ in ROWS]).to_dense()
    weight, bias = classifier._weight.clone().requires_grad_(), classifier._bias.clone().requires_grad_()
    truth = torch.tensor([CLASSES.index(country) for _, country in ROWS])
    loss = torch.nn.functional.cross_entropy(features @ weight + bias, truth)
    (loss + weight.square().sum() / (2 * INVERSE_REGULARIZATION * len(ROWS))).backward()
    assert weight.grad.abs().max() < 1e-4
    assert bias.grad.abs().max() < 1e-4
