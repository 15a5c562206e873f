"""Rows of text,label for a classifier: read from one file or several, checked, and split."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from charplay import limits
from charplay.data.datasets import NameRows
from charplay.data.user_data import tables
from charplay.data.user_data.cells import check_cell, clean, clean_text
from charplay.data.user_data.columns import Columns, find_columns
from charplay.data.user_data.decoding import check_size, decode
from charplay.data.user_data.texts import VALIDATION_SHARE, fingerprint
from charplay.data.vocabulary import Vocabulary, vocabulary_of

MAX_REPORTED_ROWS = 8  # rejected rows that a data summary lists
FIRST_ROWS = 3  # rows that a summary shows as they were read


class RejectedRow(NamedTuple):
    """A row that cannot be used."""

    line: int  # in the file, from 1
    reason: str


@dataclass(frozen=True)
class UserRows:
    """Labelled texts for a classifier."""

    rows: NameRows  # (text, label), texts as the network reads them
    vocabulary: Vocabulary  # of the texts
    encoding: str
    delimiter: str | None  # None: JSON Lines
    has_header: bool
    columns: tuple[str, ...]  # names from the header, or "column 1", "column 2"...
    text_column: int  # from 0
    label_column: int
    rejected: list[RejectedRow] = field(default_factory=list)
    first: NameRows = field(default_factory=list)  # the first ones, as they were read
    unknown: dict[str, int] = field(default_factory=dict)  # characters too rare for the vocabulary, and their counts
    cut: int = 0  # texts that were cut to `limits.MAX_USER_ROW_CHARACTERS`
    case_variants: tuple[tuple[str, ...], ...] = ()  # labels that differ by case alone
    known_classes: tuple[str, ...] = ()  # those of the model that is gone on from, in its order

    @property
    def classes(self) -> tuple[str, ...]:
        """The labels, in alphabetical order after the classes known before."""
        return self.known_classes + tuple(sorted({label for _, label in self.rows} - set(self.known_classes)))

    @property
    def fingerprint(self) -> str:
        """Identifies the rows in a checkpoint's header."""
        return fingerprint("\n".join(f"{text}\t{label}" for text, label in self.rows))

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


class _ReadRow(NamedTuple):
    """A usable row."""

    file: int  # number of its file
    line: int
    text: str
    label: str


def count_labels(rows: NameRows) -> dict[str, int]:
    """The number of rows of each label, in alphabetical order."""
    return dict(sorted(Counter(label for _, label in rows).items()))


class _Options(NamedTuple):
    """How files are read; those of `read_rows`."""

    delimiter: str | None = None
    has_header: bool | None = None
    text_column: int | str | None = None
    label_column: int | str | None = None
    encoding: str | None = None
    merge_case: bool = False


class _File(NamedTuple):
    """What was read of one file."""

    encoding: str
    delimiter: str | None
    columns: Columns
    usable: list[_ReadRow]
    rejected: list[RejectedRow]
    cut: int


def read_rows(
    data: bytes | str,
    delimiter: str | None = None,
    has_header: bool | None = None,
    text_column: int | str | None = None,
    label_column: int | str | None = None,
    encoding: str | None = None,
    merge_case: bool = False,
) -> UserRows:
    """Parses rows text,label, or JSON Lines; every argument that is None is detected.

    Args:
        data: a file's bytes, or a pasted text.
        delimiter: one of `tables.DELIMITERS`.
        has_header: whether the first row names the columns.
        text_column, label_column: numbers from 0, or names in the header.
        encoding: one of `decoding.ENCODINGS`.
        merge_case: labels that differ by case alone are one, in the commonest spelling.

    Raises:
        ValueError: it is too large, binary, or has less than two classes of two usable rows each.
    """
    return _read([("", data)], _Options(delimiter, has_header, text_column, label_column, encoding, merge_case))


def read_row_files(files: Sequence[tuple[str, bytes]], **options: Any) -> UserRows:
    """The rows of several files, (name, content), each detected by itself; `options` are those of `read_rows`."""
    check_size(sum(len(content) for _, content in files))
    return _read(files, _Options(**options))


def _read(files: Sequence[tuple[str, bytes | str]], options: _Options) -> UserRows:
    parts = []
    for number, (name, data) in enumerate(files):
        try:
            parts.append(_read_file(number, data, options))
        except ValueError as error:
            raise ValueError(f"{name}: {error}" if len(files) > 1 else str(error)) from None
    usable, variants = _match_case([row for part in parts for row in part.usable], options.merge_case)
    usable, single = _split_single_rows(usable)
    rejected = []
    for number, (name, _) in enumerate(files):
        of_file = parts[number].rejected + [rejected_row for at, rejected_row in single if at == number]
        prefix = f"{name}: " if len(files) > 1 else ""
        rejected += [RejectedRow(line, prefix + reason) for line, reason in sorted(of_file)]
    vocabulary, unknown = vocabulary_of(Counter(character for row in usable for character in row.text))
    first = parts[0]
    user_rows = UserRows(
        [(vocabulary.read(row.text) if unknown else row.text, row.label) for row in usable],
        vocabulary,
        ", ".join(dict.fromkeys(part.encoding for part in parts)),
        first.delimiter,
        first.columns.has_header,
        first.columns.names,
        first.columns.text,
        first.columns.label,
        rejected,
        first=[(row.text, row.label) for row in usable[:FIRST_ROWS]],
        unknown=unknown,
        cut=sum(part.cut for part in parts),
        case_variants=variants,
    )
    _check_classes(user_rows)
    return user_rows


