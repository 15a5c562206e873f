"""Letter n-grams after Kneser and Ney, as a language model of short texts."""

import math

import pytest

from charplay.data.vocabulary import END_OF_TEXT
from charplay.models.kneser_ney import KneserNeyModel

ALPHABET = END_OF_TEXT + "abcd"
TEXTS = ["ab", "ab", "acb", "dab", "cab", "bd", "aa"]


@pytest.mark.parametrize("text", ["", "a", "ab", "cabab", "dddd"])
@pytest.mark.parametrize("order", [1, 2, 4])
def test_the_probabilities_of_all_characters_sum_to_1_and_none_is_0(text, order):
    distribution = KneserNeyModel(TEXTS, order, ALPHABET).distribution(text)
    assert distribution.sum() == pytest.approx(1)
    assert (distribution > 0).all()


def test_all_characters_are_alike_where_nothing_was_counted():
    assert KneserNeyModel([], 3, ALPHABET).distribution("ab") == pytest.approx(1 / len(ALPHABET))


def test_only_the_last_characters_count_and_the_beginning_of_a_text_is_told_apart():
    model = KneserNeyModel(TEXTS, 3, ALPHABET)
    assert (model.distribution("cdab") == model.distribution("dcab")).all()
    assert (model.distribution("a") != model.distribution("ca")).any()


def test_a_character_seen_after_many_others_is_likelier_after_a_new_one():
    # "x" and "y" occur alike, but "y" only ever after "n": it is no good guess after anything else.
    alphabet = END_OF_TEXT + "abcdenxy"
    model = KneserNeyModel(["ax", "bx", "cx", "dx", "ny", "ny", "ny", "ny", "e"], 2, alphabet)
    after_new = dict(zip(alphabet, model.distribution("e"), strict=True))
    assert after_new["x"] > 2 * after_new["y"]


def test_a_text_that_was_counted_is_likelier_by_histories_than_without():
    def nats(order: int, text: str) -> float:
        model = KneserNeyModel(TEXTS * 3, order, ALPHABET)
        steps = [
            model.distribution(text[:at])[ALPHABET.index(character)] for at, character in enumerate(text + END_OF_TEXT)
        ]
        return -sum(map(math.log, steps))

    assert max(nats(4, "dab"), nats(2, "dab")) < nats(1, "dab")
