"""Distillation of conditional language models: synthetic texts that teachers write, with their probabilities.

Several networks and n-grams together predict better than each of them. One network can learn it (Hinton, Vinyals and
Dean 2015; Kim and Rush, "Sequence-Level Knowledge Distillation", 2016): the teachers write texts letter by letter, and
their probabilities at each letter are the student's targets there.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import nn

from charplay.data.datasets import NameRows
from charplay.data.vocabulary import END_OF_TEXT
from charplay.models.checkpoints import Checkpoint
from charplay.models.kneser_ney import KneserNeyModel
from charplay.models.networks import ConditionalCharLM, State
from charplay.training.known_texts import ROOT, KnownTexts, known_shares

NGRAM_ORDER = 6  # characters of the longest n-gram of the teachers, the predicted one included
BATCH_SIZE = 20_000  # texts that are written side by side
MAX_CHARACTERS = 30  # of a synthetic text; the longest name has 19
LAST_POSITION = 10  # in a text, from which on the weights of the teachers do not change
WEIGHT_PENALTY = 1e-3  # of the squared distance of the weights from equal ones, against nats a character
MAX_LBFGS_ITERATIONS = 200


class SyntheticTexts(NamedTuple):
    """Texts that teachers wrote, each for its class."""

    texts: list[str]
    labels: torch.Tensor  # int64 (texts,)
    # Of the characters of all texts and of their ends, one after another: the probabilities of `alphabet`'s characters,
    # float16 (characters, alphabet).
    targets: torch.Tensor


class Teachers:
    """A language model of texts given their class, made of several networks and of n-grams.

    Its probabilities are a weighted geometric mean of three (Hinton's product of experts, 2002): of the mean of the
    networks, of n-grams of the class and of n-grams of all classes. The weights are linear in the position in a text
    and fitted on texts that were held out.
    """

    def __init__(
        self,
        networks: Sequence[Checkpoint[ConditionalCharLM]],
        rows: NameRows,
        validation: NameRows,
        classes: Sequence[str],
        alphabet: str,
    ):
        """Counts the n-grams of `rows` and fits the weights on `validation`.

        Args:
            networks: of one vocabulary, trained on `rows`.
            rows: known texts and their labels.
            validation: texts and labels that are not among them.
            classes: that there are.
            alphabet: the characters that may be written, `END_OF_TEXT` among them.
        """
        self.alphabet = alphabet
        self.models = [network.model.eval() for network in networks]
        self.codes = networks[0].vocabulary.encode(alphabet)
        self.of_all = KneserNeyModel((text for text, _ in rows), NGRAM_ORDER, alphabet)
        self.of_classes = [
            KneserNeyModel((text for text, each in rows if each == label), NGRAM_ORDER, alphabet) for label in classes
        ]
        # Float32 (2, 3): of the three at the beginning of a text, and what is added at `LAST_POSITION`.
        self.weights = self._fit([(text, classes.index(label)) for text, label in validation])
        self.known = KnownTexts(rows, classes, alphabet)
        for label, share in enumerate(known_shares(rows, classes).tolist()):
            self.known.scale(label, self.start([label]), share)

    def start(self, labels: Sequence[int]) -> "_Writing":
        """A batch of texts of the classes with these numbers, of which nothing is written."""
        return _Writing(self, labels)

    def _fit(self, texts: Sequence[tuple[str, int]]) -> torch.Tensor:
        """The weights that make texts of classes likeliest, by L-BFGS."""
        experts, positions, targets = self._read(texts)  # (3, steps, alphabet), (steps,), (steps,)
        equal = torch.tensor([[1 / len(experts)] * len(experts), [0.0] * len(experts)])
        weights = equal.clone().requires_grad_()
        optimizer = torch.optim.LBFGS([weights], max_iter=MAX_LBFGS_ITERATIONS, line_search_fn="strong_wolfe")

        def loss() -> torch.Tensor:
            optimizer.zero_grad()
            nats = nn.functional.cross_entropy(_weighted(experts, weights, positions), targets)
            total = nats + WEIGHT_PENALTY * (weights - equal).square().sum()
            total.backward()
            return total

        optimizer.step(loss)
        return weights.detach()

    def _read(self, texts: Sequence[tuple[str, int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """What the three give at each character of texts and at its end, the positions of these, and the characters."""
        coded = [[self.alphabet.index(character) for character in text + END_OF_TEXT] for text, _ in texts]
        writing, active = self.start([label for _, label in texts]), list(range(len(texts)))
        experts, positions, targets = [], [], []
        while active:
            experts.append(writing.log_probabilities())
            positions.append(torch.full((len(active),), writing.position))
            targets.append(torch.tensor([coded[row][writing.position] for row in active]))
            going_on = [at for at, row in enumerate(active) if writing.position + 1 < len(coded[row])]
            active = [active[at] for at in going_on]
            rows = torch.tensor(going_on, dtype=torch.int64)
            writing.append(targets[-1][rows], rows)
        return torch.cat(experts, 1), torch.cat(positions), torch.cat(targets)

    def write(self, labels: torch.Tensor, seed: int) -> SyntheticTexts:
        """A text for each label, each character drawn from the probabilities, known texts scaled to their share.

        Args:
            labels: int64 (texts,), the numbers of classes, in any order; the texts come in order of class.
            seed: of the draws.
        """
        generator = torch.Generator().manual_seed(seed)
        texts: list[str] = []
        targets: list[torch.Tensor] = []
        labels = labels.sort().values  # texts of one class begin alike more often
        for batch in labels.split(BATCH_SIZE):
            written, of_texts = self._write(batch, generator)
            texts += written
            targets.append(of_texts)
        return SyntheticTexts(texts, labels, torch.cat(targets))

    def _write(self, labels: torch.Tensor, generator: torch.Generator) -> tuple[list[str], torch.Tensor]:
        """One text for each label, and the probabilities at each of its characters and at its end.

        Texts that are alike so far are read once, as one beginning.
        """
        end = self.alphabet.index(END_OF_TEXT)
        present, beginnings = labels.unique(return_inverse=True)  # `beginnings`: of each active text, its number
        writing, nodes = self.start(present.tolist()), torch.full((len(present),), ROOT)
        active, texts = torch.arange(len(labels)), [""] * len(labels)
        steps, owners = [], []
        while len(active):
            # (beginnings, alphabet)
            probabilities = self.known.scaled(writing.probabilities(), torch.tensor(writing.labels), nodes)
            steps.append(probabilities.half()[beginnings])
            owners.append(active)
            for row, beginning in zip(active.tolist(), beginnings.tolist(), strict=True):
                texts[row] = writing.texts[beginning]
            if not writing.position:
                probabilities[:, end] = 0  # no text is empty
            drawn = torch.multinomial(probabilities[beginnings], 1, generator=generator)[:, 0]
            goes_on = (drawn != end) & (writing.position < MAX_CHARACTERS)
            active, drawn = active[goes_on], drawn[goes_on]
            pairs, beginnings = (beginnings[goes_on] * len(self.alphabet) + drawn).unique(return_inverse=True)
            before, characters = pairs // len(self.alphabet), pairs % len(self.alphabet)
            writing.append(characters, before)
            nodes = self.known.children[nodes[before], characters]
        return texts, torch.cat(steps)[torch.cat(owners).argsort(stable=True)]


class _Writing:
    """A batch of texts that are written one character after another."""

    def __init__(self, teachers: Teachers, labels: Sequence[int]):
        self._teachers, self.labels = teachers, list(labels)
        self.texts, self.position = [""] * len(labels), 0
        self._states: list[State | None] = [None] * len(teachers.models)
        with torch.no_grad():
            embedded = [model.class_embedding(torch.tensor(self.labels)) for model in teachers.models]
        self._inputs = [each[:, None] for each in embedded]  # (batch, 1, embedding) of each network

    def probabilities(self) -> torch.Tensor:
        """Of each character of the alphabet after each text, float32 (batch, alphabet); once for each position."""
        position = torch.tensor([self.position])
        return _weighted(self.log_probabilities(), self._teachers.weights, position).softmax(1)

    @torch.no_grad()
    def log_probabilities(self) -> torch.Tensor:
        """The same by the networks, by the n-grams of the class and by those of all classes: (3, batch, alphabet)."""
        teachers, total = self._teachers, torch.zeros(1)
        for number, (model, state) in enumerate(zip(teachers.models, self._states, strict=True)):
            outputs, self._states[number] = model.rnn(self._inputs[number], state)
            total = total + model.linear(outputs[:, 0])[:, teachers.codes].softmax(1)
        of_classes = [teachers.of_classes[label] for label in self.labels]
        of_class = [ngrams.distribution(text) for ngrams, text in zip(of_classes, self.texts, strict=True)]
        counted = np.stack([of_class, list(map(teachers.of_all.distribution, self.texts))])
        experts = torch.cat([total[None] / len(teachers.models), torch.from_numpy(counted).float()])
        return experts.clamp(min=torch.finfo(torch.float32).tiny).log()

    @torch.no_grad()
    def append(self, characters: torch.Tensor, rows: torch.Tensor) -> None:
        """Goes on with the given rows of the batch alone, each of which has a character of the alphabet appended."""
        teachers, kept = self._teachers, rows.tolist()
        written = [teachers.alphabet[character] for character in characters.tolist()]
        self.texts = [self.texts[row] + character for row, character in zip(kept, written, strict=True)]
        self.labels = [self.labels[row] for row in kept]
        self.position += 1
        for number, (model, state) in enumerate(zip(teachers.models, self._states, strict=True)):
            self._inputs[number] = model.embedding(teachers.codes[characters])[:, None]
            if isinstance(state, tuple):
                self._states[number] = (state[0][:, rows].contiguous(), state[1][:, rows].contiguous())
            elif state is not None:
                self._states[number] = state[:, rows].contiguous()


def _weighted(experts: torch.Tensor, weights: torch.Tensor, positions: torch.Tensor) -> torch.Tensor:
    """The logits of the product of experts (experts, steps, alphabet) at positions in a text, (steps,) or (1,)."""
    at = positions.clamp(max=LAST_POSITION)[:, None] / LAST_POSITION
    return torch.einsum("se,esa->sa", (weights[0] + at * weights[1]).expand(experts.shape[1], -1), experts)
