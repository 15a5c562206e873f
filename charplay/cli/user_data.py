"""A user's own data on the command line: the files and the options of how they are read."""

import argparse
import sys
from pathlib import Path

from charplay import limits
from charplay.cli.parser import Parser
from charplay.data.user_data import UserRows, UserText, read_row_files, read_text_files
from charplay.data.user_data.tables import DELIMITERS

ROWS, TEXT = "rows", "text"  # the two kinds of data
_DELIMITER_NAMES = {"comma": ",", "semicolon": ";", "tab": "\t", "\\t": "\t", "bar": "|", "pipe": "|"}


def add_user_data(parser: Parser, kind: str) -> None:
    """The arguments of a command that reads a user's data."""
    parser.add_argument("files", nargs="+", metavar="FILE", help="- is standard input")
    parser.add_argument("--encoding", metavar="E", help="default: detected")
    if kind == ROWS:
        parser.add_argument(
            "--delimiter", metavar="D", help="comma, semicolon, tab, bar or the character; default: detected"
        )
        parser.add_argument("--text-column", metavar="C", help="a name, or a number from 1; default: detected")
        parser.add_argument("--label-column", metavar="C", help="a name, or a number from 1; default: detected")
        parser.add_argument(
            "--header",
            action=argparse.BooleanOptionalAction,
            default=None,
            help="whether the first row names the columns; default: detected",
        )
        parser.add_argument("--merge-case", action="store_true", help="labels that differ by case alone are one")


def read_user_data(arguments: argparse.Namespace, kind: str) -> UserRows | UserText:
    """The data in the files that the arguments name.

    Raises:
        ValueError: it cannot be used; the sentence says what to change.
    """
    files = [(name, _content(name)) for name in arguments.files]
    if kind == TEXT:
        return read_text_files(files, arguments.encoding)
    delimiter = arguments.delimiter
    if delimiter is not None:
        delimiter = _DELIMITER_NAMES.get(delimiter, delimiter)
        if delimiter not in DELIMITERS:
            raise ValueError("The delimiter must be one of comma, semicolon, tab and bar.")
    return read_row_files(
        files,
        delimiter=delimiter,
        has_header=arguments.header,
        text_column=_column(arguments.text_column),
        label_column=_column(arguments.label_column),
        encoding=arguments.encoding,
        merge_case=arguments.merge_case,
    )


def _content(name: str) -> bytes:
    """A file's content, a byte more than the limit at most, so that too large a file is refused unread."""
    if name == "-":
        return sys.stdin.buffer.read(limits.MAX_USER_DATA_BYTES + 1)
    with Path(name).open("rb") as file:
        return file.read(limits.MAX_USER_DATA_BYTES + 1)


def _column(chosen: str | None) -> int | str | None:
    """A column's number from 0, or its name."""
    if chosen is None or not chosen.isdecimal():
        return chosen
    if int(chosen) < 1:
        raise ValueError("Columns are numbered from 1.")
    return int(chosen) - 1
