"""A vocabulary: the lecture's ASCII codes, or the characters of user data."""

from collections import Counter

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from charplay import limits
from charplay.data.input_text import read_document, read_prime, unseen_characters
from charplay.data.text import compose
from charplay.data.vocabulary import ASCII, PAD, UNKNOWN, Vocabulary, vocabulary_of


def vocabulary(text: str) -> Vocabulary:
    return vocabulary_of(Counter(text))[0]


def test_ascii_codes_are_those_of_the_lecture():
    assert ASCII.encode("adylov").tolist() == [97, 100, 121, 108, 111, 118]
    assert ASCII.encode("").shape == (0,)
    assert ASCII.is_ascii
    assert Vocabulary(ASCII.characters).is_ascii


@given(st.text(max_size=200))
def test_every_text_has_codes_in_the_vocabulary_made_of_it(text):
    text = compose(text)
    made = vocabulary(text)
    read = made.read(text)
    assert made.decode(made.encode(read)) == read
    assert read == text.replace("\0", "")
    assert PAD not in made.encode(read).tolist()


def test_characters_are_ordered_by_code_point_after_the_pad_and_the_unknown():
    assert vocabulary("γ一a😀 β").characters == f"\0{UNKNOWN} aβγ一😀"


def test_the_rarest_characters_become_one(monkeypatch):
    monkeypatch.setattr(limits, "MAX_CHARACTERS", 3)
    made, rare = vocabulary_of(Counter("aaaabbbccdde"))
    assert made.characters == f"\0{UNKNOWN}abc"
    assert rare == {"d": 2, "e": 1}
    assert made.read("abcde") == f"abc{UNKNOWN}{UNKNOWN}"


def test_a_character_that_is_missing_is_read_as_the_nearest_there_is():
    assert vocabulary("naive 'e' fur Strasse").read("naïve ‘é’ für Straße") == "naive 'e' fur Strasse"
    assert vocabulary("ναί").read("ναϊ") == f"να{UNKNOWN}"
    assert vocabulary("ελαια").read("ελαιά") == "ελαια"
    assert vocabulary("안녕").read("안녕!") == f"안녕{UNKNOWN}"
    assert vocabulary("Müller").read("Mu\u0308ller") == "Müller"


def test_ascii_reads_as_the_speeches_were_read():
    assert ASCII.read("“Straße”\t Łódź\\") == '"Strasse" Lodz'


def test_an_extended_vocabulary_keeps_all_codes():
    base = vocabulary("αβγ")
    extended = base.extended("βδé")
    assert extended.characters == base.characters + "δé"
    torch.testing.assert_close(extended.encode("αβγ"), base.encode("αβγ"))
    assert ASCII.extended("αA").size == ASCII.size + 1
    assert base.extended("αβ") == base


@pytest.mark.parametrize("characters", ["", "a", "ab\0", "\0aa", "\0a\ud800", "\0"])
def test_what_is_no_vocabulary_is_refused(characters):
    with pytest.raises(ValueError, match="vocabulary"):
        Vocabulary(characters)


def test_a_character_without_a_code_is_named():
    with pytest.raises(ValueError, match="U\\+03B4"):
        vocabulary("αβγ").encode("αδβ")
    with pytest.raises(ValueError, match="ascii"):
        ASCII.encode("δ")


@pytest.mark.parametrize("read", [read_prime, read_document])
def test_what_cannot_be_read_is_refused(read):
    greek = vocabulary("αβγ ")
    assert read("αβγ x", greek) == f"αβγ {UNKNOWN}"
    for typed in ("", "\x01\x02", 7, None, "α" * 20_001):
        with pytest.raises(ValueError, match=r"at least one|must be a text|at most"):
            read(typed, greek)


def test_characters_that_a_model_never_saw_are_named_once_as_typed():
    greek = vocabulary("αβγ e")
    assert unseen_characters("αβω ωé\n漢", greek, "αβγ e") == ["ω", "漢"]
    assert unseen_characters("Abc123!\t", ASCII, "Abc") == ["1", "2", "3", "!"]
    assert unseen_characters("naïve “é”", ASCII, 'naive"') == []
    assert unseen_characters("αγ", greek, "α") == ["γ"]  # held out: in the vocabulary, and never trained on


def test_composing_keeps_indentation_tabs_and_backslashes():
    code = 'def f(x):\n\tif x:\n        return "\\n"  \n'
    assert compose(code) == code
    assert compose("a\r\nb\rc\u2028d\x0ce") == "a\nb\nc\nd\ne"
    assert compose("e\u0301\ufeff\u200b\x00\x1b") == "é"
    assert compose("می\u200cخواهم 👩\u200d🌾") == "می\u200cخواهم 👩\u200d🌾"
