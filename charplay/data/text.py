"""Characters <-> codes: what a person typed is brought to ASCII, and ASCII is what the networks read.

The lecture's input representation: a character is its ASCII code, 0 to 127, and a code picks a row of an
embedding. Code 0 (NUL) never occurs in a text and serves as padding.
"""

import re
import unicodedata

import torch

from charplay import limits
from charplay.data.letter_table import LETTERS, PUNCTUATION

VOCABULARY_SIZE = 128
PAD = 0


def _printable(text: str) -> bool:
    return all(" " <= character <= "~" for character in text)


def _readable(character: str) -> str:
    """`character` as a sentence can show it, also one that no font has or no encoder takes."""
    code = f"U+{ord(character):04X}"
    return f"“{character}” ({code})" if character.isprintable() else code


def normalize_name(name: object) -> str:
    """Brings a name to printable ASCII: "Müller" -> "Muller", "Søren" -> "Soren", "  O’Brien " -> "O'Brien".

    Accents go (NFKD), runs of blanks become one, invisible formatting marks are dropped.

    Returns:
        The name as the network reads it, at most 64 characters; "" for a blank one.

    Raises:
        ValueError: the name is too long, holds a control character, or a character without an ASCII form.
    """
    name = limits.check_text("name", name, limits.MAX_NAME_CHARACTERS).strip(" \t\r\n")
    if name.isascii() and name.isprintable():  # most are, and need none of what follows
        return " ".join(name.split())
    read = []
    # NFC first, so that "u" + combining diaeresis is one character to look up and to name in a sentence.
    for character in unicodedata.normalize("NFC", name):
        category = unicodedata.category(character)
        if category == "Cf":
            continue
        if category == "Cc":
            raise ValueError(
                f"A name holds letters, blanks, apostrophes and hyphens, but no control character such as "
                f"{_readable(character)}: please take it out."
            )
        known = LETTERS.get(character) or PUNCTUATION.get(character)
        ascii_form = known or "".join(
            c for c in unicodedata.normalize("NFKD", character) if not unicodedata.combining(c)
        )
        if (not ascii_form and not unicodedata.combining(character)) or not _printable(ascii_form):
            raise ValueError(
                f"The model reads the Latin alphabet, and {_readable(character)} has no ASCII form: "
                "please leave it out or type a romanised spelling."
            )
        read.append(ascii_form)
    normalized = " ".join("".join(read).split())
    return limits.check_text("name", normalized, limits.MAX_NAME_CHARACTERS)


def normalize_prose(text: str) -> str:
    """Brings running text to newlines and printable ASCII, as the speeches were before training.

    NFKD; curly quotes to straight ones, en dash to "-", em dash to "--", backslashes dropped; tabs are blanks;
    what has no ASCII form goes; runs of blanks become one, blanks around a newline go, two and more newlines
    become two. Both ends stay as they are: whether a prime ends in a blank matters to its continuation.
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
    """Checks and normalises the text that a generation begins with.

    Raises:
        ValueError: it is no text, too long, or nothing in it has an ASCII form.
    """
    if prime == "":
        raise ValueError("Write at least one character for the model to go on from.")
    return _normalize("prime", prime, limits.MAX_PRIME_CHARACTERS)


def normalize_document(text: object) -> str:
    """Checks and normalises a text that a language model is to read.

    Raises:
        ValueError: it is no text, empty, too long, or nothing in it has an ASCII form.
    """
    if text == "":
        raise ValueError("Write or paste a text of at least one character for the model to read.")
    return _normalize("text", text, limits.MAX_DOCUMENT_CHARACTERS)


def _normalize(what: str, text: object, longest: int) -> str:
    text = limits.check_text(what, text, longest)
    normalized = normalize_prose(text)
    is_foreign = any(map(str.isalpha, text)) and not any(map(str.isalnum, normalized))  # its full stops may remain
    if not normalized or (text.strip() and not normalized.strip()) or is_foreign:
        raise ValueError(
            f"The model reads English letters, digits and punctuation, and this {what} has none to go by: "
            "please write it in the Latin alphabet."
        )
    # Ligatures grow when they are taken apart (one character can become 18).
    return limits.check_text(what, normalized, longest)


def count_without_ascii(text: str) -> int:
    """How many characters `normalize_prose` leaves out because they have no ASCII form, accents not counted."""
    text = unicodedata.normalize("NFC", text)
    lost = {c for c in set(text) if not normalize_prose(c) and not unicodedata.combining(c)}
    return sum(text.count(character) for character in lost)


def normalize_target(target: object) -> str:
    """Checks and normalises the one line of text that a decoder learns: a newline is a blank, and the ends have none.

    Raises:
        ValueError: it is no text, too long or too short, or nothing in it has an ASCII form.
    """
    most = int(limits.TARGET_CHARACTERS.high)
    target = limits.check_text("target text", target, most)
    normalized = " ".join(normalize_prose(target).split())
    if target.strip() and not normalized:
        raise ValueError(
            "The decoders write English letters, digits and punctuation, and nothing in this target text is one: "
            "please write it in the Latin alphabet."
        )
    if len(normalized) < limits.TARGET_CHARACTERS.low:
        raise ValueError(f"The target text must have 2 to {most} characters: each is predicted from those before it.")
    return limits.check_text("target text", normalized, most)


def encode(text: str) -> torch.Tensor:
    """Text -> ASCII codes, int64 of shape (characters,). Raises `UnicodeEncodeError` outside ASCII."""
    return (
        torch.frombuffer(bytearray(text.encode("ascii")), dtype=torch.uint8).long()
        if text
        else torch.zeros(0, dtype=torch.long)
    )


def decode(codes: torch.Tensor) -> str:
    """ASCII codes (characters,) -> text."""
    return bytes(codes.tolist()).decode("ascii")
