"""A Bloom filter (Burton Bloom, 1970) of short texts, which a checkpoint carries to recognize its training texts.

The texts cannot be read from it. One that was added is always found; one in 10,000 others is found by chance, as long
as there are at most 13,000 in a filter of 32 kB.
"""

import hashlib
from collections.abc import Iterable, Iterator

import torch

HASHES = 13  # bits of a text: the best number at 20 bits a text


def _bits(text: str, size: int) -> Iterator[int]:
    """The numbers of a text's bits among `size`, by double hashing (Kirsch and Mitzenmacher 2006)."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
    first, step = int.from_bytes(digest[:8], "little"), int.from_bytes(digest[8:], "little") | 1
    return ((first + number * step) % size for number in range(HASHES))


def add_texts(filter_bytes: torch.Tensor, texts: Iterable[str]) -> None:
    """Adds texts to a filter in place; its bytes (bytes,) are whole numbers of any type that holds 255."""
    content = bytearray(filter_bytes.to(torch.uint8).tolist())
    for text in texts:
        for bit in _bits(text, 8 * len(content)):
            content[bit >> 3] |= 1 << (bit & 7)
    filter_bytes.copy_(torch.tensor(list(content)))


def has_text(filter_bytes: torch.Tensor, text: str) -> bool:
    """Whether the filter holds a text, or seems to by chance."""
    return all(int(filter_bytes[bit >> 3]) >> (bit & 7) & 1 for bit in _bits(text, 8 * len(filter_bytes)))
