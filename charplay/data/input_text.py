"""What is typed for a language model, checked, and as the model reads it; and what in it the model never saw."""

import unicodedata

from charplay import limits
from charplay.data.vocabulary import ASCII, UNKNOWN, Vocabulary


def read_prime(prime: object, vocabulary: Vocabulary = ASCII) -> str:
    """The text that a generation starts from, as the network reads it.

    Raises:
        ValueError: it is not a string, too long, or nothing in it can be read.
    """
    if prime == "":
        raise ValueError("Write at least one character for the model to go on from.")
    return _read("prime", prime, limits.MAX_PRIME_CHARACTERS, vocabulary)


def read_document(text: object, vocabulary: Vocabulary = ASCII) -> str:
    """A text for a language model to look into, as the network reads it.

    Raises:
        ValueError: it is not a string, empty, too long, or nothing in it can be read.
    """
    if text == "":
        raise ValueError("Write or paste a text of at least one character for the model to read.")
    return _read("text", text, limits.MAX_DOCUMENT_CHARACTERS, vocabulary)


def read_stop_mark(mark: object, vocabulary: Vocabulary = ASCII) -> str:
    """The string at which a generation ends, as the network writes it; "" for none.

    Raises:
        ValueError: it is not a string, too long, or has a character that the model cannot write.
    """
    mark = limits.check_text("stop mark", mark, limits.MAX_STOP_MARK_CHARACTERS)
    read = vocabulary.read(mark)
    if (mark and not read) or UNKNOWN in read:
        known = "writes English letters, digits and punctuation" if vocabulary.is_ascii else "lacks some of its letters"
        raise ValueError(f"The model {known}: no such stop mark can come.")
    return limits.check_text("stop mark", read, limits.MAX_STOP_MARK_CHARACTERS)


def _read(what: str, text: object, max_characters: int, vocabulary: Vocabulary) -> str:
    """`what` names the text in an error message."""
    text = limits.check_text(what, text, max_characters)
    read = vocabulary.read(text)
    if vocabulary.is_ascii:
        # Of another alphabet the punctuation may remain.
        is_foreign = any(map(str.isalpha, text)) and not any(map(str.isalnum, read))
        if not read or (text.strip() and not read.strip()) or is_foreign:
            raise ValueError(
                f"The model reads English letters, digits and punctuation, and this {what} has none to go by: "
                "please write it in the Latin alphabet."
            )
    elif not read:
        raise ValueError(f"Nothing in this {what} is a character: please write at least one.")
    # Checked again: one character (a ligature) can become 18.
    return limits.check_text(what, read, max_characters)


def unseen_characters(text: str, vocabulary: Vocabulary, alphabet: str) -> list[str]:
    """The characters of a typed text that are not in a model's training data, each once, as typed.

    A character that is read as others, such as "é" as "e", counts as those do; one that is dropped does not count.
    """
    seen = set(alphabet)

    def read(character: str) -> str:
        return character if vocabulary.is_ascii and character.isascii() else vocabulary.read(character)

    characters = dict.fromkeys(unicodedata.normalize("NFC", text))
    return [character for character in characters if not character.isspace() and not set(read(character)) <= seen]
