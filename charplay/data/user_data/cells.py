"""A cell of a user's table -> the text that the network reads, or a label."""

import unicodedata
from collections import Counter

from charplay import limits
from charplay.data.text import JOINERS, ascii_form, quoted


class ControlCharacterError(ValueError):
    """A text holds a control character."""


def clean(cell: str) -> str:
    """Composed (NFC), without format characters; runs of spaces, tabs and line ends are one space."""
    if not cell.isascii():
        composed = unicodedata.normalize("NFC", cell)
        cell = "".join(character for character in composed if unicodedata.category(character) != "Cf")
    return " ".join(cell.split())


def clean_text(cell: str) -> str:
    """A cell's text as a classifier learns it: as `clean`, but joiners, which are part of the spelling, are kept.

    Raises:
        ControlCharacterError: it holds a control character.
    """
    text = " ".join(unicodedata.normalize("NFC", cell).split())
    if text.isascii() and text.isprintable():
        return text
    categories = {character: unicodedata.category(character) for character in set(text)}
    if control := [character for character, category in categories.items() if category in ("Cc", "Cs")]:
        raise ControlCharacterError(f"{quoted(control[0])} is a control character")
    text = "".join(character for character in text if categories[character] != "Cf" or character in JOINERS)
    return " ".join(text.strip(JOINERS).split())


def romanize(text: str, lost: Counter[str]) -> str:
    """A cleaned text in ASCII; signs without an ASCII form are dropped and counted in `lost`.

    Raises:
        ValueError: a letter has no ASCII form, or a character is a control character.
    """
    if text.isascii() and text.isprintable():
        return text
    parts = []
    for character in text:
        category = unicodedata.category(character)
        if category == "Cc":
            raise ValueError(f"{quoted(character)} is a control character")
        form = ascii_form(character)
        if form is None and category[0] in "LC":
            raise ValueError(f"{quoted(character)} has no ASCII form: give a romanised spelling")
        if form is None:
            lost[character] += 1
        parts.append(form or "")
    return " ".join("".join(parts).split())


def check_cell(cells: list[str]) -> None:
    """Raises `ValueError` if a cell is longer than any text is."""
    longest = max(map(len, cells))
    if longest > limits.MAX_USER_CELL_CHARACTERS:
        raise ValueError(
            f"it has a cell of {longest:,} characters, and at most {limits.MAX_USER_CELL_CHARACTERS:,} are read: "
            "is a quote in it not closed?"
        )
