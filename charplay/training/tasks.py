"""What can be trained: a `Task` gives batches, a loss and a measure to the loop in `trainer`."""

from collections.abc import Iterator, Sequence
from typing import Any, Protocol

import torch
from torch import nn

from charplay.data.batches import group_by_length, pad
from charplay.data.datasets import NameRows, Speech, join_speeches
from charplay.data.vocabulary import ASCII, Vocabulary
from charplay.evaluation.calibration import calibrate
from charplay.evaluation.metrics import evaluate_names, evaluate_speech
from charplay.inference.classify import logits_of
from charplay.models.networks import CharLM, NameClassifier, State
from charplay.training.distributed import SINGLE_PROCESS, ProcessGroup
from charplay.training.recipes import NamesRecipe, SpeechRecipe


class Task(Protocol):
    """What a `Trainer` needs to know of what it trains."""

    unit: str  # what the loss is a mean over: "names" or "characters"
    state: State | None  # hidden state carried from one batch to the next

    def batches(self, generator: torch.Generator) -> Sequence[Any] | Iterator[Any]:
        """One epoch's batches, in an order drawn from `generator`; in a group, this rank's shard of each."""

    def count(self) -> int:
        """Batches in an epoch."""

    def loss(self, model: Any, batch: Any, device: torch.device) -> tuple[torch.Tensor, float]:
        """The mean loss of a batch, and the number of units it is a mean over; in a group, this rank's share."""

    def evaluate(self, model: Any) -> dict[str, Any]:
        """Measures the model on the validation part."""

    def score(self, measured: dict[str, Any]) -> float:
        """The figure of `evaluate` that picks the best epoch; lower is better."""


def class_counts(rows: NameRows, classes: Sequence[str]) -> torch.Tensor:
    """Rows of each class, float (classes,); at least 1, so that none has a share of 0."""
    numbers = torch.tensor([classes.index(country) for _, country in rows])
    return numbers.bincount(minlength=len(classes)).clamp(min=1).float()


def row_weights(rows: NameRows, classes: Sequence[str], power: float) -> torch.Tensor:
    """The weight of a row of each class, (classes,): the class's share to the power of -`power`; mean 1 over rows."""
    counts = class_counts(rows, classes)
    weights = (counts / counts.sum()) ** -power
    return weights * counts.sum() / (counts * weights).sum()


def class_shares(rows: NameRows, classes: Sequence[str], power: float) -> list[float]:
    """The shares of the classes under `row_weights`: the prior that training shows the network; they sum to 1."""
    weighted = class_counts(rows, classes) * row_weights(rows, classes, power)
    return (weighted / weighted.sum()).tolist()


