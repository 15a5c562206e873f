import pytest

from charplay.data.input_text import read_prime
from charplay.data.text import normalize_name, normalize_prose, without_ascii
from charplay.data.vocabulary import ASCII


@pytest.mark.parametrize(
    ("typed", "normalized"),
    [
        ("Rossi", "Rossi"),
        ("  Rossi\n", "Rossi"),
        ("Müller", "Muller"),
        ("Mu\u0308ller", "Muller"),  # a combining mark
        ("Nguyễn", "Nguyen"),
        ("Søren", "Soren"),
        ("Łukasz", "Lukasz"),
        ("Weiß", "Weiss"),
        ("O’Brien", "O'Brien"),
        ("O´Brien", "O'Brien"),
        ("van\u00a0der  Berg", "van der Berg"),
        ("Smith\u2013Jones", "Smith-Jones"),
        ("\u200eLee\ufeff", "Lee"),  # invisible marks
        ("Lee\ufe0f", "Lee"),  # a variation selector
        ("Əliyev", "Aliyev"),
        ("Saʿd", "Sa'd"),
        ("Gal·la", "Galla"),
        ("Gaŀla", "Galla"),
        ("Ǿrsted", "Orsted"),
        ("Smith—Jones", "Smith-Jones"),
        ("<img onerror=x>", "<img onerror=x>"),  # a name like any other; the page shows it as text
        ("", ""),
        ("   ", ""),
        ("x" * 64, "x" * 64),
    ],
)
def test_names_are_normalised_to_ascii(typed, normalized):
    assert normalize_name(typed) == normalized


@pytest.mark.parametrize(
    ("typed", "essential"),
    [
        ("x" * 65, "at most 64 characters"),
        ("a\0b", "no control character"),
        ("a\tb", "no control character"),
        ("a\x7fb", "no control character"),
        ("🙂🙂", "romanised"),
        ("한국", "romanised"),
        ("Иванов", "romanised"),
        ("Rossi🙂", "romanised"),
        ("\ud800", "U+D800"),  # half a surrogate pair: cannot be encoded, so it is named by its code point
        ("ﬃ" * 40, "at most 64 characters"),  # NFKD makes each of them three
        (None, "must be a text"),
        (7, "must be a text"),
        (["Rossi"], "must be a text"),
    ],
)
def test_a_name_that_cannot_be_read_is_refused_in_one_line(typed, essential):
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        normalize_name(typed)
    assert essential in str(caught.value)
    str(caught.value).encode()


def test_prose_is_normalised_to_ascii():
    typed = "“Yes”\u2014we\u2013can\u2026 it\u2019s\\ now\t \n\n \n\n  done é\u0007한"
    assert normalize_prose(typed) == '"Yes"--we-can... it\'s now\n\ndone e'


@pytest.mark.parametrize(
    ("typed", "normalized"),
    [
        ("Straße", "Strasse"),
        ("søt łódź ılık cœur", "sot lodz ilik coeur"),
        ("„Ja“, sagt er", '"Ja", sagt er'),
        ("so\u2011called", "so-called"),
        ("l´été", "l'ete"),
        ("♥\ufe0f", ""),
    ],
)
def test_prose_and_names_share_the_letter_table(typed, normalized):
    assert normalize_prose(typed) == normalized


def test_characters_that_prose_drops_are_counted():
    assert without_ascii("Straße 한국 한 Mu\u0308ller\u200b \\") == {"한": 2, "국": 1, "\\": 1}


def test_a_prime_keeps_the_space_at_its_end():
    assert read_prime("My fellow ") == "My fellow "


@pytest.mark.parametrize(
    ("prime", "essential"),
    [
        ("", "at least one character"),
        ("한국", "Latin alphabet"),
        ("🙂", "Latin alphabet"),
        ("\0", "Latin alphabet"),
        ("안녕 😀", "Latin alphabet"),
        ("x" * 2001, "at most 2,000"),
        ("x" * 10_000_000, "at most 2,000"),
        (["x"], "must be a text"),
        (None, "must be a text"),
    ],
)
def test_a_prime_that_cannot_be_read_is_refused(prime, essential):
    with pytest.raises(ValueError, match=essential):
        read_prime(prime)


def test_decoding_inverts_encoding():
    assert ASCII.encode("adylov").tolist() == [97, 100, 121, 108, 111, 118]
    assert ASCII.encode("").shape == (0,)
    everything = "\n" + "".join(map(chr, range(32, 127)))
    assert ASCII.decode(ASCII.encode(everything)) == everything
