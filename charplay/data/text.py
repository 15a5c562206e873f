"""Text -> normalised ASCII -> codes, and back.

The lecture's input representation: a character is its ASCII code, 0 to 127, which selects a row of an embedding.
Input is normalised to ASCII; characters that NFKD does not decompose are looked up in `letter_table`.
"""

import re
import unicodedata
from collections import Counter

import torch

from charplay import limits
from charplay.data.letter_table import LETTERS, PROSE_PUNCTUATION, PUNCTUATION

VOCABULARY_SIZE = 128  # ASCII codes, 0 to 127
PAD = 0  # the code of padding: NUL, which no normalised text holds


def _is_printable_ascii(text: str) -> bool:
    return all(" " <= character <= "~" for character in text)


def quoted(character: str) -> str:
    """`character` for an error message: by its code point alone if it cannot be displayed or encoded."""
    code = f"U+{ord(character):04X}"
    return f"“{character}” ({code})" if character.isprintable() else code


def is_ignored(character: str) -> bool:
    """Whether a character adds nothing of its own: a combining mark, a variation selector, or a format character."""
    return unicodedata.category(character) in ("Mn", "Me", "Cf")


def ascii_form(character: str) -> str | None:
    """The printable ASCII that stands for one composed character in a name; None: there is none."""
    for table in (LETTERS, PUNCTUATION):
        if character in table:
            return table[character]
    if is_ignored(character):
        return ""
    decomposed = "".join(c for c in unicodedata.normalize("NFKD", character) if not is_ignored(c))
    form = decomposed.translate(_NAME_TABLE)
    return form if form and _is_printable_ascii(form) else None


_NAME_TABLE = str.maketrans(LETTERS | PUNCTUATION)
_PROSE_TABLE = str.maketrans(LETTERS | PROSE_PUNCTUATION)


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
        if unicodedata.category(character) == "Cc":
            raise ValueError(
                f"A name holds letters, spaces, apostrophes and hyphens, but no control character such as "
                f"{quoted(character)}: please take it out."
            )
        form = ascii_form(character)
        if form is None:
            raise ValueError(
                f"The model reads the Latin alphabet, and {quoted(character)} has no ASCII form: "
                "please leave it out or type a romanised spelling."
            )
        parts.append(form)
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

    NFKD and the letter table; curly quotes become straight, en dashes "-", em dashes "--", tabs spaces; backslashes
    and characters without an ASCII form are dropped; runs of spaces become one, spaces around a newline are dropped,
    two or more newlines become two. The ends are not stripped: whether a prime ends in a space changes its
    continuation.
    """
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    # Looked up twice: NFKD would make a space of the acute accent, and makes “Ø” and a mark of “Ǿ”.
    text = unicodedata.normalize("NFKD", text.translate(_PROSE_TABLE)).translate(_PROSE_TABLE)
    text = text.replace("\\", "").replace("\t", " ")
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


def unescape(text: str) -> str:
    r"""A text typed where no line can be broken: `\n` is a newline, `\t` a tab, `\\` a backslash."""
    return re.sub(r"\\([nt\\])", lambda match: {"n": "\n", "t": "\t", "\\": "\\"}[match[1]], text)


def normalize_stop_mark(mark: object) -> str:
    """Validates and normalises the string at which a generation ends; "" for none.

    Raises:
        ValueError: it is not a string, too long, or nothing in it has an ASCII form.
    """
    mark = limits.check_text("stop mark", mark, limits.MAX_STOP_MARK_CHARACTERS)
    normalized = normalize_prose(mark)
    if mark and not normalized:
        raise ValueError("The model writes English letters, digits and punctuation: no such stop mark can come.")
    return limits.check_text("stop mark", normalized, limits.MAX_STOP_MARK_CHARACTERS)


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


def without_ascii(text: str) -> dict[str, int]:
    """The characters that `normalize_prose` drops for having no ASCII form, and their counts, largest first."""
    counts = Counter(unicodedata.normalize("NFC", text))
    dropped = {
        c: count for c, count in counts.items() if not (normalize_prose(c) or is_ignored(c) or c in PROSE_PUNCTUATION)
    }
    return dict(sorted(dropped.items(), key=lambda item: -item[1]))


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
