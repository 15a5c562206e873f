"""Which row of a table is its header, and which columns hold the texts and the labels."""

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

# Usual names of columns, those that decide first.
_TEXT_NAMES = (
    "text", "texts", "sentence", "message", "msg", "content", "comment", "review", "tweet", "utterance", "phrase",
    "question", "body", "document", "surname", "last name", "lastname", "family name", "name", "names", "full name",
    "word", "headline", "title", "description", "input", "string", "query", "first name",
)  # fmt: skip
_LABEL_NAMES = (
    "label", "labels", "class", "category", "target", "country", "nationality", "language", "lang", "origin",
    "sentiment", "emotion", "intent", "topic", "genre", "kind", "type", "tag", "species", "author", "region", "output",
    "rating", "stars", "gender", "sex",
)  # fmt: skip
_OTHER_NAMES = (  # neither, where there is another column
    "id", "ids", "index", "idx", "nr", "row", "row id", "date", "datetime", "time", "timestamp", "year", "split",
    "fold", "subset", "partition", "url", "uri", "uuid", "created at", "updated at", "count", "frequency",
    "user id", "#",
)  # fmt: skip
_TEXT_RANK = {name: rank for rank, name in enumerate(_TEXT_NAMES)}
_LABEL_RANK = {name: rank for rank, name in enumerate(_LABEL_NAMES)}
_HEADER_WORDS = frozenset((*_TEXT_NAMES, *_LABEL_NAMES, *_OTHER_NAMES))
_SPLITS = frozenset(("train", "training", "test", "testing", "val", "valid", "validation", "dev"))
_DATE = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}([ T]\d{1,2}:\d{2}.*)?|\d{1,2}:\d{2}(:\d{2})?")
_NUMBER = re.compile(r"[-+]?\d+([.,]\d+)?")
_IDENTIFIER = re.compile(r"[A-Za-z]{0,3}[-_#]?\d+|[0-9a-fA-F]{8}-?[0-9a-fA-F-]{8,27}|https?://\S+")
MIN_HEADERLESS_ROWS = 3  # rows beyond which a label that no other row has makes the first row a header


class Columns(NamedTuple):
    """How a table's columns are read."""

    names: tuple[str, ...]  # from the header, or "column 1", "column 2"...
    has_header: bool
    text: int  # from 0
    label: int


Cells = Sequence[str]


def find_columns(
    rows: Sequence[Cells], has_header: bool | None, text: int | str | None, label: int | str | None
) -> Columns:
    """Finds the header and the two columns; each argument that is not None is taken as it is.

    Args:
        rows: of equal width, cells stripped.
        has_header: whether the first row names the columns.
        text, label: numbers from 0, or names in the header.

    Raises:
        ValueError: there is no such column, or none is left for the texts.
    """
    if has_header is None:
        has_header = isinstance(text, str) or isinstance(label, str) or _has_header_words(rows)
        if not has_header and not _repeats_header_words(rows):
            has_header = _stands_out(rows, _choose(rows[1:] or rows, (), None, None)[1])
    names = tuple(rows[0]) if has_header else ()
    chosen = [_number(column, names, len(rows[0])) for column in (text, label)]
    body = [row for row in (rows[1:] if has_header else rows) if not has_header or row != rows[0]] or rows
    text_column, label_column = _choose(body, tuple(map(_word, names)), *chosen)
    width = range(len(rows[0]))
    return Columns(
        tuple((names[at] if names else "") or f"column {at + 1}" for at in width), has_header, text_column, label_column
    )


def _word(cell: str) -> str:
    return " ".join(cell.casefold().replace("_", " ").strip(" :").split())


def _number(column: int | str | None, names: Cells, width: int) -> int | None:
    """The number of a column that the user has chosen by number or name."""
    if column is None:
        return None
    if isinstance(column, str):
        matching = [at for at, name in enumerate(names) if name == column]
        matching = matching or [at for at, name in enumerate(names) if _word(name) == _word(column)]
        if not matching:
            raise ValueError(f"There is no column “{column}”: the columns are {', '.join(names) or 'without names'}.")
        return matching[0]
    if isinstance(column, bool) or not isinstance(column, int) or not 0 <= column < width:
        raise ValueError(f"The column must be one of the {width} that there are.")
    return column


