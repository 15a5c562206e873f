"""Short texts written for their class, such as names of a country: the task of a `ConditionalCharLM`."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from charplay.data.batches import group_by_length, pad
from charplay.data.datasets import NameRows
from charplay.data.vocabulary import ASCII, END_OF_TEXT, PAD, Vocabulary
from charplay.evaluation.calibration import calibrate
from charplay.evaluation.invented_texts import bits_per_character
from charplay.models.networks import ConditionalCharLM, State
from charplay.training.conditional_distillation import SyntheticTexts
from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup
from charplay.training.recipes import InventRecipe
from charplay.training.tasks import row_weights

MAX_CALIBRATION_TEXTS = 1_000  # of those held out that the temperature is fitted on


class _SoftTargets:
    """The targets of synthetic texts: the teachers' probabilities."""

    def __init__(self, synthetic: SyntheticTexts, alphabet: torch.Tensor, vocabulary: Vocabulary):
        self._targets = synthetic.targets
        self._alphabet, self._size = alphabet, vocabulary.size  # codes
        lengths = torch.tensor([len(text) + len(END_OF_TEXT) for text in synthetic.texts])
        self._ends = lengths.cumsum(0).tolist()  # of each synthetic text in the targets
        self._starts = [0, *self._ends]

    def of(self, rows: list[int], codes: torch.Tensor) -> torch.Tensor:
        """Of the texts of a batch, whose codes are (batch, time): probabilities (batch * time, vocabulary)."""
        targets = torch.zeros(*codes.shape, self._size)
        for number, row in enumerate(rows):
            own = self._targets[self._starts[row] : self._ends[row]].float()  # (characters, alphabet)
            targets[number, : len(own)].index_copy_(1, self._alphabet, own)
        return targets.flatten(0, 1)


class ConditionalTask:
    """Cross-entropy of each next character of a text, its end included, from its class and the characters before."""

    unit = "characters"
    state: State | None = None

    def __init__(
        self,
        train: NameRows,
        validation: NameRows,
        classes: Sequence[str],
        recipe: InventRecipe,
        group: ProcessGroup = SINGLE_PROCESS,
        vocabulary: Vocabulary = ASCII,
    ):
        self.train, self.validation, self.classes = train, validation, classes
        self.recipe, self.group = recipe, group
        self.vocabulary = vocabulary
        self.texts = [text + END_OF_TEXT for text, _ in train]
        self.labels = torch.tensor([classes.index(label) for _, label in train])  # (texts,)
        self.weights = row_weights(train, classes, recipe.class_weight)[self.labels]  # (texts,)
        self._soft: _SoftTargets | None = None

    def distill(self, synthetic: SyntheticTexts, alphabet: str) -> None:
        """Trains on teachers' texts instead, with their probabilities of `alphabet`'s characters as targets.

        The labeled texts are left out: the student would learn them by heart as its teachers did.
        """
        self._soft = _SoftTargets(synthetic, self.vocabulary.encode(alphabet), self.vocabulary)
        self.texts = [text + END_OF_TEXT for text in synthetic.texts]
        self.labels = synthetic.labels
        self.weights = torch.ones(len(synthetic.texts))

    def count(self) -> int:
        return -(-len(self.texts) // self.recipe.batch_size)

    def batches(self, generator: torch.Generator) -> list[list[int]]:
        return group_by_length([len(text) for text in self.texts], self.recipe.batch_size, generator)

    def loss(self, model: nn.Module, batch: list[int], device: torch.device) -> tuple[torch.Tensor, float]:
        shard = (
            list(self.group.shard(batch)) or batch[:1]
        )  # fewer texts than ranks: one of them keeps this rank in step
        targets = pad([self.texts[row] for row in shard], vocabulary=self.vocabulary).codes.to(device)  # (batch, time)
        mixture = nn.functional.one_hot(self.labels[shard], len(self.classes)).float().to(device)
        logits, _ = model(targets[:, :-1], mixture)  # (batch, time, vocabulary)
        is_real = targets != PAD
        if self._soft is None:
            losses = nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none")
        else:
            soft = self._soft.of(shard, targets.cpu()).to(device)  # (batch * time, vocabulary)
            losses = nn.functional.cross_entropy(logits.flatten(0, 1).float(), soft, reduction="none")
        weights = is_real * self.weights[shard].to(device)[:, None]  # (batch, time)
        return (losses.view(targets.shape) * weights).sum() / weights.sum(), float(is_real.sum())

    def evaluate(self, model: ConditionalCharLM) -> dict[str, Any]:
        bits = bits_per_character(model, self.classes, self.validation, self.vocabulary)
        return {"n": len(self.validation), "bits_per_character": bits}

    def score(self, measured: dict[str, Any]) -> float:
        return measured["bits_per_character"]

    @torch.no_grad()
    def calibrate(self, model: ConditionalCharLM) -> dict[str, Any]:
        """Makes the texts held out as likely as a temperature can; what a header says of it."""
        rows, device = self.validation[:MAX_CALIBRATION_TEXTS], next(model.parameters()).device
        codes = pad([text + END_OF_TEXT for text, _ in rows], vocabulary=self.vocabulary).codes.to(device)
        labels = torch.tensor([self.classes.index(label) for _, label in rows], device=device)
        logits, _ = model(codes[:, :-1], nn.functional.one_hot(labels, len(self.classes)).float())
        is_real = codes != PAD
        return {"temperature": calibrate(model.linear, logits[is_real].float().cpu(), codes[is_real].cpu())}
