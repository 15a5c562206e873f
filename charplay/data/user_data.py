"""User data: a text for a language model, or rows text,label for a classifier; parsed, validated and split.

Encoding, delimiter, header and columns are detected and reported; rows that cannot be used are rejected, each with its
line and a reason. A user error raises `ValueError` with a message that says what to change.
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

VALIDATION_SHARE = 0.1  # of a user's data that is held out for validation
MAX_VALIDATION_CHARACTERS = 20_000  # of a text; more would delay every evaluation for no better an estimate
MAX_REPORTED_ROWS = 8  # rejected rows that a data summary lists
DELIMITERS = (",", ";", "\t", "|")
MAX_SNIFFED_LINES = 20  # lines from which the delimiter is detected
# A first row that holds one of these is a header.
_HEADER_WORDS = frozenset(
    ("text", "name", "word", "sentence", "label", "class", "country", "category", "language", "gender", "origin")
)
_BYTE_ORDER_MARKS = (  # mark, codec, name
    (codecs.BOM_UTF8, "utf-8-sig", "UTF-8"),
    (codecs.BOM_UTF16_LE, "utf-16", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16", "UTF-16"),
)
MAX_SNIFFED_BYTES = 10_000  # bytes in which control characters are counted to tell a binary file
MAX_CONTROL_CHARACTERS = 100  # among them, of a text file


class RejectedRow(NamedTuple):
    """A row that cannot be used."""

    line: int  # in the file, from 1
    reason: str


@dataclass(frozen=True)
class UserText:
    """A text for a language model."""

    text: str  # as the network reads it
    encoding: str
    lost: dict[str, int]  # the characters dropped for having no ASCII form, and their counts

    @property
    def fingerprint(self) -> str:
        """Identifies the text in a checkpoint's header."""
        return _fingerprint(self.text)

    def split(self) -> tuple[str, str]:
        """(training text, its end held out for validation)."""
        held_out = min(int(len(self.text) * VALIDATION_SHARE), MAX_VALIDATION_CHARACTERS)
        return self.text[:-held_out], self.text[-held_out:]


@dataclass(frozen=True)
class UserRows:
    """Labelled texts for a classifier."""

    rows: NameRows  # (text, label), texts as the network reads them
    encoding: str
    delimiter: str
    has_header: bool
    columns: tuple[str, ...]  # names from the header, or "column 1", "column 2"...
    text_column: int  # from 0
    label_column: int
    rejected: list[RejectedRow]

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, in alphabetical order."""
        return tuple(sorted({label for _, label in self.rows}))

    @property
    def fingerprint(self) -> str:
        """Identifies the rows in a checkpoint's header."""
        return _fingerprint("\n".join(f"{text}\t{label}" for text, label in self.rows))

    def split(self, seed: int) -> tuple[NameRows, NameRows]:
        """(training rows, rows held out for validation): a share of each class, at least one row."""
        shuffled = self.rows.copy()
        random.Random(seed).shuffle(shuffled)
        counts = count_labels(self.rows)
        needed = {label: max(1, round(count * VALIDATION_SHARE)) for label, count in counts.items()}
        train: NameRows = []
        held_out: NameRows = []
        for text, label in shuffled:
            needed[label] -= 1
            (held_out if needed[label] >= 0 else train).append((text, label))
        return train, held_out


def count_labels(rows: NameRows) -> dict[str, int]:
    """The number of rows of each label, in alphabetical order."""
    return dict(sorted(Counter(label for _, label in rows).items()))