def _has_header_words(rows: Sequence[Cells]) -> bool:
    """Whether the first row holds a usual column name, which is none where its column holds such names throughout."""
    first = [_word(cell) for cell in rows[0]]
    is_all_words = all(not word or word in _HEADER_WORDS for word in first)
    others = [row for row in rows[1:] if not (is_all_words and row == rows[0])]  # a header may stand there again
    is_named = False
    for at, word in enumerate(first):
        if word in _HEADER_WORDS:
            is_named |= not any(_word(row[at]) in _HEADER_WORDS for row in others)
        elif word and any(row[at] == rows[0][at] for row in others):
            return False  # a value like those of the other rows
    return is_named


def _repeats_header_words(rows: Sequence[Cells]) -> bool:
    """Whether a usual column name in the first row stands in a column of such names."""
    return any(
        _word(cell) in _HEADER_WORDS and any(_word(row[at]) in _HEADER_WORDS for row in rows[1:])
        for at, cell in enumerate(rows[0])
    )


def _stands_out(rows: Sequence[Cells], label: int) -> bool:
    """Whether the first row is unlike the others: its label recurs nowhere and theirs do, or only it has no number."""
    first, *others = rows
    if len(others) < 2:
        return False
    for at, cell in enumerate(first):
        is_numeric = all(_NUMBER.fullmatch(row[at]) or _DATE.fullmatch(row[at]) for row in others)
        if is_numeric and not (_NUMBER.fullmatch(cell) or _DATE.fullmatch(cell)):
            return True
    labels = Counter(row[label] for row in others)
    return len(others) > MIN_HEADERLESS_ROWS and first[label] not in labels and min(labels.values()) > 1


def _choose(rows: Sequence[Cells], words: Cells, text: int | None, label: int | None) -> tuple[int, int]:
    """(text column, label column): by the header's words, otherwise by what the columns hold."""
    columns = [_Column(at, [row[at] for row in rows], words[at] if words else "") for at in range(len(rows[0]))]
    if text is not None and text == label:
        raise ValueError("Texts and labels stand in two columns: choose another one for either.")
    if label is None:
        label = min((column for column in columns if column.at != text), key=_Column.as_label).at
    if text is None:
        best = min((column for column in columns if column.at != label), key=_Column.as_text)
        if best.word in _OTHER_NAMES:
            raise ValueError(f"There is no column of texts: “{best.word}” holds none. Choose the columns.")
        text = best.at
    return text, label


class _Column:
    """A column, and how well it would do as texts or as labels."""

    def __init__(self, at: int, cells: Cells, word: str):
        self.at, self.word = at, word
        counts = Counter(cell for cell in cells if cell)
        self._is_empty = not counts
        self._distinct = len(counts)
        self._recurs = max(counts.values(), default=0) > 1
        self._length = sum(map(len, cells)) / max(len(cells), 1)
        self._is_other = word in _OTHER_NAMES or word.startswith("unnamed") or _is_other(counts)

    def as_label(self) -> tuple:
        """A key to sort by: the best label column first."""
        return (
            self._is_empty,
            _LABEL_RANK.get(self.word, len(_LABEL_RANK)),
            self.word in _TEXT_RANK,
            self._is_other,
            not self._recurs,
            self._distinct < 2,
            self._distinct,
            -self.at,
        )

    def as_text(self) -> tuple:
        """A key to sort by: the best text column first."""
        return (
            self._is_empty,
            _TEXT_RANK.get(self.word, len(_TEXT_RANK)),
            self._is_other,
            self.word in _LABEL_RANK,
            -self._distinct,
            -self._length,
            self.at,
        )


def _is_other(counts: Counter[str]) -> bool:
    """Whether a column's values are an index, identifiers, dates, or the parts of a data set."""
    values = list(counts)
    if not values:
        return False
    is_once = max(counts.values()) == 1 and len(values) > 1
    if is_once and all(map(_IDENTIFIER.fullmatch, values)):
        return True
    if all(map(_DATE.fullmatch, values)):
        return True
    return len(values) > 1 and all(value.casefold() in _SPLITS for value in values)
