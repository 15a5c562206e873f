"""Scaling how likely a language model writes the texts that it was trained on."""

import itertools

import pytest
import torch

from charplay.data.vocabulary import END_OF_TEXT
from charplay.training.known_texts import OUTSIDE, PRIOR_ROWS, ROOT, KnownTexts, known_shares

ALPHABET = END_OF_TEXT + "ab"
CLASSES = ("First", "Second", "Third")
ROWS = [("ab", "First"), ("a", "First"), ("ba", "Second"), ("ab", "Second"), ("ab", "First")]
LONGEST = 3  # characters; after them every text ends


class _Chain:
    """Texts of one class: each character depends on its position and on the one before."""

    def __init__(self):
        self._texts = [""]

    def probabilities(self) -> torch.Tensor:
        return torch.stack([self._after(text) for text in self._texts])

    def append(self, characters: torch.Tensor, rows: torch.Tensor) -> None:
        self._texts = [
            self._texts[row] + ALPHABET[character]
            for row, character in zip(rows.tolist(), characters.tolist(), strict=True)
        ]

    @staticmethod
    def _after(text: str) -> torch.Tensor:
        if len(text) == LONGEST:
            return torch.tensor([1.0, 0.0, 0.0])
        logits = torch.tensor([-2.0 + len(text), 0.3 * len(text), 0.5])
        return (logits + torch.tensor([0.0, text.endswith("b"), text.endswith("a")])).softmax(0)


def _probability(text: str, known: KnownTexts | None = None, label: int = 0) -> float:
    """Of a whole text, by the chain or as `known` scales it."""
    node, total = torch.tensor([ROOT]), 1.0
    for end in range(len(text) + 1):
        character = ALPHABET.index((text + END_OF_TEXT)[end])
        probabilities = _Chain._after(text[:end])[None].double()
        if known is not None:
            probabilities = known.scaled(probabilities, torch.tensor([label]), node)
            node = known.children[node, character]
        total *= probabilities[0, character].item()
    return total


TEXTS = ["".join(letters) for size in range(LONGEST + 1) for letters in itertools.product("ab", repeat=size)]


@pytest.mark.parametrize(("label", "texts"), [(0, {"ab", "a"}), (1, {"ba", "ab"})])
@pytest.mark.parametrize("share", [0.05, 0.6])
def test_known_texts_get_their_share_and_nothing_else_changes(label, texts, share):
    known = KnownTexts(ROWS, CLASSES, ALPHABET)
    known.scale(label, _Chain(), share)
    before = {text: _probability(text) for text in TEXTS}
    after = {text: _probability(text, known, label) for text in TEXTS}
    assert sum(before.values()) == pytest.approx(1)
    assert sum(after[text] for text in texts) == pytest.approx(share)
    by_known = sum(before[text] for text in texts)
    for text in TEXTS:
        scale = share / by_known if text in texts else (1 - share) / (1 - by_known)
        assert after[text] == pytest.approx(before[text] * scale)


def test_a_class_without_texts_stays_as_it_is():
    known = KnownTexts(ROWS, CLASSES, ALPHABET)
    known.scale(2, _Chain(), 0.1)
    assert all(_probability(text, known, 2) == pytest.approx(_probability(text)) for text in TEXTS)


def test_beginnings_that_no_known_text_has_are_one_node():
    known = KnownTexts(ROWS, CLASSES, ALPHABET)
    assert (known.children[OUTSIDE] == OUTSIDE).all()
    assert known.children[ROOT].tolist().count(OUTSIDE) == 1  # the end: no text is empty


def test_a_row_is_known_if_another_one_has_its_text_and_label():
    shares = known_shares(ROWS, CLASSES).tolist()
    mean = 2 / len(ROWS)  # both rows of "ab", First
    assert shares == pytest.approx(
        [(2 + PRIOR_ROWS * mean) / (3 + PRIOR_ROWS), PRIOR_ROWS * mean / (2 + PRIOR_ROWS), mean]
    )
