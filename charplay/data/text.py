"""Text -> normalised ASCII -> codes, and back.

The lecture's input representation: a character is its ASCII code, 0 to 127, which selects a row of an embedding.
Input is normalised to ASCII; characters that NFKD does not decompose are looked up in `letter_table`.
"""

import re
import unicodedata

import torch

from charplay import limits
from charplay.data.letter_table import LETTERS, PUNCTUATION

VOCABULARY_SIZE = 128  # ASCII codes, 0 to 127
PAD = 0  # the code of padding: NUL, which no normalised text holds


def _is_printable_ascii(text: str) -> bool:
    return all(" " <= character <= "~" for character in text)


def _quoted(character: str) -> str:
    """`character` for an error message: by its code point alone if it cannot be displayed or encoded."""
    code = f"U+{ord(character):04X}"
    return f"“{character}” ({code})" if character.isprintable() else code


def normalize_name(name: object) -> str:
    """Normalises a name to printable ASCII: "Müller" -> "Muller", "Søren" -> "Soren", "  O’Brien " -> "O'Brien".

    Accents are removed (NFKD), runs of spaces become one, invisible formatting characters are dropped.

    Returns:
        The name as the network reads it, at most 64 characters; "" if there is nothing but spaces.

    Raises:
        ValueError: the name is too long, holds a control character, or a character without an ASCII form.
    """
    name = limits.check_text("name", name, limits.MAX_NAME_CHARACTERS).strip(" \t\r\n")
    if name.isascii() and name.isprintable():  # fast path for most names
        return " ".join(name.split())
    parts = []
    # NFC first, so that "u" + combining diaeresis is one character to look up and to quote.
    for character in unicodedata.normalize("NFC", name):
        category = unicodedata.category(character)
        if category == "Cf":
            continue
        if category == "Cc":
            raise ValueError(
                f"A name holds letters, spaces, apostrophes and hyphens, but no control character such as "
                f"{_quoted(character)}: please take it out."
            )
        replacement = LETTERS.get(character) or PUNCTUATION.get(character)
        ascii_form = replacement or "".join(
            c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)
        )
        if (not ascii_form and not unicodedata.combining(character)) or not _is_printable_ascii(ascii_form):
            raise ValueError(
                f"The model reads the Latin alphabet, and {_quoted(character)} has no ASCII form: "
                "please leave it out or type a romanised spelling."
            )
        parts.append(ascii_form)
    normalized = " ".join("".join(parts).split())
    return limits.check_text("name", normalized, limits.MAX_NAME_CHARACTERS)


def capitalize_name(name: str) -> str:
    """A normalised name typed in one case, as the training names are written: "ROSSI" -> "Rossi".

    A capital begins the name and follows an apostrophe or a hyphen; after a space the names have none ("De la cruz").
    A name in both cases stays as it is.
    """
    if name not in (name.lower(), name.upper()):
        return name
    return re.sub(r"(^|['-])([a-z])", lambda match: match[1] + match[2].upper(), name.lower())


def normalize_prose(text: str) -> str:
    """Normalises running text to newlines and printable ASCII, as the speeches were before training.

    NFKD; curly quotes become straight, en dashes "-", em dashes "--", tabs spaces; backslashes and characters without
    an ASCII form are dropped; runs of spaces become one, spaces around a newline are dropped, two or more newlines
    become two. The ends are not stripped: whether a prime ends in a space changes its continuation.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = unicodedata.normalize("NFKD", text)
    text = re.sub("[\u2018\u2019]", "'", text)
    text = re.sub("[\u201c\u201d]", '"', text)
    text = text.replace("\u2013", "-").replace("\u2014", "--").replace("\\", "").replace("\t", " ")
    text = re.sub(r"[^\n -~]", "", text)
    text = re.sub(" +", " ", text)
    text = re.sub(r" ?\n ?", "\n", text)
    return re.sub(r"\n{2,}", "\n\n", text)


def normalize_prime(prime: object) -> str:
    """Validates and normalises the text that a generation starts from.

    Raises:
        ValueError: it is not a string, too long, or nothing in it has an ASCII form.
    """
    if prime == "":
        raise ValueError("Write at least one character for the model to go on from.")
    return _normalize("prime", prime, limits.MAX_PRIME_CHARACTERS)


def normalize_document(text: object) -> str:
    """Validates and normalises a text for a language model to read.

    Raises:
        ValueError: it is not a string, empty, too long, or nothing in it has an ASCII form.
    """
    if text == "":
        raise ValueError("Write or paste a text of at least one character for the model to read.")
    return _normalize("text", text, limits.MAX_DOCUMENT_CHARACTERS)


def _normalize(what: str, text: object, max_characters: int) -> str:
    """Normalises prose; `what` names it in an error message."""
    text = limits.check_text(what, text, max_characters)
    normalized = normalize_prose(text)
    # Of another alphabet the punctuation may remain.
    is_foreign = any(map(str.isalpha, text)) and not any(map(str.isalnum, normalized))
    if not normalized or (text.strip() and not normalized.strip()) or is_foreign:
        raise ValueError(
            f"The model reads English letters, digits and punctuation, and this {what} has none to go by: "
            "please write it in the Latin alphabet."
        )
    # Checked again: NFKD can turn one character (a ligature) into 18.
    return limits.check_text(what, normalized, max_characters)


def count_without_ascii(text: str) -> int:
    """How many characters `normalize_prose` drops because they have no ASCII form, not counting accents."""
    text = unicodedata.normalize("NFC", text)
    dropped = {c for c in set(text) if not normalize_prose(c) and not unicodedata.combining(c)}
    return sum(text.count(character) for character in dropped)


def normalize_target(target: object) -> str:
    """Validates and normalises the line that a decoder learns: newlines become spaces, the ends are stripped.

    Raises:
        ValueError: it is not a string, too long or too short, or nothing in it has an ASCII form.
    """
    max_characters = int(limits.TARGET_CHARACTERS.high)
    target = limits.check_text("target text", target, max_characters)
    normalized = " ".join(normalize_prose(target).split())
    if target.strip() and not normalized:
        raise ValueError(
            "The decoders write English letters, digits and punctuation, and nothing in this target text is one: "
            "please write it in the Latin alphabet."
        )
    if len(normalized) < limits.TARGET_CHARACTERS.low:
        raise ValueError(
            f"The target text must have 2 to {max_characters} characters: each is predicted from those before it."
        )
    return limits.check_text("target text", normalized, max_characters)


def encode(text: str) -> torch.Tensor:
    """Text -> ASCII codes, int64 (characters,). Raises `UnicodeEncodeError` for other characters."""
    return (
        torch.frombuffer(bytearray(text.encode("ascii")), dtype=torch.uint8).long()
        if text
        else torch.zeros(0, dtype=torch.long)
    )


def decode(codes: torch.Tensor) -> str:
    """ASCII codes (characters,) -> text."""
    return bytes(codes.tolist()).decode("ascii")
