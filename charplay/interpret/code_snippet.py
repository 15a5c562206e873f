"""PyTorch code that pads and packs the names of a batch, to copy and run anywhere; nothing is run here."""

from collections.abc import Sequence

from charplay.data.vocabulary import ASCII, Vocabulary

MAX_LINE_CHARACTERS = 88  # of a line of names; more would not fit a projector

_LINES = """\
import torch
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence, pad_sequence

names = [
{names}
]

{codes}
lengths = torch.tensor([len(row) for row in rows])
{order}
padded = pad_sequence(rows, batch_first=True)  # (batch, time): {shape}
packed = pack_padded_sequence(padded, lengths, batch_first=True, enforce_sorted={is_sorted})
unpacked, _ = pad_packed_sequence(packed, batch_first=True)

print(padded)
print(lengths)
print(packed.data)  # {cells} codes, one step of time after another
print(packed.batch_sizes)  # names that still have a character at each step
print(torch.equal(unpacked, padded))  # nothing is lost
"""
_ASCII_CODES = """\
# a character is its ASCII code; 0 is no character, and pads
rows = [torch.tensor([ord(character) for character in name]) for name in names]"""
_OWN_CODES = """\
# a character's code is its place in the model's vocabulary; 0 is no character, and pads
codes = {{
{codes}
}}
rows = [torch.tensor([codes[character] for character in name]) for name in names]"""
_SORTED = """\
order = lengths.argsort(descending=True, stable=True)  # the longest first
rows, lengths = [rows[index] for index in order], lengths[order]
"""


def snippet(names: Sequence[str], sort: bool, vocabulary: Vocabulary = ASCII) -> str:
    """The code for a batch of `names` as a model reads them, sorted by length or in the order given.

    Names are quoted with `repr`, so that none of them can become code.
    """
    lengths = [len(name) for name in names]
    return _LINES.format(
        codes=_ASCII_CODES if vocabulary.is_ascii else _own_codes(names, vocabulary),
        names=_wrapped([repr(name) for name in names]),
        order=_SORTED if sort else "",
        shape=(len(names), max(lengths)),
        is_sorted=sort,
        cells=sum(lengths),
    )


def _own_codes(names: Sequence[str], vocabulary: Vocabulary) -> str:
    """The lines that look up the codes of the names' characters."""
    codes = [f"{character!r}: {vocabulary.code_of(character)}" for character in sorted(set("".join(names)))]
    return _OWN_CODES.format(codes=_wrapped(codes))


def _wrapped(quoted: Sequence[str]) -> str:
    """Items of a list or a dict, wrapped into lines."""
    lines = [""]
    for item in quoted:
        if lines[-1] and len(lines[-1]) + len(item) + 2 > MAX_LINE_CHARACTERS:
            lines.append("")
        lines[-1] += f"{' ' if lines[-1] else '    '}{item},"
    return "\n".join(lines)