def _read_file(number: int, data: bytes | str, options: _Options) -> _File:
    text, encoding = decode(data, options.encoding)
    table = tables.parse(text, options.delimiter)
    if not table.rows:
        raise ValueError("There is no row: give rows text,label, one a line.")
    rows, width = _pad(table.rows)
    if width < 2:
        raise ValueError(
            "The rows have one column: give rows text,label, separated by a comma, a semicolon, a tab or |."
        )
    columns = find_columns(
        [[clean(cell) for cell in row.cells] for row in rows if len(row.cells) == width],
        table.has_header if options.has_header is None else options.has_header,
        options.text_column,
        options.label_column,
    )
    return _File(encoding, table.delimiter, columns, *_usable_rows(number, rows, width, columns))


def _pad(rows: Sequence[tables.Row]) -> tuple[list[tables.Row], int]:
    """The rows, short and long ones brought to the usual width where only blank cells are added or dropped."""
    width = tables.modal_width(rows)
    body = [row.cells for row in rows if len(row.cells) == width]
    used = 0  # cells up to the last column that is not wholly empty
    for at in range(width):
        # A header may name a column that holds nothing.
        if any(cells[at].strip() for cells in body):
            used = at + 1
    padded = []
    for line, cells in rows:
        if used <= len(cells) < width:
            cells = cells + [""] * (width - len(cells))
        elif len(cells) > width and not any(cell.strip() for cell in cells[width:]):
            cells = cells[:width]
        padded.append(tables.Row(line, cells))
    return padded, width if used > 1 else used


def _usable_rows(
    file: int, table: Sequence[tables.Row], width: int, columns: Columns
) -> tuple[list[_ReadRow], list[RejectedRow], int]:
    """(usable rows, rejected rows, how many texts were cut)."""
    rows, rejected, cut = [], [], 0
    header = [clean(cell) for cell in table[0].cells] if columns.has_header else None
    for line, cells in table[1:] if columns.has_header else table:
        try:
            check_cell(cells)
            if len(cells) != width:
                hint = ", and a quote that is not closed" if any(cell.lstrip()[:1] == '"' for cell in cells) else ""
                columns_found = "1 column" if len(cells) == 1 else f"{len(cells)} columns"
                raise ValueError(f"it has {columns_found}{hint}, the others {width}")
            label = clean(cells[columns.label])
            if header is not None and [clean(cell) for cell in cells] == header:
                raise ValueError("it repeats the names of the columns")
            text = clean_text(cells[columns.text])
            if not text or not label:
                raise ValueError(f"its {'label' if text else 'text'} is blank")
            if len(label) > limits.MAX_NAME_CHARACTERS:
                raise ValueError(f"its label is longer than {limits.MAX_NAME_CHARACTERS} characters")
            if not label.isprintable():
                raise ValueError("its label holds a control character")
            cut += len(text) > limits.MAX_USER_ROW_CHARACTERS
            rows.append(_ReadRow(file, line, text[: limits.MAX_USER_ROW_CHARACTERS].rstrip(), label))
        except ValueError as error:
            rejected.append(RejectedRow(line, str(error).rstrip(".")))
    return rows, rejected, cut


def _match_case(rows: list[_ReadRow], is_merged: bool) -> tuple[list[_ReadRow], tuple[tuple[str, ...], ...]]:
    """(the rows, with labels that differ by case alone merged if they shall be; those labels)."""
    counts = Counter(row.label for row in rows)
    spellings: dict[str, list[str]] = {}
    for label in counts:
        spellings.setdefault(label.casefold(), []).append(label)
    variants = tuple(tuple(labels) for labels in spellings.values() if len(labels) > 1)
    if is_merged and variants:
        merged = {label: max(labels, key=counts.__getitem__) for labels in variants for label in labels}
        rows = [row._replace(label=merged.get(row.label, row.label)) for row in rows]
    return rows, variants


def _split_single_rows(rows: list[_ReadRow]) -> tuple[list[_ReadRow], list[tuple[int, RejectedRow]]]:
    """(the rows, those whose label no other row has with the number of their file).

    A class needs one row to train on and one to validate on.
    """
    counts = Counter(row.label for row in rows)
    single = [
        (
            row.file,
            RejectedRow(
                row.line,
                f"it is the only row labelled “{row.label}”, and a class needs two: one to learn from, one to check on",
            ),
        )
        for row in rows
        if counts[row.label] == 1
    ]
    return [row for row in rows if counts[row.label] > 1], single


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
