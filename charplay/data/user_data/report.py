"""What was read of a user's data, as `charplay data summary` prints it."""

from collections import Counter
from typing import Any, TypedDict

from charplay.data.text import quoted
from charplay.data.user_data.rows import UserRows, count_labels
from charplay.data.user_data.texts import UserText

MAX_LISTED_ROWS = 1_000  # rows left out that a report lists; all of them are counted


class Report(TypedDict):
    """What is trained on, and what is not; of a text, what only rows have is None."""

    encoding: str
    delimiter: str | None  # None of JSON Lines
    has_header: bool | None
    text_column: str | int | None  # a name, or a number from 1 where there is no header
    label_column: str | int | None
    rows: int | None  # that can be used
    classes: dict[str, int] | None  # label -> rows
    characters: dict[str, int]  # that the network reads, and how often; `vocabulary.UNKNOWN` stands for all rarer ones
    first: list[Any]  # the first three as they were read: [text, label], or lines of a text
    left_out: list[dict[str, Any]]  # {"line", "reason"}
    left_out_count: int  # rows; of a text, characters


def report_on(data: UserRows | UserText) -> Report:
    """The report on a user's data."""
    if isinstance(data, UserText):
        return Report(
            encoding=data.encoding,
            delimiter=None,
            has_header=None,
            text_column=None,
            label_column=None,
            rows=None,
            classes=None,
            characters=count_characters(data),
            first=list(data.first),
            left_out=[
                {"line": None, "reason": f"{quoted(character)} is a control or format character: {count:,} times"}
                for character, count in list(data.dropped.items())[:MAX_LISTED_ROWS]
            ],
            left_out_count=sum(data.dropped.values()),
        )

    def name_of(column: int) -> str | int:
        return data.columns[column] if data.has_header else column + 1

    return Report(
        encoding=data.encoding,
        delimiter=data.delimiter,
        has_header=data.has_header,
        text_column=name_of(data.text_column),
        label_column=name_of(data.label_column),
        rows=len(data.rows),
        classes=count_labels(data.rows),
        characters=count_characters(data),
        first=[list(row) for row in data.first],
        left_out=[rejected._asdict() for rejected in data.rejected[:MAX_LISTED_ROWS]],
        left_out_count=len(data.rejected),
    )


def count_characters(data: UserRows | UserText) -> dict[str, int]:
    """The characters that a network reads in the data, and how often, the commonest first."""
    counts: Counter[str] = Counter(data.text) if isinstance(data, UserText) else Counter()
    if isinstance(data, UserRows):
        for text, _ in data.rows:
            counts.update(text)
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))
