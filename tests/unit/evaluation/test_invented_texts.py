import math

import pytest
import torch

from charplay.evaluation.invented_texts import bits_of, bits_per_character, evaluate_invented, ngram_bits
from charplay.models.ngram_language_model import NgramLanguageModel
from tests.conftest import make_conditional_model

CLASSES = tuple("abcdefghijklmnopqr")
ROWS = [("adylov", "a"), ("san", "b"), ("hard", "b"), ("o", "r")]


def test_the_bits_of_a_text_are_those_of_its_characters_one_by_one():
    model = make_conditional_model()
    for (text, label), bits in zip(ROWS, bits_of(model, CLASSES, ROWS), strict=True):
        mixture = torch.zeros(1, len(CLASSES))
        mixture[0, CLASSES.index(label)] = 1.0
        codes = torch.tensor([[*map(ord, text)]])
        logits, _ = model(codes, mixture)
        picked = logits[0].log_softmax(1)[range(len(text) + 1), [*codes[0].tolist(), ord("\n")]]
        assert bits == pytest.approx(-picked.sum().item() / math.log(2), abs=1e-4)
    total = sum(bits_of(model, CLASSES, ROWS))
    assert bits_per_character(model, CLASSES, ROWS) == pytest.approx(total / (6 + 3 + 4 + 1 + 4))


def test_the_probabilities_of_ngrams_sum_to_one_and_the_seen_are_likelier():
    model = NgramLanguageModel(["ab", "aa"], 3, 3)
    texts = ["", *"ab", "aa", "ab", "ba", "bb"]
    # all texts of at most two characters, and the beginnings of three
    assert sum(2 ** -model.bits(text) for text in texts) < 1
    assert sum(model.probability("\0a", character) for character in "ab\n") == pytest.approx(1)
    assert model.probability("zz", "a") == pytest.approx(model.probability("xx", "a"))  # an unseen history
    assert model.bits("ab") < model.bits("bb")


def test_ngrams_count_the_texts_of_a_class_alone():
    train = [("aaa", "a"), ("bbb", "b")]
    of_a, of_b = ngram_bits(train, [("aaa", "a"), ("aaa", "b")], 3)
    assert of_a < of_b


def test_the_figures_of_invented_texts_and_of_real_ones():
    test = [("xa", "a"), ("ya", "a"), ("zb", "b"), ("wa", "b")]
    invented = {"a": ["pa", "pa", "xa", "qb"], "b": ["pb", "qb", "rb", "sb"]}
    measured = evaluate_invented(
        ([1.0, 2.0, 3.0, 4.0], [3.0, 3.0, 3.0, 3.0]), invented, test, {"xa", "pb"}, lambda texts: [t[-1] for t in texts]
    )
    assert measured["bits_per_character"] == pytest.approx(10 / 12)
    assert measured["ngram_bits_per_character"] == 1
    assert measured["classes"]["a"]["bits_per_character"] == pytest.approx(3 / 6)
    assert measured["taken_for_class"] == 0.75  # of class a alone: of b's real texts the classifier finds half
    assert measured["in_training"] == pytest.approx((0.25 + 0.25) / 2)
    assert measured["doubles"] == pytest.approx((0.25 + 0) / 2)
    assert measured["test"]["taken_for_class"] == 1
    assert measured["classes"]["b"]["test"]["taken_for_class"] == 0.5
