"""Short texts written for their class, such as names of a country: the task of a `ConditionalCharLM`."""

from collections.abc import Sequence
from typing import Any

import torch
from torch import nn

from charplay.data.batches import group_by_length, pad
from charplay.data.datasets import NameRows
from charplay.data.vocabulary import ASCII, END_OF_TEXT, PAD, Vocabulary
from charplay.evaluation.invented_texts import bits_per_character
from charplay.models.networks import ConditionalCharLM, State
from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup
from charplay.training.recipes import InventRecipe
from charplay.training.tasks import row_weights


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
        losses = nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten(), reduction="none")
        is_real = targets != PAD
        weights = is_real * self.weights[shard].to(device)[:, None]  # (batch, time)
        return (losses.view(targets.shape) * weights).sum() / weights.sum(), float(is_real.sum())

    def evaluate(self, model: ConditionalCharLM) -> dict[str, Any]:
        bits = bits_per_character(model, self.classes, self.validation, self.vocabulary)
        return {"n": len(self.validation), "bits_per_character": bits}

    def score(self, measured: dict[str, Any]) -> float:
        return measured["bits_per_character"]
