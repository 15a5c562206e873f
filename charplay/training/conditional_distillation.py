"""Distillation of conditional language models: synthetic texts that teachers write, with their probabilities.

The mean of several networks and of n-grams that count predicts better than each of them. One network can learn it
(Hinton, Vinyals and Dean 2015; Kim and Rush, "Sequence-Level Knowledge Distillation", 2016): the teachers write texts
letter by letter, and their probabilities at each letter are the student's targets there.
"""

import functools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch

from charplay.data.datasets import NameRows
from charplay.data.vocabulary import END_OF_TEXT, Vocabulary
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import ConditionalCharLM, State
from charplay.models.ngram_language_model import START, NgramLanguageModel

NGRAM_ORDER = 6  # characters of the longest n-gram of the teachers, the predicted one included
NGRAM_BACKOFF = 2.0  # weight of the shorter histories in them; with the order the best on held-out names
BATCH_SIZE = 2_000  # texts that are written side by side
MAX_CHARACTERS = 30  # of a synthetic text; the longest name has 19


class SyntheticTexts(NamedTuple):
    """Texts that teachers wrote, each for its class."""

    texts: list[str]
    labels: torch.Tensor  # int64 (texts,)
    # Of the characters of all texts and of their ends, one after another: the probabilities of `alphabet`'s characters,
    # float16 (characters, alphabet).
    targets: torch.Tensor


class ClassNgrams:
    """N-grams of the texts of each class, as probabilities of an alphabet."""

    def __init__(self, rows: NameRows, classes: Sequence[str], alphabet: str):
        self._alphabet = alphabet
        self._models = [
            NgramLanguageModel(
                (text for text, each in rows if each == label), NGRAM_ORDER, len(alphabet), NGRAM_BACKOFF
            )
            for label in classes
        ]
        self._row = functools.cache(self._compute_row)

    def probabilities(self, labels: Sequence[int], texts: Sequence[str]) -> torch.Tensor:
        """Of each character of the alphabet after the beginnings of texts, float32 (texts, alphabet)."""
        histories = [text[1 - NGRAM_ORDER :].rjust(NGRAM_ORDER - 1, START) for text in texts]
        return torch.from_numpy(np.stack(list(map(self._row, labels, histories))))

    def _compute_row(self, label: int, history: str) -> np.ndarray:
        return self._models[label].distribution(history, self._alphabet).astype(np.float32)


class _Networks:
    """The mean probabilities of several networks, one character after another of a batch of texts."""

    def __init__(self, models: Sequence[ConditionalCharLM], labels: torch.Tensor, codes: torch.Tensor):
        self._models, self._codes = models, codes  # of the alphabet
        self._states: list[State | None] = [None] * len(models)
        self._inputs = [model.class_embedding(labels)[:, None] for model in models]  # (batch, 1, embedding)

    def probabilities(self) -> torch.Tensor:
        """Of each character of the alphabet, float32 (batch, alphabet)."""
        total = torch.zeros(1)
        for number, (model, state) in enumerate(zip(self._models, self._states, strict=True)):
            outputs, self._states[number] = model.rnn(self._inputs[number], state)
            total = total + model.linear(outputs[:, 0])[:, self._codes].softmax(1)
        return total / len(self._models)

    def append(self, codes: torch.Tensor, rows: torch.Tensor) -> None:
        """Goes on with the given rows of the batch alone, each of which has had a character appended."""
        for number, (model, state) in enumerate(zip(self._models, self._states, strict=True)):
            self._inputs[number] = model.embedding(codes)[:, None]
            if isinstance(state, tuple):
                self._states[number] = (state[0][:, rows].contiguous(), state[1][:, rows].contiguous())
            elif state is not None:
                self._states[number] = state[:, rows].contiguous()


@torch.no_grad()
def write_synthetic_texts(
    teachers: Sequence[Checkpoint[ConditionalCharLM]],
    ngrams: ClassNgrams,
    ngram_weight: float,
    labels: torch.Tensor,
    alphabet: str,
    seed: int,
) -> SyntheticTexts:
    """The teachers write a text for each label; they draw each character from the mean of their probabilities.

    Args:
        teachers: of one vocabulary.
        ngrams: mixed in with `ngram_weight`, 0 to 1.
        labels: int64 (texts,), the numbers of classes.
        alphabet: the characters that may be drawn, `END_OF_TEXT` among them.
        seed: of the draws.
    """
    generator = torch.Generator().manual_seed(seed)
    vocabulary = teachers[0].vocabulary
    texts: list[str] = []
    targets: list[torch.Tensor] = []
    for batch in labels.split(BATCH_SIZE):
        networks = _Networks([teacher.model.eval() for teacher in teachers], batch, vocabulary.encode(alphabet))
        written, of_texts = _write(networks, ngrams, ngram_weight, batch.tolist(), (alphabet, vocabulary), generator)
        texts += written
        targets += of_texts
    return SyntheticTexts(texts, labels, torch.cat(targets))


def _write(
    networks: _Networks,
    ngrams: ClassNgrams,
    ngram_weight: float,
    labels: list[int],
    characters: tuple[str, Vocabulary],
    generator: torch.Generator,
) -> tuple[list[str], list[torch.Tensor]]:
    """One text for each label, and the probabilities at each of its characters and at its end."""
    alphabet, vocabulary = characters
    end = alphabet.index(END_OF_TEXT)
    texts = [""] * len(labels)
    steps: list[list[torch.Tensor]] = [[] for _ in labels]
    active = list(range(len(labels)))
    while active:
        counted = ngrams.probabilities([labels[row] for row in active], [texts[row] for row in active])
        mean = networks.probabilities().lerp(counted, ngram_weight)  # (active, alphabet)
        possible = mean.clone()
        if not texts[active[0]]:
            possible[:, end] = 0  # no text is empty
        drawn = torch.multinomial(possible, 1, generator=generator)[:, 0]
        going_on = []
        for at, (row, character) in enumerate(zip(active, drawn.tolist(), strict=True)):
            steps[row].append(mean[at].half())
            if character != end and len(texts[row]) < MAX_CHARACTERS:
                texts[row] += alphabet[character]
                going_on.append(at)
        active = [active[at] for at in going_on]
        rows = torch.tensor(going_on, dtype=torch.int64)
        networks.append(vocabulary.encode("".join(texts[row][-1] for row in active)), rows)
    return texts, [torch.stack(each) for each in steps]
