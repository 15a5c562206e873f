"""Files as they occur, bytes included: each gives the right rows and classes, or is refused for the right reason."""

import json
from collections import Counter

import pytest

from charplay import limits
from charplay.data.user_data import UserRows, read_rows

PEOPLE = [("Rossi", "it"), ("Verdi", "it"), ("Ivanov", "ru"), ("Petrov", "ru")]
IT_RU = {"it": 2, "ru": 2}


def lines(*rows: str) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()


def table(*rows: str, header: str = "") -> bytes:
    """A file of all PEOPLE: each of `rows` is a template for one of them; {n} is the number, {d} a date."""
    [template] = rows
    body = [
        template.format(text=text, label=label, n=n, d=f"2024-01-{n + 1:02}", split="train" if n % 2 else "test")
        for n, (text, label) in enumerate(PEOPLE)
    ]
    return lines(*([header] if header else []), *body)


# A file that holds all PEOPLE whichever way it is written.
DELIMITERS = {"comma": ",", "semicolon": ";", "tab": "\t", "bar": "|"}
HEADERS = {"no header": "", "header": "name{d}country", "unusual header": "Wer{d}Woher"}
QUOTES = {
    "plain": "{text}{d}{label}",
    "quoted": '"{text}"{d}"{label}"',
    "quoted after a space": '"{text}"{d} "{label}"',
}
LINE_ENDS = ("\n", "\r\n")


@pytest.mark.parametrize("quotes", QUOTES)
@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize("delimiter", DELIMITERS)
@pytest.mark.parametrize("is_label_first", [False, True])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "cp1252"])
def test_delimiter_header_quotes_order_and_encoding(encoding, is_label_first, delimiter, header, quotes):
    people, d = [*PEOPLE, ("Müller", "de"), ("Jürgens", "de")], DELIMITERS[delimiter]
    rows = [HEADERS[header]] if header != "no header" else []
    written = [row.replace("{d}", d) for row in rows]
    if is_label_first:
        written = [d.join(reversed(row.split(d))) for row in written]
    for text, label in people:
        first, second = (label, text) if is_label_first else (text, label)
        written.append(QUOTES[quotes].format(text=first, label=second, d=d))
    for end in LINE_ENDS:
        parsed = read_rows(end.join(written).encode(encoding))
        assert parsed.first == people[:3]
        assert Counter(parsed.rows) == Counter(people)
        assert (parsed.delimiter, parsed.has_header, parsed.rejected) == (d, header != "no header", [])
        assert (parsed.text_column, parsed.label_column) == ((1, 0) if is_label_first else (0, 1))


