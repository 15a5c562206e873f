"""A visitor's own data: a text for a language model, or rows text,label for a classifier; read, checked, and split.

Encoding, delimiter and header are found out, and what was found is said; rows that cannot be used are left out, counted
and named. A person's mistake raises `ValueError` with the sentence that says what to change.
"""

import codecs
import csv
import hashlib
import io
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from charplay import limits
from charplay.data.datasets import NameRows
from charplay.data.text import normalize_name, normalize_prose

VALIDATION_SHARE = 0.1  # share that is held out, to see whether what is learnt holds for what was not read
# A longer part would keep a page waiting at every evaluation, for figures no better than these.
MAX_VALIDATION_CHARACTERS = 20_000
MAX_REPORTED_ROWS = 8  # rows left out that are named
DELIMITERS = (",", ";", "\t", "|")
SNIFFED_LINES = 20  # lines that the delimiter is found out from
# What a first line must hold to be taken for the names of the columns, if nothing else gives it away.
_HEADER_WORDS = {
    "text",
    "name",
    "word",
    "sentence",
    "label",
    "class",
    "country",
    "category",
    "language",
    "gender",
    "origin",
}
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)


class RejectedRow(NamedTuple):
    """A row that cannot be used."""

    line: int  # in the file, from 1
    reason: str


@dataclass(frozen=True)
class UserText:
    """A text to learn to continue."""

    text: str  # as the network reads it
    encoding: str
    lost: dict[str, int]  # characters that have no ASCII form, and how often each stood there

    @property
    def fingerprint(self) -> str:
        """What a checkpoint's header says of it."""
        return _fingerprint(self.text)

    def split(self) -> tuple[str, str]:
        """The text to train on, and its end, which is held out."""
        held_out = min(int(len(self.text) * VALIDATION_SHARE), MAX_VALIDATION_CHARACTERS)
        return self.text[:-held_out], self.text[-held_out:]


@dataclass(frozen=True)
class UserRows:
    """Texts and their labels, to learn to tell the labels apart."""

    rows: NameRows  # (text, label), texts as the network reads them
    encoding: str
    delimiter: str
    has_header: bool
    columns: tuple[str, ...]  # as the header names them, or "column 1", "column 2"...
    text_column: int  # from 0
    label_column: int
    rejected: list[RejectedRow]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, in alphabetical order."""
        return tuple(sorted({label for _, label in self.rows}))

    @property
    def fingerprint(self) -> str:
        """What a checkpoint's header says of them."""
        return _fingerprint("\n".join(f"{text}\t{label}" for text, label in self.rows))

    def split(self, seed: int) -> tuple[NameRows, NameRows]:
        """The rows to train on, and a share of each class, one row at least, which is held out."""
        shuffled = self.rows.copy()
        random.Random(seed).shuffle(shuffled)
        left = {label: max(1, round(count * VALIDATION_SHARE)) for label, count in count_labels(self.rows).items()}
        train, held_out = [], []
        for text, label in shuffled:
            left[label] -= 1
            (held_out if left[label] >= 0 else train).append((text, label))
        return train, held_out


def count_labels(rows: NameRows) -> dict[str, int]:
    """How many rows each label has, in alphabetical order."""
    return dict(sorted(Counter(label for _, label in rows).items()))


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_text(data: bytes | str) -> UserText:
    """Reads a text to learn from.

    Raises:
        ValueError: it is too large or too short, binary, or written in another alphabet.
    """
    text, encoding = _decode(data)
    normalized = normalize_prose(text).strip()
    counts = Counter(text)
    lost = {character: counts[character] for character in counts if not normalize_prose(character)}
    if text.strip() and not normalized:
        raise ValueError("Nothing in this text has an ASCII form: the networks here read the Latin alphabet.")
    limits.USER_TEXT_CHARACTERS.check_length(normalized, "text")
    return UserText(normalized, encoding, dict(sorted(lost.items(), key=lambda item: -item[1])))


def read_rows(
    data: bytes | str,
    delimiter: str | None = None,
    has_header: bool | None = None,
    text_column: int | None = None,
    label_column: int | None = None,
) -> UserRows:
    """Reads rows text,label; whatever is None is found out.

    Args:
        data: a CSV file's bytes, or what was pasted.
        delimiter: one of `DELIMITERS`.
        has_header: whether the first row names the columns.
        text_column, label_column: from 0. Found out: the label is in the column with fewer different values.

    Raises:
        ValueError: it is too large, binary, or holds no two classes of two usable rows each.
    """
    text, encoding = _decode(data)
    if delimiter is None:
        delimiter = _find_delimiter(text)
    limits.check_choice("delimiter", delimiter, DELIMITERS)
    table = _parse(text, delimiter)
    if not table:
        raise ValueError("There is no row: give rows text,label, one a line.")
    width = Counter(len(cells) for _, cells in table).most_common(1)[0][0]
    if width < 2:
        raise ValueError(
            "The rows have one column: give rows text,label, the two parted by a comma, a semicolon, a tab or |."
        )
    named = text_column, label_column
    for column in named:
        if column is not None:
            limits.Limit("column", 0, width - 1).check(column)
    body = [cells for _, cells in table if len(cells) == width]
    text_column, label_column = _find_columns(body[1:] or body, *named)
    if has_header is None:
        has_header = _looks_like_header(body, text_column, label_column)
    header = table[0][1] if has_header and len(table[0][1]) == width else []
    columns = tuple(cell.strip() or f"column {at}" for at, cell in enumerate(header, 1))
    rows, rejected = _read_table(table[1:] if has_header else table, width, text_column, label_column)
    rows, rejected = _without_single_rows(rows, rejected)
    own = UserRows(
        [(text, label) for _, text, label in rows],
        encoding,
        delimiter,
        has_header,
        columns or tuple(f"column {at}" for at in range(1, width + 1)),
        text_column,
        label_column,
        rejected,
    )
    _check_classes(own)
    return own


