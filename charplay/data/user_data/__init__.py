"""User data: a text for a language model, or rows text,label for a classifier; parsed, validated and split.

Encoding, delimiter, header and columns are detected and reported; rows that cannot be used are rejected, each with its
line and a reason. A user error raises `ValueError` with a message that says what to change.
"""

from charplay.data.user_data.rows import (
    MAX_REPORTED_ROWS,
    RejectedRow,
    UserRows,
    count_labels,
    read_row_files,
    read_rows,
)
from charplay.data.user_data.texts import UserText, read_text, read_text_files

__all__ = [
    "MAX_REPORTED_ROWS",
    "RejectedRow",
    "UserRows",
    "UserText",
    "count_labels",
    "read_row_files",
    "read_rows",
    "read_text",
    "read_text_files",
]
