"""A user's text -> a table: rows of cells, each with the line that it begins in."""

import json
import re
from collections import Counter
from collections.abc import Sequence
from typing import Any, NamedTuple

from charplay import limits

DELIMITERS = ("\t", "|", ";", ",")  # in order of preference where two split a text equally well: rare in prose first
MAX_SNIFFED_LINES = 500  # lines from which the delimiter is detected
MAX_SNIFFED_CHARACTERS = 200_000  # of them
ROUND_QUALITY_TO = 1  # digits: two delimiters that differ by less are told apart by how they stand in the text
_DELIMITER_LINE = re.compile(r'\A"?sep=(.)"?\n')  # what a spreadsheet writes as a first line


class Row(NamedTuple):
    """A row of a table."""

    line: int  # where it begins, from 1
    cells: list[str]


class Table(NamedTuple):
    """A parsed file."""

    rows: list[Row]  # those that are not blank
    delimiter: str | None  # None: JSON
    has_header: bool | None  # None: to be detected


def parse(text: str, delimiter: str | None = None) -> Table:
    """The table in a text; without a delimiter, that is detected, and JSON Lines too.

    Raises:
        ValueError: the delimiter is none of `DELIMITERS`.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if delimiter is None and (objects := _parse_json(text)) is not None:
        return Table(objects, None, True)
    skipped = 0
    if found := _DELIMITER_LINE.match(text):
        delimiter = delimiter or (found[1] if found[1] in DELIMITERS else None)
        text, skipped = text[found.end() :], 1
    if delimiter is None:
        delimiter = detect_delimiter(text)
    limits.check_choice("delimiter", delimiter, DELIMITERS)
    rows = [Row(row.line + skipped, row.cells) for row in split_rows(text, delimiter)]
    return Table(rows, delimiter, None)


def _parse_json(text: str) -> list[Row] | None:
    """Rows of JSON objects, one a line or in one array, under a header of their keys; None: the text is none."""
    objects = _array_of_objects(text)
    if objects is None:
        lines = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
        if not lines or _as_object(lines[0][1]) is None:
            return None
        check_count(len(lines))
        objects = [(number, _as_object(line)) for number, line in lines]
    check_count(len(objects))
    keys = list(dict.fromkeys(key for _, values in objects if values is not None for key in values))
    rows = [Row(objects[0][0], keys)]
    for number, values in objects:
        # What is no object has one cell, and is left out for that.
        rows.append(Row(number, [""] if values is None else [_as_cell(values.get(key)) for key in keys]))
    return rows


def _array_of_objects(text: str) -> list[tuple[int, dict[str, Any] | None]] | None:
    """The values of a JSON array, numbered, since it may have no lines; None: the text is none."""
    if not re.match(r"\s*\[\s*\{", text):
        return None
    try:
        values = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return [(number, value if isinstance(value, dict) else None) for number, value in enumerate(values, 1)]


def _as_object(line: str) -> dict[str, Any] | None:
    if not line.lstrip().startswith("{"):
        return None
    try:
        values = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return values if isinstance(values, dict) else None


def _as_cell(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def detect_delimiter(text: str) -> str:
    """The delimiter that splits the first lines into equally many columns, one of which has values that recur."""
    lines = [line for line in text[:MAX_SNIFFED_CHARACTERS].split("\n") if line.strip()][:MAX_SNIFFED_LINES]
    sample = "\n".join(lines)
    return max(DELIMITERS, key=lambda delimiter: _quality(split_rows(sample, delimiter), delimiter, sample))


def _quality(rows: Sequence[Row], delimiter: str, sample: str) -> tuple[float, ...]:
    """How well a delimiter splits a text; compared from the left."""
    width = modal_width(rows)
    body = [row.cells for row in rows if len(row.cells) == width]
    columns = [column for column in zip(*body, strict=True) if any(cell.strip() for cell in column)]
    if len(columns) < 2:
        return (0.0,)
    best = max((_recurrence(column) for column in columns), key=lambda found: found[:2])
    recurring, negative_distinct, column_number = best[0], best[1], best[2]
    consistency = len(body) / len(rows)
    followed_by_space = sample.count(delimiter + " ") > 0.9 * sample.count(delimiter)
    holds_another = any(other in cell for cell in column_number for other in DELIMITERS)
    return (
        round(consistency * recurring, ROUND_QUALITY_TO),
        round(consistency, ROUND_QUALITY_TO),
        -followed_by_space,  # “, ” stands in prose
        -holds_another,
        -width if delimiter == "," else 0,
        negative_distinct,
    )


def _recurrence(column: Sequence[str]) -> tuple[float, int, Sequence[str]]:
    """(the share of cells whose value stands in another row too, minus the number of values, the column)."""
    counts = Counter(cell.strip() for cell in column)
    return sum(count for count in counts.values() if count > 1) / len(column), -len(counts), column


def modal_width(rows: Sequence[Row]) -> int:
    """The number of cells that most rows have."""
    return Counter(len(row.cells) for row in rows).most_common(1)[0][0] if rows else 0


def split_rows(text: str, delimiter: str) -> list[Row]:
    """The rows that are not blank.

    A quote opens a cell where it stands first in it, and closes it where the delimiter or the line's end follows; a
    quoted cell may hold both. A quote that is never closed, or whose cell would swallow lines that are rows by
    themselves, is a character like any other.
    """
    cell = re.compile(rf'[ ]*"((?:[^"]++|"")*+)"[ ]*(?=[\n{re.escape(delimiter)}]|\Z)')
    plain = re.compile(rf"[^\n{re.escape(delimiter)}]*")
    rows: list[Row] = []
    usual: _UsualRow | None = None
    at, line = 0, 1
    while at < len(text):
        end = text.find("\n", at)
        end = len(text) if end < 0 else end
        first_line = text[at:end]
        if '"' not in first_line:
            cells = first_line.split(delimiter)
        else:
            cells, stop = _split_quoted(text, at, cell, plain)
            if stop > end:
                usual = usual or _UsualRow(text, delimiter)
                if usual.is_swallowed(text[at:stop]):
                    cells, stop = _split_quoted(first_line, 0, cell, plain)[0], end
            end = stop
        if any(value.strip() for value in cells):
            rows.append(Row(line, cells))
            check_count(len(rows))
        line += 1 + text.count("\n", at, end)
        at = end + 1
    return rows


def check_count(rows: int) -> None:
    """Refuses a table of too many rows, before more memory is taken for them."""
    if rows > limits.MAX_USER_ROWS:
        raise ValueError(f"There are more than {limits.MAX_USER_ROWS:,} rows: take a part of them.")


def _split_quoted(text: str, at: int, cell: re.Pattern, plain: re.Pattern) -> tuple[list[str], int]:
    """(the cells of the row that begins at `at`, where it ends)."""
    cells = []
    while True:
        if found := cell.match(text, at):
            cells.append(found[1].replace('""', '"'))
        else:
            found = plain.match(text, at)
            assert found is not None  # it matches nothing, too
            cells.append(found[0])
        at = found.end()
        if at >= len(text) or text[at] == "\n":
            return cells, at
        at += 1


class _UsualRow:
    """What the lines without quotes look like: how many cells, and which values recur in each column."""

    def __init__(self, text: str, delimiter: str):
        self._delimiter = delimiter
        lines = [line for line in text.split("\n") if line.strip()]
        without = [line for line in lines if '"' not in line]
        rows = [Row(0, line.split(delimiter)) for line in (without if len(without) > 1 else lines)]
        self._width = modal_width(rows)
        cells = (row.cells for row in rows if len(row.cells) == self._width)
        counts = [Counter(cell.strip() for cell in column) for column in zip(*cells, strict=True)]
        self._recurring = [{value for value, count in column.items() if count > 1} for column in counts]

    def is_swallowed(self, span: str) -> bool:
        """Whether most lines of a row that spans several are rows by themselves."""
        first, *others = span.split("\n")
        if self._width < 2 or first.count(self._delimiter) + 1 != self._width:
            return False
        return 2 * sum(map(self._is_row, others)) >= len(others)

    def _is_row(self, line: str) -> bool:
        cells = line.split(self._delimiter)
        return len(cells) == self._width and any(
            value.strip() in recurring for value, recurring in zip(cells, self._recurring, strict=True)
        )