def _check_classes(own: UserRows) -> None:
    number, why = len(own.classes), f" (line {own.rejected[0].line}: {own.rejected[0].reason})" if own.rejected else ""
    if not own.rows:
        raise ValueError(f"None of the rows can be used{why}: give rows text,label, two at least of each label.")
    if number < 2:
        raise ValueError(
            f"All usable rows are labelled “{own.classes[0]}”: a classifier needs two labels, and two rows of each."
        )
    if number > limits.MAX_USER_CLASSES:
        raise ValueError(
            f"There are {number:,} different labels, and at most {limits.MAX_USER_CLASSES} can be told apart here: "
            "choose another column for the labels, or fewer of them."
        )


def _decode(data: bytes | str) -> tuple[str, str]:
    """The text in `data`, and the encoding that it was in."""
    if not isinstance(data, bytes | str):
        raise ValueError("Paste a text, or give a file.")
    size = len(data) if isinstance(data, bytes) else len(data.encode("utf-8", "surrogatepass"))
    if size > limits.MAX_USER_DATA_BYTES:
        raise ValueError(
            f"That is {size:,} bytes, and at most {limits.MAX_USER_DATA_BYTES:,} can be used here: take a part of it."
        )
    if isinstance(data, str):
        return data, "pasted"
    for mark, codec, name in _BYTE_ORDER_MARKS:
        if data.startswith(mark):
            try:
                return data.decode(codec), name
            except UnicodeDecodeError:
                break
    is_binary = b"\0" in data or sum(byte < 32 and byte not in b"\t\n\r\f" for byte in data[:10_000]) > 100
    if is_binary:
        raise ValueError("This is no text but a binary file: save it as plain text (.txt) or as CSV first.")
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        return data.decode("windows-1252", "replace"), "Windows-1252"


def _find_delimiter(text: str) -> str:
    """The delimiter that parts the first lines into equally many columns, two at least; of several, into the most."""
    lines = [line for line in text.splitlines() if line.strip()][:SNIFFED_LINES]

    def quality(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells)
        [(width, count)] = widths.most_common(1) or [(1, 0)]
        return (count / max(len(lines), 1) if width > 1 else 0.0, -width)

    return max(DELIMITERS, key=quality)


def _parse(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of the line it ends in."""
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise ValueError(
            f"Line {reader.line_num} cannot be read as CSV ({error}): quote its cells, or mend it."
        ) from None


def _find_columns(rows: Sequence[Sequence[str]], text: int | None, label: int | None) -> tuple[int, int]:
    """Which column holds the texts and which the labels: the fewer different values, the more of a label."""
    different = [len(set(column)) for column in zip(*rows, strict=True)]
    by_variety = sorted(range(len(different)), key=lambda at: (different[at], -at))
    if label is None:
        label = next(at for at in by_variety if at != text)
    if text is None:
        text = next(at for at in reversed(by_variety) if at != label)
    if text == label:
        raise ValueError("Texts and labels stand in two columns: choose another one for either.")
    return text, label


def _looks_like_header(rows: Sequence[Sequence[str]], text: int, label: int) -> bool:
    """Whether the first row names the columns: it says so in so many words, or its label stands nowhere else."""
    first, *others = rows
    if {cell.strip().lower() for cell in first} & _HEADER_WORDS:
        return True
    labels = Counter(cells[label].strip() for cells in others)
    return len(others) > 3 and first[label].strip() not in labels and min(labels.values()) > 1


def _read_table(
    table: Sequence[tuple[int, list[str]]], width: int, text: int, label: int
) -> tuple[list[tuple[int, str, str]], list[RejectedRow]]:
    """The rows that can be used as (line, text, label), and the others."""
    rows, rejected = [], []
    for line, cells in table:
        try:
            if len(cells) != width:
                raise ValueError(f"it has {len(cells)} columns, the others {width}")
            read, named = normalize_name(cells[text]), " ".join(cells[label].split())
            if not read or not named:
                raise ValueError(f"its {'label' if read else 'text'} is blank")
            if len(named) > limits.MAX_NAME_CHARACTERS:
                raise ValueError(f"its label is longer than {limits.MAX_NAME_CHARACTERS} characters")
            rows.append((line, read, named))
        except ValueError as mistake:
            rejected.append(RejectedRow(line, str(mistake).rstrip(".")))
    return rows, rejected


def _without_single_rows(
    rows: list[tuple[int, str, str]], rejected: list[RejectedRow]
) -> tuple[list[tuple[int, str, str]], list[RejectedRow]]:
    """Without the rows whose label no other row has: one is needed to learn from, and one to check on."""
    counts = Counter(label for _, _, label in rows)
    single = [
        RejectedRow(
            line, f"it is the only row labelled “{label}”, and a class needs two: one to learn from, one to check on"
        )
        for line, _, label in rows
        if counts[label] == 1
    ]
    return [row for row in rows if counts[row[2]] > 1], sorted(rejected + single)
