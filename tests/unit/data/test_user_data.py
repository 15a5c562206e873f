"""User data is parsed as intended, or refused with the reason."""

from collections import Counter

import pytest

from charplay import limits
from charplay.data.user_data import count_labels, read_rows, read_text

ROWS = "Rossi,it\nVerdi,it\nIvanov,ru\nPetrov,ru\n"
TEXT = "The cat sat on the mat, and the dog sat by the door.\n" * 10


@pytest.mark.parametrize(
    ("typed", "delimiter", "has_header"),
    [
        (ROWS, ",", False),
        ("name,country\n" + ROWS, ",", True),
        (ROWS.replace(",", ";"), ";", False),
        (ROWS.replace(",", "\t"), "\t", False),
        (ROWS.replace(",", "|"), "|", False),
        ("Surname,Where\n" + ROWS * 2, ",", True),  # a label that no other row has
        ('"Rossi","it"\n"Verdi","it"\n"Ivanov","ru"\n"Petrov","ru"', ",", False),
        (ROWS.replace("\n", "\r\n"), ",", False),
        ("\n\n" + ROWS + "\n , \n", ",", False),
    ],
)
def test_delimiter_and_header_are_detected(typed, delimiter, has_header):
    parsed = read_rows(typed)
    assert (parsed.delimiter, parsed.has_header) == (delimiter, has_header)
    assert set(parsed.rows) == {("Rossi", "it"), ("Verdi", "it"), ("Ivanov", "ru"), ("Petrov", "ru")}
    assert parsed.classes == ("it", "ru")


def test_what_is_detected_can_be_overridden():
    assert len(read_rows("name,country\n" + ROWS + "a,country\n", has_header=False).rows) == 6
    assert len(read_rows(ROWS + "Bianchi,it\n", has_header=True, delimiter=",").rows) == 4
    assert read_rows("a|b,x\nc|d,x\ne|f,y\ng|h,y\n", delimiter=",").rows[0] == ("a|b", "x")


@pytest.mark.parametrize(
    ("typed", "label_column"),
    [("Rossi,a,it\nVerdi,b,it\nIvanov,c,ru\nPetrov,d,ru\n", 2), ("it,a,x\nit,b,x\nru,c,x\nru,d,x\n", 0)],
)
def test_columns_can_be_chosen(typed, label_column):
    parsed = read_rows(typed, text_column=1, label_column=label_column)
    assert [text for text, _ in parsed.rows] == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("codec", "encoding"),
    [("utf-8", "UTF-8"), ("utf-8-sig", "UTF-8"), ("utf-16", "UTF-16"), ("cp1252", "Windows-1252")],
)
def test_the_encoding_is_detected_and_reported(codec, encoding):
    typed = "Müller,de\nSchröder,de\nGarcía,es\nMuñoz,es\n"
    parsed = read_rows(typed.encode(codec))
    assert parsed.encoding == encoding
    assert [text for text, _ in parsed.rows] == ["Müller", "Schröder", "García", "Muñoz"]
    text = read_text(("Grüße aus Köln. " * 20).encode(codec))
    assert text.encoding == encoding
    assert text.text.startswith("Grüße aus Köln.")
    assert text.dropped == {}


def test_rows_that_cannot_be_used_are_rejected_with_their_line_and_reason():
    parsed = read_rows(ROWS + "one\na,b,c\n한\x01국,kr\n,it\nRossi,\n" + "x" * 100_001 + ",it\nLone,fr\n")
    assert len(parsed.rows) == 4
    reasons = dict(parsed.rejected)
    assert list(reasons) == [5, 6, 7, 8, 9, 10, 11]
    for line, essential in (
        (5, "1 column"),
        (6, "3 columns"),
        (7, "U+0001"),
        (8, "text is blank"),
        (9, "label is blank"),
        (10, "100,000"),
        (11, "only row labelled “fr”"),
    ):
        assert essential in reasons[line]


@pytest.mark.parametrize(
    ("data", "essential"),
    [
        ("", "no row"),
        ("x", "one column"),
        ("a,b\nc,b\n", "two labels"),
        ("a,b\n", "only row labelled"),
        ("한국,a\n김,a\n", "two labels"),
        (b"\x89PNG\r\n\x1a\n\0\0\0", "binary"),
        (bytes(range(1, 32)) * 300, "binary"),
        ("x" * (limits.MAX_USER_DATA_BYTES + 1), "at most 5,000,000"),
        ("\n".join(f"t{row},l{row // 2}" for row in range(200)), "different labels"),
        (None, "Paste a text"),
        (["a"], "Paste a text"),
    ],
)
def test_rows_without_two_classes_to_learn_are_refused(data, essential):
    with pytest.raises(ValueError, match=essential):
        read_rows(data)


@pytest.mark.parametrize(
    ("data", "essential"),
    [
        ("", "200 to"),
        ("x", "this one has 1"),
        ("x" * 199, "this one has 199"),
        ("한" * 300, "one character"),
        (b"\0" * 500, "binary"),
        (b"x" * (limits.MAX_USER_DATA_BYTES + 1), "at most 5,000,000"),
        (5, "Paste a text"),
    ],
)
def test_a_text_that_is_too_short_or_unreadable_is_refused(data, essential):
    with pytest.raises(ValueError, match=essential):
        read_text(data)


def test_an_unknown_delimiter_or_column_is_refused():
    with pytest.raises(ValueError, match="delimiter must be"):
        read_rows(ROWS, delimiter="x")
    with pytest.raises(ValueError, match="column must be"):
        read_rows(ROWS, label_column=2)
    with pytest.raises(ValueError, match="two columns"):
        read_rows(ROWS, text_column=1, label_column=1)


def test_a_share_of_every_class_is_held_out_and_no_row_is_lost():
    parsed = read_rows("\n".join(f"name{row:03},{'abc'[row % 3]}" for row in range(90)) + "\nx,d\ny,d")
    train, held_out = parsed.split(seed=1)
    assert sorted(train + held_out) == sorted(parsed.rows)
    assert count_labels(held_out) == {"a": 3, "b": 3, "c": 3, "d": 1}
    assert parsed.split(seed=1) == (train, held_out)
    assert parsed.split(seed=2) != (train, held_out)


def test_the_end_of_a_text_is_held_out():
    parsed = read_text(TEXT)
    train, held_out = parsed.split()
    assert train + held_out == parsed.text == TEXT.strip()
    assert len(held_out) == len(parsed.text) // 10
    long = read_text("ab " * 200_000)
    assert len(long.split()[1]) == 20_000


def test_the_fingerprint_depends_on_the_data_and_not_on_its_format():
    assert read_text(TEXT).fingerprint == read_text(TEXT.encode("utf-16")).fingerprint
    assert read_text(TEXT).fingerprint != read_text(TEXT + "x").fingerprint
    assert read_rows(ROWS).fingerprint != read_rows(ROWS.replace("Rossi", "Bianchi")).fingerprint
    assert Counter(read_rows(ROWS).rows) == Counter(read_rows(ROWS.replace(",", ";")).rows)


@pytest.mark.parametrize("line", ["a,b\n", '{"text": "a", "label": "b"}\n'])
def test_a_table_of_too_many_rows_is_refused_before_they_are_kept(monkeypatch, line):
    monkeypatch.setattr(limits, "MAX_USER_ROWS", 100)
    with pytest.raises(ValueError, match="100 rows"):
        read_rows(line * 101)