def _fingerprint(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def read_text(data: bytes | str) -> UserText:
    """Parses a text to train on.

    Raises:
        ValueError: it is too large, too short, binary, or in another alphabet.
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
    """Parses rows text,label; every argument that is None is detected.

    Args:
        data: a CSV file's bytes, or a pasted text.
        delimiter: one of `DELIMITERS`.
        has_header: whether the first row names the columns.
        text_column, label_column: from 0; by default the column with fewer distinct values holds the labels.

    Raises:
        ValueError: it is too large, binary, or has less than two classes of two usable rows each.
    """
    text, encoding = _decode(data)
    if delimiter is None:
        delimiter = _detect_delimiter(text)
    limits.check_choice("delimiter", delimiter, DELIMITERS)
    table = _parse(text, delimiter)
    if not table:
        raise ValueError("There is no row: give rows text,label, one a line.")
    width = Counter(len(cells) for _, cells in table).most_common(1)[0][0]
    if width < 2:
        raise ValueError(
            "The rows have one column: give rows text,label, the two parted by a comma, a semicolon, a tab or |."
        )
    chosen = text_column, label_column
    for column in chosen:
        if column is not None:
            limits.Limit("column", 0, width - 1).check(column)
    body = [cells for _, cells in table if len(cells) == width]
    text_column, label_column = _detect_columns(body[1:] or body, *chosen)
    if has_header is None:
        has_header = _looks_like_header(body, text_column, label_column)
    header = table[0][1] if has_header and len(table[0][1]) == width else []
    columns = tuple(cell.strip() or f"column {at}" for at, cell in enumerate(header, 1))
    rows, rejected = _usable_rows(table[1:] if has_header else table, width, text_column, label_column)
    rows, rejected = _drop_single_rows(rows, rejected)
    user_rows = UserRows(
        [(text, label) for _, text, label in rows],
        encoding,
        delimiter,
        has_header,
        columns or tuple(f"column {at}" for at in range(1, width + 1)),
        text_column,
        label_column,
        rejected,
    )
    _check_classes(user_rows)
    return user_rows


def _check_classes(user_rows: UserRows) -> None:
    classes, rejected = user_rows.classes, user_rows.rejected
    if not classes:
        why = f" (line {rejected[0].line}: {rejected[0].reason})" if rejected else ""
        raise ValueError(f"None of the rows can be used{why}: give rows text,label, two at least of each label.")
    if len(classes) < 2:
        raise ValueError(
            f"All usable rows are labelled “{classes[0]}”: a classifier needs two labels, and two rows of each."
        )
    if len(classes) > limits.MAX_USER_CLASSES:
        raise ValueError(
            f"There are {len(classes):,} different labels, and at most {limits.MAX_USER_CLASSES} can be told apart "
            "here: choose another column for the labels, or fewer of them."
        )


def _decode(data: bytes | str) -> tuple[str, str]:
    """(the text in `data`, its encoding)."""
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
    control_characters = sum(byte < 32 and byte not in b"\t\n\r\f" for byte in data[:MAX_SNIFFED_BYTES])
    if b"\0" in data or control_characters > MAX_CONTROL_CHARACTERS:
        raise ValueError("This is no text but a binary file: save it as plain text (.txt) or as CSV first.")
    try:
        return data.decode("utf-8"), "UTF-8"
    except UnicodeDecodeError:
        return data.decode("windows-1252", "replace"), "Windows-1252"


def _detect_delimiter(text: str) -> str:
    """The delimiter that splits most of the first lines into the same number of columns, at least two.

    Of several that do so equally well, the one that gives the fewest columns.
    """
    lines = [line for line in text.splitlines() if line.strip()][:MAX_SNIFFED_LINES]

    def quality(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(cells) for cells in csv.reader(lines, delimiter=delimiter) if cells)
        [(width, count)] = widths.most_common(1) or [(1, 0)]
        return (count / max(len(lines), 1) if width > 1 else 0.0, -width)

    return max(DELIMITERS, key=quality)


def _parse(text: str, delimiter: str) -> list[tuple[int, list[str]]]:
    """The rows that are not blank, each with the number of its last line."""
    reader = csv.reader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
    try:
        return [(reader.line_num, cells) for cells in reader if any(cell.strip() for cell in cells)]
    except csv.Error as error:
        raise ValueError(
            f"Line {reader.line_num} cannot be read as CSV ({error}): quote its cells, or mend it."
        ) from None


def _detect_columns(rows: Sequence[Sequence[str]], text: int | None, label: int | None) -> tuple[int, int]:
    """(text column, label column): unless chosen, the one with the fewest distinct values holds the labels."""
    distinct = [len(set(column)) for column in zip(*rows, strict=True)]
    by_variety = sorted(range(len(distinct)), key=lambda at: (distinct[at], -at))
    if label is None:
        label = next(at for at in by_variety if at != text)
    if text is None:
        text = next(at for at in reversed(by_variety) if at != label)
    if text == label:
        raise ValueError("Texts and labels stand in two columns: choose another one for either.")
    return text, label


def _looks_like_header(rows: Sequence[Sequence[str]], text: int, label: int) -> bool:
    """Whether the first row is a header: it holds a usual column name, or its label occurs in no other row."""
    first, *others = rows
    if {cell.strip().lower() for cell in first} & _HEADER_WORDS:
        return True
    labels = Counter(cells[label].strip() for cells in others)
    return len(others) > 3 and first[label].strip() not in labels and min(labels.values()) > 1


def _usable_rows(
    table: Sequence[tuple[int, list[str]]], width: int, text: int, label: int
) -> tuple[list[tuple[int, str, str]], list[RejectedRow]]:
    """(usable rows as (line, text, label), rejected rows)."""
    rows, rejected = [], []
    for line, cells in table:
        try:
            if len(cells) != width:
                raise ValueError(f"it has {len(cells)} columns, the others {width}")
            normalized, label_text = normalize_name(cells[text]), " ".join(cells[label].split())
            if not normalized or not label_text:
                raise ValueError(f"its {'label' if normalized else 'text'} is blank")
            if len(label_text) > limits.MAX_NAME_CHARACTERS:
                raise ValueError(f"its label is longer than {limits.MAX_NAME_CHARACTERS} characters")
            rows.append((line, normalized, label_text))
        except ValueError as error:
            rejected.append(RejectedRow(line, str(error).rstrip(".")))
    return rows, rejected


def _drop_single_rows(
    rows: list[tuple[int, str, str]], rejected: list[RejectedRow]
) -> tuple[list[tuple[int, str, str]], list[RejectedRow]]:
    """Rejects rows whose label no other row has: a class needs one row to train on and one to validate on."""
    counts = Counter(label for _, _, label in rows)
    single = [
        RejectedRow(
            line, f"it is the only row labelled “{label}”, and a class needs two: one to learn from, one to check on"
        )
        for line, _, label in rows
        if counts[label] == 1
    ]
    return [row for row in rows if counts[row[2]] > 1], sorted(rejected + single)
