import random

import torch

from charplay.models.networks import FILTER_BYTES
from charplay.models.text_filter import add_texts, has_text


def random_texts(count, seed):
    letters = random.Random(seed)
    return sorted({"".join(letters.choices("abcdefghijklmnopq", k=12)) for _ in range(count)})


def test_texts_that_were_added_are_found_and_others_hardly_ever():
    bits = torch.zeros(FILTER_BYTES)
    added = random_texts(9_000, 1)
    add_texts(bits, added[:4_000])
    add_texts(bits, added[4_000:])
    assert all(has_text(bits, text) for text in added)
    others = set(random_texts(20_000, 2)) - set(added)
    assert sum(has_text(bits, text) for text in others) <= 5


def test_half_precision_keeps_every_byte():
    bits = torch.zeros(FILTER_BYTES)
    add_texts(bits, random_texts(9_000, 1))
    assert torch.equal(bits.half().float(), bits)


def test_any_text_can_be_looked_up():
    bits = torch.zeros(64)
    add_texts(bits, ["", "Ünïcödé", "\ud800"])
    assert all(has_text(bits, text) for text in ("", "Ünïcödé", "\ud800"))
    assert not has_text(bits, "other")