# name of the file -> (its bytes, text column from 0, label column, rows of each class)
FILES = {
    # an index, an identifier or a date is never the text
    "saved with its index": (table("{n},{text},{label}", header=",name,country"), 1, 2, IT_RU),
    "saved with its index, no other names": (table("{n},{text},{label}", header=",a,b"), 1, 2, IT_RU),
    "index without a header": (table("{n},{text},{label}"), 1, 2, IT_RU),
    "index from 100": (table("10{n};{label};{text}"), 2, 1, IT_RU),
    "id,text,label": (table("{n},{text},{label}", header="id,text,label"), 1, 2, IT_RU),
    "id last": (table("{text},{label},A{n}", header="text,label,id"), 0, 1, IT_RU),
    "identifiers without a header": (table("u-{n}3,{text},{label}"), 1, 2, IT_RU),
    "date,name,country": (table("{d},{text},{label}", header="date,name,country"), 1, 2, IT_RU),
    "dates without a header": (table("{d},{text},{label}"), 1, 2, IT_RU),
    "name,country,date": (table("{text},{label},{d}", header="name,country,date"), 0, 1, IT_RU),
    "Unnamed: 0": (table("{n},{label},{text}", header="Unnamed: 0,label,text"), 2, 1, IT_RU),
    "UTF-16 with an index": (
        table("{n}\t{text}\t{label}", header="\tname\tcountry").decode().encode("utf-16"), 1, 2, IT_RU,
    ),
    # another column with few values is not the label
    "name,country,split": (table("{text},{label},{split}", header="name,country,split"), 0, 1, IT_RU),
    "splits without a header": (table("{text},{label},{split}"), 0, 1, IT_RU),
    "name,country,gender": (
        lines("name,country,gender", "Rossi,it,f", "Verdi,it,f", "Ivanov,ru,f", "Petrov,ru,m", "Costa,pt,m"), 0, 1,
        {"it": 2, "ru": 2},
    ),
    "gender first": (
        lines("gender,language,word", "f,it,Rossi", "m,it,Verdi", "f,ru,Ivanov", "m,ru,Petrov"), 2, 1, IT_RU,
    ),
    "name,gender": (lines("name,gender", "Anna,f", "Eva,f", "Paul,m", "Tom,m"), 0, 1, {"f": 2, "m": 2}),
    "a constant column": (table("{text},web,{label}"), 0, 2, IT_RU),
    # header names win over statistics
    "text,label of yes and no": (lines("text,label", *["yes,a", "no,b"] * 2), 0, 1, {"a": 2, "b": 2}),
    "label,text of few texts": (lines("label,text", "a,yes", "b,no", "c,yes", "a,no", "b,yes", "c,no"), 1, 0,
                                {"a": 2, "b": 2, "c": 2}),
    "Text and LABEL": (lines("LABEL;Text", *["x;yes", "y;no"] * 2), 1, 0, {"x": 2, "y": 2}),
    "v1,v2": (lines("v1,v2", "ham,see you", "spam,win now", "ham,at six", "spam,cash here", "ham,ok"), 1, 0,
              {"ham": 3, "spam": 2}),
    # header words are no header where they are values
    "London,name": (lines("London,name", "Rossi,surname", "Paris,name", "Verdi,surname"), 0, 1,
                    {"name": 2, "surname": 2}),
    "London,name once": (lines("London,name", "Rossi,surname", "Paris,place", "Verdi,surname", "Rome,place"), 0, 1,
                         {"place": 2, "surname": 2}),
    "the surname Word": (lines("Word,en", "Smith,en", "Rossi,it", "Verdi,it"), 0, 1, {"en": 2, "it": 2}),
    "a header repeated": (table("{text},{label}", header="name,country") * 2, 0, 1, {"it": 4, "ru": 4}),
    # wholly empty columns
    "a trailing comma": (table("{text},{label},"), 0, 1, IT_RU),
    "name;country;;;": (table("{text};{label};;;", header="name;country;;;"), 0, 1, IT_RU),
    "a header longer than its rows": (table("{text};{label}", header="name;country;;;"), 0, 1, IT_RU),
    "an empty column between": (table("{text},,{label}", header="name,,country"), 0, 2, IT_RU),
    "an empty column first": (table("\t{text}\t{label}"), 1, 2, IT_RU),
    "a named column without values": (table("{text},,{label}", header="name,notes,country"), 0, 2, IT_RU),
    # the delimiter whose columns have a label that recurs
    "Rossi, Anna;it": (table("{text}, Anna;{label}"), 0, 1, IT_RU),
    "it;Rossi, Anna": (table("{label};{text}, Anna"), 1, 0, IT_RU),
    "it|Rossi, Anna": (table("{label}|{text}, Anna"), 1, 0, IT_RU),
    "Rossi,Anna;it": (table("{text},Anna;{label}"), 0, 1, IT_RU),
    "prose after a tab": (lines("en\tWell, that is it", "en\tNo, thanks; bye", "de\tJa, bitte, gern", "de\tNein"), 1, 0,
                          {"de": 2, "en": 2}),
    "prose in quotes": (lines('"Well, that is it",en', '"No, thanks",en', '"Ja, bitte",de', "Nein,de"), 0, 1,
                        {"de": 2, "en": 2}),
    "sep=;": (lines("sep=;", "Rossi, A;it", "Verdi, B;it", "Ivanov, C;ru", "Petrov, C;ru"), 0, 1, IT_RU),
    # quotes
    "a stray quote": (lines('ru\t"Gerlach says', "ru\tda", "it\tsi", "it\tno"), 1, 0, IT_RU),
    "two stray quotes": (lines('ru\t"Gerlach says', "it\tsi", "it\tno", 'ru\tand ends"', "it\tma"), 1, 0,
                         {"it": 3, "ru": 2}),
    "a quote within": (lines('ru\tthe "big" one', 'ru\t5" pipe', 'it\t"si", dice', "it\tno"), 1, 0, IT_RU),
    "doubled quotes": (lines('"He said ""si""",it', "Verdi,it", "Ivanov,ru", "Petrov,ru"), 0, 1, IT_RU),
    "blank lines and spaces": (b"\n\n  Rossi , it \n\nVerdi,it\n   \nIvanov,ru\nPetrov,ru\n , \n", 0, 1, IT_RU),
    "carriage returns alone": (table("{text},{label}").replace(b"\n", b"\r"), 0, 1, IT_RU),
    "no line end at the end": (table("{text},{label}").rstrip(), 0, 1, IT_RU),
    # JSON Lines
    "JSON Lines": (lines(*(json.dumps({"text": text, "label": label}) for text, label in PEOPLE)), 0, 1, IT_RU),
    "JSON Lines, label first, an id": (
        lines(*(json.dumps({"id": n, "label": label, "text": text}) for n, (text, label) in enumerate(PEOPLE))), 2, 1,
        IT_RU,
    ),
    "JSON Lines, number labels": (
        lines(*(json.dumps({"label": n // 2, "sentence": text}) for n, (text, _) in enumerate(PEOPLE))), 1, 0,
        {"0": 2, "1": 2},
    ),
    "a JSON array": (json.dumps([{"text": text, "label": label} for text, label in PEOPLE]).encode(), 0, 1, IT_RU),
    "JSON Lines with a BOM": (
        b"\xef\xbb\xbf" + lines(*(json.dumps({"name": text, "country": label}) for text, label in PEOPLE)), 0, 1, IT_RU,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_the_columns_of_a_file_are_found(name):
    data, text_column, label_column, classes = FILES[name]
    parsed = read_rows(data)
    assert (parsed.text_column, parsed.label_column) == (text_column, label_column)
    assert Counter(label for _, label in parsed.rows) == classes
    if classes == IT_RU and name.startswith(("saved", "id", "date", "name", "JSON", "a named", "splits")):
        assert Counter(parsed.rows) == Counter(PEOPLE)


# what is cleaned: (bytes, the rows as the network reads them)
CLEANED = {
    "composed and decomposed": (
        lines("Rossi,Français", "Verdi,Franc\u0327ais", "Ivanov,ru", "Petrov,ru"), {"Français", "ru"},
    ),
    "a zero width space": (lines("Rossi,it", "Verdi,it\u200b", "Ivanov,ru\ufeff", "Petrov,ru"), {"it", "ru"}),
    "a space before a quote": (
        lines('"Rossi", "it"', '"Verdi", "it"', '"Ivanov", "ru"', '"Petrov", "ru"'), {"it", "ru"},
    ),
    "a newline in a cell": (lines('"Rossi\nBianchi",it', "Verdi,it", "Ivanov,ru", "Petrov,ru"), {"it", "ru"}),
    "a tab in a cell": (lines("Rossi\tBianchi,it", "Verdi,it", "Ivanov,ru", "Petrov,ru"), {"it", "ru"}),
    "a newline in a quoted label": (
        lines('Rossi,"south\nit"', "Verdi,south it", "Ivanov,ru", "Petrov,ru"), {"south it", "ru"},
    ),
    "no-break spaces": (lines("Rossi,south\u00a0it", "Verdi,south it", "Ivanov,ru", "Petrov,ru"), {"south it", "ru"}),
}  # fmt: skip


@pytest.mark.parametrize("name", CLEANED)
def test_cells_are_cleaned(name):
    data, classes = CLEANED[name]
    parsed = read_rows(data)
    assert (set(parsed.classes), len(parsed.rows), parsed.rejected) == (classes, 4, [])
    assert parsed.rows[0][0] in ("Rossi", "Rossi Bianchi")


def test_labels_that_differ_by_case_alone_are_named_and_can_be_merged():
    data = lines("Rossi,it", "Verdi,it", "Bianchi,it", "Costa,IT", "Sousa,IT", "Ivanov,ru", "Petrov,ru")
    apart, merged = read_rows(data), read_rows(data, merge_case=True)
    assert [set(labels) for labels in apart.case_variants] == [{"it", "IT"}]
    assert (apart.classes, merged.classes) == (("IT", "it", "ru"), ("it", "ru"))
    assert Counter(label for _, label in merged.rows) == {"it": 5, "ru": 2}


def test_long_texts_are_cut_and_counted():
    texts = ["word " * 20, "x" * 500, "y" * 501, "z" * 140_000]
    parsed = read_rows("label\ttext\n" + "".join(f"{'ab'[n % 2]}\t{text}\n" for n, text in enumerate(texts * 2)))
    assert (parsed.cut, len(parsed.rows)) == (2, 6)
    assert max(len(text) for text, _ in parsed.rows) == limits.MAX_USER_ROW_CHARACTERS == 500
    assert [line for line, _ in parsed.rejected] == [5, 9]


def test_signs_and_emoji_are_characters_like_any_other():
    parsed = read_rows(lines("well done 🙂🙂,good", "fine ♥️,good", "bad ☹,bad", "👩‍🌾,bad", "🙂,bad"))
    assert [text for text, _ in parsed.rows] == ["well done 🙂🙂", "fine ♥️", "bad ☹", "👩‍🌾", "🙂"]
    assert not parsed.rejected
    assert all(character in parsed.vocabulary for character in "🙂♥☹👩🌾\u200d")


# name -> (bytes, lines that are left out, what the first reason says)
LEFT_OUT = {
    "a long cell at the start": (lines("x" * 140_000 + ",it") + table("{text},{label}"), [1], "140,000"),
    "a long cell later": (table("{text},{label}") * 200 + lines("x" * 140_000 + ",it"), [801], "140,000"),
    "an unclosed quote with commas": (table("{text},{label}") + lines('"Anna, Eva, it', "Costa,it"), [5], "3 columns"),
    "a ragged row": (table("{text},{label}") + lines("one", "a,b,c"), [5, 6], "1 column"),
    "a blank text": (table("{text},{label}") + lines(" ,it"), [5], "text is blank"),
    "a line that is no JSON": (
        lines(*(json.dumps({"text": text, "label": label}) for text, label in PEOPLE), '{"text": '), [5], "1 column",
    ),
    "a line after a quoted newline": (lines('"a\nb",it') + table("{text},{label}") + lines(",it"), [7], "blank"),
    "a control character": (table("{text},{label}") + lines("Ro\x01ssi,it"), [5], "U+0001"),
    "a single class": (table("{text},{label}") + lines("Costa,pt"), [5], "only row labelled"),
}  # fmt: skip


@pytest.mark.parametrize("name", LEFT_OUT)
def test_a_row_that_is_left_out_is_named_by_its_line_and_reason(name):
    data, left_out, reason = LEFT_OUT[name]
    parsed = read_rows(data)
    assert [row.line for row in parsed.rejected] == left_out
    assert reason in parsed.rejected[0].reason
    assert Counter(label for _, label in parsed.rows) >= Counter(IT_RU)


# name -> (bytes, what the sentence names)
REFUSED = {
    "one column": (lines("Rossi", "Verdi"), "one column"),
    "one column and empty ones": (lines("Rossi,,", "Verdi,,"), "one column"),
    "only an id and a label": (lines("id,label", "1,it", "2,it", "3,ru", "4,ru"), "no column of texts"),
    "one label": (table("{text},it"), "two labels"),
    "labels that never recur": (lines("a,1", "b,2", "c,3"), "None of the rows"),
    "an image": (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0", "binary"),
    "an archive": (b"PK\x03\x04\x14\0\x06\0\x08\0" + bytes(range(256)) * 40, "binary"),
    "nothing": (b"", "no row"),
    "blank lines": (b"\n \n\n", "no row"),
    "a byte order mark alone": (b"\xef\xbb\xbf", "no row"),
    "UTF-16 cut in half": ("Rossi,it\nVerdi,it\n".encode("utf-16-le")[:-1], "binary"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_cannot_be_used_is_refused_for_the_right_reason(name):
    data, reason = REFUSED[name]
    with pytest.raises(ValueError, match=reason):
        read_rows(data)


def test_columns_can_be_named():
    data = table("{n},{text},{label},{split}", header="id,name,country,split")
    assert read_rows(data, label_column="split").classes == ("test", "train")
    assert read_rows(data, text_column="Country", label_column="split").rows[0][0] == "it"
    assert read_rows(data, text_column=2, label_column=3).rows[0] == ("it", "test")
    with pytest.raises(ValueError, match="no column “age”"):
        read_rows(data, text_column="age")


def test_quotes_that_never_close_take_no_longer_than_the_file():
    data = 'a,"b\n' * 50_000 + "a,c\nb,c\n" * 3
    parsed = read_rows(data[: limits.MAX_USER_DATA_BYTES])
    assert isinstance(parsed, UserRows)
