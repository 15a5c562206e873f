"""Text, normalised: to ASCII for the shipped models, to composed characters (NFC) for those of user data.

Characters that NFKD does not bring to ASCII are looked up in `letter_table`.
"""

import re
import unicodedata
from collections import Counter

from charplay import limits
from charplay.data.letter_table import LETTERS, PROSE_PUNCTUATION, PUNCTUATION

JOINERS = "\u200c\u200d"  # format characters that are part of the spelling: in Persian, in emoji of several
LINE_ENDS = "\n\r\v\f\x85\u2028\u2029"  # each of which is read as the first of them
KEPT = LINE_ENDS + "\t" + JOINERS  # control and format characters that a text may have


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


def is_dropped(character: str) -> bool:
    """Whether a text is trained on without a character: control, format and lone surrogate ones, but no joiners."""
    return character not in KEPT and unicodedata.category(character) in ("Cc", "Cf", "Cs")


def compose(text: str) -> str:
    """A text in any alphabet as a model of user data learns it: NFC, line ends "\\n", without what `is_dropped`.

    Nothing else changes: indentation, tabs and the number of spaces are part of a text.
    """
    text = unicodedata.normalize("NFC", text.replace("\r\n", "\n").translate(dict.fromkeys(map(ord, LINE_ENDS), "\n")))
    return text.translate(dict.fromkeys((ord(character) for character in set(text) if is_dropped(character)), ""))


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


_FIRST_LETTER = re.compile(r"(?:^|['-])[a-z]")


def capitalize_name(name: str) -> str:
    """A normalised name typed in one case, as the training names are written: "ROSSI" -> "Rossi".

    A capital begins the name and follows an apostrophe or a hyphen; after a space the names have none ("De la cruz").
    A name in both cases stays as it is.
    """
    if name not in (name.lower(), name.upper()):
        return name
    return _FIRST_LETTER.sub(lambda match: match[0].upper(), name.lower())


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


def unescape(text: str) -> str:
    r"""A text typed where no line can be broken: `\n` is a newline, `\t` a tab, `\\` a backslash."""
    return re.sub(r"\\([nt\\])", lambda match: {"n": "\n", "t": "\t", "\\": "\\"}[match[1]], text)


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
