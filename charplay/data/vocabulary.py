"""The vocabulary of a model: which characters it knows, and the code of each, which selects a row of its embedding.

The shipped models have the lecture's: the 128 ASCII codes. A model of user data has the characters of its data.
"""

import functools
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
import torch

from charplay import limits
from charplay.data.text import ascii_form, compose, is_ignored, normalize_prose, quoted

PAD = 0  # the code of padding: NUL, which no text holds
END_OF_TEXT = "\n"  # the character that a conditional language model ends each of its texts with
ASCII_CHARACTERS = "".join(map(chr, range(128)))
UNKNOWN = "\ufffd"  # stands in a text for every character that the vocabulary lacks; it is never sampled


@dataclass(frozen=True)
class Vocabulary:
    """Characters <-> codes: the character of code i is `characters[i]`, and code 0 is the pad.

    A text "as the network reads it" holds characters of its vocabulary alone, so it has a code for each.
    """

    characters: str

    def __post_init__(self):
        is_text = all(not 0xD800 <= ord(character) < 0xE000 for character in self.characters)
        if self.characters[:1] != chr(PAD) or len(set(self.characters)) < len(self.characters) or not is_text:
            raise ValueError("A vocabulary must begin with the pad and have each character once.")
        limits.VOCABULARY_SIZE.check(self.size)

    @property
    def size(self) -> int:
        """The number of codes, that of the pad included."""
        return len(self.characters)

    @functools.cached_property
    def _codes(self) -> dict[str, int]:
        return {character: code for code, character in enumerate(self.characters)}

    @functools.cached_property
    def is_ascii(self) -> bool:
        """Whether it is the lecture's, by whose codes the shipped models were trained."""
        return self.characters == ASCII_CHARACTERS

    @functools.cached_property
    def _code_by_point(self) -> np.ndarray:
        """The code of each code point up to the highest in the vocabulary; -1 for those that it lacks."""
        points = [ord(character) for character in self.characters]
        table = np.full(max(points) + 1, -1)
        table[points] = np.arange(self.size)
        return table

    def check_size(self, size: int) -> None:
        """Raises `ValueError` if a network with embeddings of `size` codes has another vocabulary."""
        if self.size != size:
            raise ValueError(f"The network has {size} codes and not the {self.size} of this vocabulary.")

    def __contains__(self, character: str) -> bool:
        return character in self._codes

    def code_of(self, character: str) -> int:
        """The code of one character of the vocabulary."""
        return self._codes[character]

    def encode(self, text: str) -> torch.Tensor:
        """Text -> codes, int64 (characters,).

        Raises:
            ValueError: it has a character that is not in the vocabulary.
        """
        if not text:
            return torch.zeros(0, dtype=torch.long)
        if self.is_ascii:
            return torch.frombuffer(bytearray(text.encode("ascii")), dtype=torch.uint8).long()
        points = np.frombuffer(text.encode("utf-32-le"), "<u4")
        table = self._code_by_point
        codes = table[np.minimum(points, len(table) - 1)]
        is_missing = (codes < 0) | (points >= len(table))
        if is_missing.any():
            raise ValueError(f"The model's vocabulary has no {quoted(text[int(is_missing.argmax())])}.")
        return torch.from_numpy(codes)

    def decode(self, codes: torch.Tensor) -> str:
        """Codes (characters,) -> text."""
        return "".join([self.characters[code] for code in codes.tolist()])

    def read(self, text: str) -> str:
        """A text as the network reads it.

        Of the ASCII vocabulary the prose is normalised as that of the speeches was. In another one a character that it
        lacks is read as its ASCII form or without its accent, if it has that; otherwise as `UNKNOWN`.
        """
        if self.is_ascii:
            return normalize_prose(text)
        text = compose(text)
        lacking = set(text) - self._codes.keys()
        return text.translate({ord(character): self._nearest(character) for character in lacking})

    def _nearest(self, character: str) -> str:
        base = "".join(c for c in unicodedata.normalize("NFD", character) if not is_ignored(c))
        for form in (ascii_form(character), base):
            if form is not None and all(part in self for part in form):
                return form
        return UNKNOWN if UNKNOWN in self else ""

    def extended(self, characters: Iterable[str]) -> "Vocabulary":
        """This vocabulary with those of `characters` that it lacks, in their order; all codes stay what they are."""
        return Vocabulary("".join(dict.fromkeys([*self.characters, *characters])))


ASCII = Vocabulary(ASCII_CHARACTERS)  # the lecture's: the code of a character is its ASCII code


def vocabulary_of(counts: Mapping[str, int]) -> tuple[Vocabulary, dict[str, int]]:
    """The vocabulary of a model of user data: the pad, `UNKNOWN`, and the data's characters in order of code point.

    Args:
        counts: the data's characters, and how often each occurs.

    Returns:
        the vocabulary, with at most `limits.MAX_CHARACTERS` of them; the rarer characters, which are read as `UNKNOWN`,
        and their counts, the largest first.
    """
    ordered = sorted((c for c in counts if c not in (UNKNOWN, chr(PAD))), key=lambda c: (-counts[c], c))
    known, rare = ordered[: limits.MAX_CHARACTERS], ordered[limits.MAX_CHARACTERS :]
    return Vocabulary(chr(PAD) + UNKNOWN + "".join(sorted(known))), {c: counts[c] for c in rare}
