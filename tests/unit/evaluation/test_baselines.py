import math
from collections import Counter

import pytest

from charplay.data import datasets
from charplay.evaluation import baselines

TRAIN = [("rossi", "Italian"), ("russo", "Italian"), ("rossi", "Spanish"), ("rossi", "Italian"), ("ivanov", "Russian")]


def test_the_commonest_country_and_the_look_up_predict_as_named():
    measured = baselines.names_baselines(
        TRAIN, [("rossi", "Italian"), ("ivanov", "Russian"), ("petrov", "Russian")], datasets.COUNTRIES
    )
    assert measured["commonest country"]["accuracy"] == pytest.approx(1 / 3)
    assert measured["look-up"]["accuracy"] == pytest.approx(2 / 3)
    assert measured["look-up"]["unseen_accuracy"] == 0


def test_an_oracle_gives_a_name_its_commonest_class_in_both_parts():
    test = [("rossi", "Spanish"), ("rossi", "Italian"), ("petrov", "Russian"), ("tie", "Russian"), ("tie", "Italian")]
    found = baselines.oracle(TRAIN, test, datasets.COUNTRIES)
    recall = dict(zip(datasets.COUNTRIES, found["recall"], strict=True))
    assert recall["Spanish"] == recall["Polish"] == 0  # rossi is Italian more often; a class without rows counts 0
    assert recall["Italian"] == 1  # of equals the class with more rows
    assert found["accuracy"] == pytest.approx(3 / 5)


def test_an_oracle_that_weights_classes_equally_prefers_a_rare_one():
    found = baselines.oracle(TRAIN, [("rossi", "Spanish"), ("rossi", "Italian")], datasets.COUNTRIES, is_uniform=True)
    recall = dict(zip(datasets.COUNTRIES, found["recall"], strict=True))
    assert (recall["Spanish"], recall["Italian"]) == (1, 0)


def test_naive_bayes_learns_a_decisive_ngram():
    rows = [
        (f"{start}{end}", country) for start in "abcdefgh" for end, country in (("ov", "Russian"), ("ez", "Spanish"))
    ]
    measured = baselines.names_baselines(rows, [("zzov", "Russian"), ("zzez", "Spanish")], datasets.COUNTRIES)
    assert measured["naive Bayes"]["unseen_accuracy"] == 1


def witten_bell(train: str, history: str, character: str, alphabet: int) -> float:
    """The same by the book: one probability at a time, longest history first."""
    shorter = witten_bell(train, history[1:], character, alphabet) if history else 1 / alphabet
    size = len(history) + 1
    after = Counter(train[at + size - 1] for at in range(len(train) - size + 1) if train[at : at + size - 1] == history)
    total, kinds = sum(after.values()), len(after)
    return (after[character] + kinds * shorter) / (total + kinds) if total else shorter


def test_the_5_gram_interpolates_after_witten_and_bell():
    train, test = "yes we can. yes we did. no we can't; we can, can we?", "we can do it. yes, can we?"
    alphabet = len(set(train) | set(test[1:]))
    expected = [
        witten_bell(train, test[max(0, at - 4) : at], character, alphabet)
        for at, character in enumerate(test)
        if at > 0
    ]
    measured = baselines.speech_baselines(train, test)
    bits = [-math.log2(probability) for probability in expected]
    assert measured["5-gram"]["bits_per_character"] == pytest.approx(sum(bits) / len(bits))
    assert measured["uniform"]["bits_per_character"] == pytest.approx(math.log2(alphabet))
    assert measured["5-gram"]["bits_per_character"] < measured["unigram"]["bits_per_character"]
