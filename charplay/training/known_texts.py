"""The texts that a language model was trained on, and how often it should write one of them again.

Networks that have learnt a few thousand names by heart write them too often: of the Russian names that those of
`conditional_distillation` write, one in six stands among those they were trained on, of new ones one in a hundred.
`KnownTexts` scales the probability of a class's known texts, and that of all others, to what it should be. It is exact
at each character: what the probability of a beginning is scaled by is the mean over all texts that begin so.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import torch

from charplay.data.datasets import NameRows
from charplay.data.vocabulary import END_OF_TEXT

PRIOR_ROWS = 3.0  # rows that a class's own are added to for its share of known texts, all classes' mean among them
OUTSIDE, ROOT = range(2)  # the node of all beginnings that no known text has, and that of the empty beginning


class Writing(Protocol):
    """Texts that are written side by side, as by `conditional_distillation.Teachers`."""

    def probabilities(self) -> torch.Tensor:
        """Of each character of the alphabet after each text, float32 (batch, alphabet)."""

    def append(self, characters: torch.Tensor, rows: torch.Tensor) -> None:
        """Goes on with the given rows of the batch alone, each of which has a character of the alphabet appended."""


def known_shares(rows: NameRows, classes: Sequence[str]) -> torch.Tensor:
    """How many texts of a class stand among its others, float64 (classes,): each row is judged by all other rows."""
    repeats = Counter(rows)
    labels = torch.tensor([classes.index(label) for _, label in rows])
    known = torch.tensor([repeats[row] > 1 for row in rows]).double()
    counts = labels.bincount(minlength=len(classes))
    found = labels.bincount(known, len(classes))
    return (found + PRIOR_ROWS * known.mean()) / (counts + PRIOR_ROWS)


class KnownTexts:
    """All beginnings of the known texts as a tree, whose leaves are the ends of texts."""

    def __init__(self, rows: NameRows, classes: Sequence[str], alphabet: str):
        self._end = alphabet.index(END_OF_TEXT)
        children = [[OUTSIDE] * len(alphabet), [OUTSIDE] * len(alphabet)]
        leaves: dict[str, int] = {}
        for text in dict.fromkeys(text for text, _ in rows):
            node = ROOT
            for character in map(alphabet.index, text + END_OF_TEXT):
                if children[node][character] == OUTSIDE:
                    children[node][character] = len(children)
                    children.append([OUTSIDE] * len(alphabet))
                node = children[node][character]
            leaves[text] = node
        self.children = torch.tensor(children)  # int64 (nodes, alphabet)
        self._is_known = torch.zeros(len(classes), len(children), dtype=torch.bool)  # whether a class has a leaf's text
        for text, label in rows:
            self._is_known[classes.index(label), leaves[text]] = True
        # What the probability of a beginning is multiplied by, see `scale`.
        self.factors = torch.ones(len(classes), len(children), dtype=torch.float64)

    def scale(self, label: int, writing: Writing, share: float) -> None:
        """Finds the factors of a class by which its known texts together get the probability `share`.

        Args:
            label: the number of the class.
            writing: one text of it, of which nothing is written.
            share: more than 0, less than 1.
        """
        levels, reached = self._reach(writing)
        known = torch.where(self._is_known[label], reached, 0)  # of the known texts below a node
        for nodes in reversed(levels):
            known[nodes] += known[self.children[nodes]].sum(1)
        if not known[ROOT]:
            return  # a class without texts
        of_known, of_others = share / known[ROOT], (1 - share) / (1 - known[ROOT])
        # The mean factor of all texts that begin so.
        self.factors[label] = torch.where(reached > 0, of_others + (of_known - of_others) * known / reached, of_others)

    def _reach(self, writing: Writing) -> tuple[list[torch.Tensor], torch.Tensor]:
        """The inner nodes of each depth, from the root on, and the probability that each node is reached, (nodes,)."""
        reached = torch.zeros(len(self.children), dtype=torch.float64)
        reached[ROOT] = 1
        levels = [torch.tensor([ROOT])]
        while True:
            nodes = levels[-1]
            rows, characters = (self.children[nodes] != OUTSIDE).nonzero(as_tuple=True)
            below = self.children[nodes[rows], characters]
            reached[below] = reached[nodes[rows]] * writing.probabilities()[rows, characters].double()
            goes_on = characters != self._end
            if not goes_on.any():
                return levels, reached
            levels.append(below[goes_on])
            writing.append(characters[goes_on], rows[goes_on])

    def scaled(self, probabilities: torch.Tensor, labels: torch.Tensor, nodes: torch.Tensor) -> torch.Tensor:
        """The probabilities of the next character (batch, alphabet) after beginnings at `nodes`, scaled."""
        scaled = probabilities * self.factors[labels[:, None], self.children[nodes]].to(probabilities)
        return scaled / scaled.sum(1, keepdim=True)