class NamesTask:
    """Weighted cross-entropy over the countries, on batches grouped by length.

    Some names are cut to a prefix, drawn anew each epoch: the page classifies names that are still being typed.
    """

    unit = "names"
    state: State | None = None

    def __init__(
        self,
        train: NameRows,
        validation: NameRows,
        classes: Sequence[str],
        recipe: NamesRecipe,
        group: ProcessGroup = SINGLE_PROCESS,
        vocabulary: Vocabulary = ASCII,
    ):
        self.validation, self.classes, self.recipe, self.group = validation, classes, recipe, group
        self.vocabulary = vocabulary
        self.names = [name for name, _ in train]
        countries = torch.tensor([classes.index(country) for _, country in train])
        self.targets = nn.functional.one_hot(countries, len(classes)).float()  # (names, classes)
        self.counts = class_counts(train, classes)  # (classes,)
        self.weights = row_weights(train, classes, recipe.class_weight)[countries]  # (names,)

    def distill(self, synthetic: Sequence[str], soft_targets: torch.Tensor) -> None:
        """Trains on teachers' soft targets too, on synthetic names on nothing else (see `distillation`).

        Args:
            synthetic: names without a country; each has weight 1.
            soft_targets: class probabilities (names, classes) of the training names, then of the synthetic ones.
        """
        labeled = soft_targets[: len(self.names)].lerp(self.targets, self.recipe.label_share)
        self.targets = torch.cat([labeled, soft_targets[len(self.names) :]])
        self.names = [*self.names, *synthetic]
        self.weights = torch.cat([self.weights, torch.ones(len(synthetic))])

    def count(self) -> int:
        return -(-len(self.names) // self.recipe.batch_size)

    def batches(self, generator: torch.Generator) -> list[tuple[list[str], list[int]]]:
        is_cut = (torch.rand(len(self.names), generator=generator) < self.recipe.truncation).tolist()
        where = torch.rand(len(self.names), generator=generator).tolist()
        # A prefix has 2 letters to all but one; a name of two letters stays whole.
        names = [
            name[: 2 + int(at * (len(name) - 2))] if cut and len(name) > 2 else name
            for name, cut, at in zip(self.names, is_cut, where, strict=True)
        ]
        grouped = group_by_length([len(name) for name in names], self.recipe.batch_size, generator)
        return [([names[index] for index in batch], batch) for batch in grouped]

    def loss(
        self, model: nn.Module, batch: tuple[list[str], list[int]], device: torch.device
    ) -> tuple[torch.Tensor, float]:
        names, rows = batch
        weights = self.weights[rows]  # (batch,); `cross_entropy(weight=)` would weight the smoothed targets too
        weights = weights * (self.group.size / weights.sum())  # the mean over ranks is that of the whole batch
        shard = list(self.group.shard(range(len(rows))))
        if not shard:  # fewer names than ranks: a dummy row of weight 0 keeps the ranks in step
            shard, weights = [0], weights * 0
        padded = pad([names[at] for at in shard], vocabulary=self.vocabulary)
        logits = model(padded.codes.to(device), padded.lengths)  # (shard, classes)
        losses = nn.functional.cross_entropy(
            logits.float(),
            self.targets[rows][shard].to(device),
            label_smoothing=self.recipe.label_smoothing,
            reduction="none",
        )
        return (losses * weights[shard].to(device)).sum(), len(rows) / self.group.size

    def calibrate(self, model: NameClassifier) -> dict[str, Any]:
        """Has the probabilities say how often they are right, by the names held out; what a header says of it."""
        truth = torch.tensor([self.classes.index(country) for _, country in self.validation])
        logits = logits_of(model, [name for name, _ in self.validation], vocabulary=self.vocabulary)
        temperature = calibrate(model.linear, logits, truth)
        return {"temperature": temperature, "training_rows": self.counts.int().tolist()}

    def evaluate(self, model: NameClassifier) -> dict[str, Any]:
        measured = evaluate_names(model, self.classes, self.validation, vocabulary=self.vocabulary)
        return {key: measured[key] for key in ("n", "accuracy", "macro_f1", "loss")}

    def score(self, measured: dict[str, Any]) -> float:
        return measured["loss"]


class SpeechTask:
    """Cross-entropy of the next character, by truncated backpropagation through time.

    The speeches, shuffled anew each epoch and joined, are cut into `batch_size` parallel streams; a batch is the next
    `steps` characters of every stream, and the hidden state is carried on.
    """

    unit = "characters"

    def __init__(
        self,
        speeches: Sequence[Speech],
        validation: str,
        recipe: SpeechRecipe,
        group: ProcessGroup = SINGLE_PROCESS,
        vocabulary: Vocabulary = ASCII,
    ):
        self.vocabulary = vocabulary
        self.speeches, self.validation, self.recipe, self.group = list(speeches), validation, recipe, group
        self.characters = len(join_speeches(self.speeches))
        self.state: State | None = None
        if recipe.batch_size % group.size:
            raise ValueError(
                f"{group.size} processes cannot share batches of {recipe.batch_size} alike: choose a multiple."
            )
        if self.count() < 1:
            raise ValueError(
                f"{self.characters:,} characters are not enough for {recipe.batch_size} streams of {recipe.steps}: "
                "choose a smaller batch size or fewer steps, or a longer text."
            )

    def count(self) -> int:
        return (self.characters // self.recipe.batch_size - 1) // self.recipe.steps

    def batches(self, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        self.state = None
        order = torch.randperm(len(self.speeches), generator=generator).tolist()
        text = join_speeches([self.speeches[index] for index in order])
        codes = self.vocabulary.encode(text).to(torch.int16)  # a quarter of the memory
        streams = codes[: len(codes) // self.recipe.batch_size * self.recipe.batch_size].view(
            self.recipe.batch_size, -1
        )
        streams = self.group.shard(streams)
        for step in range(self.count()):
            window = streams[:, step * self.recipe.steps : (step + 1) * self.recipe.steps + 1].long()
            yield window[:, :-1], window[:, 1:]  # each (batch, steps), shifted by one

    def loss(self, model: nn.Module, batch: Any, device: torch.device) -> tuple[torch.Tensor, float]:
        inputs, targets = (part.to(device) for part in batch)
        logits, state = model(inputs, self.state)  # (batch, steps, vocabulary)
        self.state = (state[0].detach(), state[1].detach()) if isinstance(state, tuple) else state.detach()
        return nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten()), targets.numel()

    def evaluate(self, model: CharLM) -> dict[str, Any]:
        return evaluate_speech(model, self.validation, vocabulary=self.vocabulary)

    def score(self, measured: dict[str, Any]) -> float:
        return measured["bits_per_character"]


def training_mix(splits: dict[str, list[Speech]], recipe: SpeechRecipe) -> list[Speech]:
    """The other presidents' speeches since a year, and several copies of Barack Obama's."""
    return [speech for speech in splits["others"] if speech.date >= recipe.since] + splits["train"] * recipe.copies
