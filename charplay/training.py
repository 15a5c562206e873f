"""One training loop for both networks. Nothing in `fit` knows which of the two it trains.

A `Task` hands over batches, a loss and a measure; `fit` steps, evaluates each epoch and keeps the best; callbacks
see every step and every epoch, and printing, drawing and saving are theirs.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch
from torch import nn

from charplay import limits
from charplay.batches import group_by_length, pad
from charplay.datasets import Names, Speech, join_speeches
from charplay.evaluate import evaluate_names, evaluate_speech
from charplay.models import CharLMConfig, NameClassifierConfig, RecurrentConfig
from charplay.text import encode


@dataclass(frozen=True)
class Recipe:
    """How a model is trained; with its config all that is needed to train it again."""

    config: RecurrentConfig
    epochs: int
    batch_size: int
    learning_rate: float  # the highest; it warms up to it and follows a cosine down to zero
    weight_decay: float
    clip: float = 1.0  # largest norm of the gradient
    warmup: float = 0.05  # share of the steps
    seed: int = 1


@dataclass(frozen=True)
class NamesRecipe(Recipe):
    """How a name classifier is trained."""

    label_smoothing: float = 0.0
    hold_out: float = 0.1  # share of the training rows that epochs are judged on


@dataclass(frozen=True)
class SpeechRecipe(Recipe):
    """How a language model of speeches is trained."""

    steps: int = 128  # characters of truncated backpropagation through time
    since: str = "1930"  # the other presidents' speeches from this year on
    copies: int = 3  # of Barack Obama's training speeches among them


RECIPES = {
    "names": NamesRecipe(
        NameClassifierConfig("gru", 64, 256, 2, dropout=0.5, character_dropout=0.25),
        epochs=40,
        batch_size=128,
        learning_rate=2e-3,
        weight_decay=0.05,
        label_smoothing=0.1,
    ),
    "speech": SpeechRecipe(
        CharLMConfig("gru", 64, 512, 2, dropout=0.05),
        epochs=7,
        batch_size=64,
        learning_rate=2e-3,
        weight_decay=0.01,
    ),
}


class Task(Protocol):
    """What `fit` needs to know of what it trains."""

    def batches(self, generator: torch.Generator) -> Sequence[Any] | Iterator[Any]:
        """One epoch's batches, in an order drawn from `generator`."""

    def count(self) -> int:
        """Batches in an epoch."""

    def loss(self, model: nn.Module, batch: Any, device: torch.device) -> tuple[torch.Tensor, int]:
        """The mean loss of a batch, and over how many names or characters it was taken."""

    def evaluate(self, model: nn.Module) -> dict[str, Any]:
        """Measures the model on the validation part."""

    def score(self, measured: dict[str, Any]) -> float:
        """What `evaluate` gave, as one number; the lower the better."""


class NamesTask:
    """Cross-entropy over the countries, on batches grouped by length."""

    def __init__(self, train: Names, validation: Names, classes: Sequence[str], recipe: NamesRecipe):
        self.validation, self.classes, self.recipe = validation, classes, recipe
        self.names = [name for name, _ in train]
        self.targets = torch.tensor([classes.index(country) for _, country in train])

    def count(self) -> int:
        return -(-len(self.names) // self.recipe.batch_size)

    def batches(self, generator: torch.Generator) -> list[list[int]]:
        return group_by_length([len(name) for name in self.names], self.recipe.batch_size, generator)

    def loss(self, model: nn.Module, batch: list[int], device: torch.device) -> tuple[torch.Tensor, int]:
        padded = pad([self.names[index] for index in batch])
        logits = model(padded.codes.to(device), padded.lengths)  # (batch, classes)
        targets = self.targets[batch].to(device)
        loss = nn.functional.cross_entropy(logits.float(), targets, label_smoothing=self.recipe.label_smoothing)
        return loss, len(batch)

    def evaluate(self, model: nn.Module) -> dict[str, Any]:
        return evaluate_names(model, self.classes, self.validation)

    def score(self, measured: dict[str, Any]) -> float:
        return 1 - measured["accuracy"]


class SpeechTask:
    """Cross-entropy of the next character, by truncated backpropagation through time.

    The speeches, shuffled anew each epoch, are laid out as `batch_size` streams side by side; a step reads the
    next `steps` characters of every stream and carries the state on.
    """

    def __init__(self, speeches: Sequence[Speech], validation: str, recipe: SpeechRecipe):
        self.speeches, self.validation, self.recipe = list(speeches), validation, recipe
        self.characters = len(join_speeches(self.speeches))
        self.state = None
        if self.count() < 1:
            raise ValueError(
                f"{self.characters:,} characters are not enough for {recipe.batch_size} streams of {recipe.steps}: "
                "choose a smaller batch_size or steps, or more speeches."
            )

    def count(self) -> int:
        return (self.characters // self.recipe.batch_size - 1) // self.recipe.steps

    def batches(self, generator: torch.Generator) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        self.state = None
        order = torch.randperm(len(self.speeches), generator=generator).tolist()
        codes = encode(join_speeches([self.speeches[index] for index in order])).to(torch.uint8)
        streams = codes[: len(codes) // self.recipe.batch_size * self.recipe.batch_size].view(
            self.recipe.batch_size, -1
        )
        for step in range(self.count()):
            window = streams[:, step * self.recipe.steps : (step + 1) * self.recipe.steps + 1].long()
            yield window[:, :-1], window[:, 1:]  # each (batch, steps), shifted by one

    def loss(self, model: nn.Module, batch: Any, device: torch.device) -> tuple[torch.Tensor, int]:
        inputs, targets = (part.to(device) for part in batch)
        logits, state = model(inputs, self.state)  # (batch, steps, 128)
        self.state = tuple(part.detach() for part in state) if isinstance(state, tuple) else state.detach()
        return nn.functional.cross_entropy(logits.flatten(0, 1).float(), targets.flatten()), targets.numel()

    def evaluate(self, model: nn.Module) -> dict[str, Any]:
        return evaluate_speech(model, self.validation)

    def score(self, measured: dict[str, Any]) -> float:
        return measured["bits_per_character"]


def training_mix(splits: dict[str, list[Speech]], recipe: SpeechRecipe) -> list[Speech]:
    """The other presidents' speeches since a year, and several copies of Barack Obama's."""
    return [speech for speech in splits["others"] if speech.date >= recipe.since] + splits["train"] * recipe.copies


@dataclass(frozen=True)
class Progress:
    """What a callback is told after a step."""

    epoch: int  # from 1
    step: int  # of this epoch, from 1
    steps: int  # in an epoch
    loss: float | None  # mean nats so far in this epoch; None between readings
    per_second: float  # names or characters trained so far, each second


def choose_device() -> torch.device:
    """CUDA where there is one."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _autocast(device: torch.device, precision: str):
    return torch.autocast(device.type, dtype=torch.bfloat16) if precision == "bfloat16" else nullcontext()


def choose_precision(model: nn.Module, task: Task, device: torch.device) -> str:
    """ "float32" or "bfloat16" (autocast), whichever takes a training step faster here; by trying both."""
    if device.type == "cuda" and not torch.cuda.is_bf16_supported():
        return "float32"
    seconds = {}
    for precision in ("float32", "bfloat16"):
        batches = iter(task.batches(torch.Generator().manual_seed(0)))
        tries = []
        for _ in range(3):
            batch = next(batches, None)
            if batch is None:
                break
            start = time.perf_counter()
            with _autocast(device, precision):
                loss, _ = task.loss(model, batch, device)
            loss.backward()
            if device.type == "cuda":
                torch.cuda.synchronize()
            tries.append(time.perf_counter() - start)
        seconds[precision] = min(tries)
    model.zero_grad(set_to_none=True)
    return min(seconds, key=seconds.get)


def fit(
    model: nn.Module,
    task: Task,
    recipe: Recipe,
    *,
    device: torch.device,
    precision: str,
    on_step: Callable[[Progress], None] = lambda progress: None,
    on_epoch: Callable[[int, dict[str, Any], bool], None] = lambda epoch, measured, best: None,
) -> dict[str, Any]:
    """Trains `model` in place and leaves it with the weights of its best epoch.

    Args:
        model: on `device`, initialised.
        task: what to train it for.
        recipe: how.
        device: where.
        precision: "float32" or "bfloat16" (autocast).
        on_step: called after every step.
        on_epoch: called after every evaluation with the epoch, what was measured, and whether it is the best yet.

    Returns:
        What was measured at the best epoch, with "epoch" and "per_second".

    Raises:
        FloatingPointError: the loss is no finite number any more; the model has the best weights so far.
    """
    torch.manual_seed(recipe.seed)
    generator = torch.Generator().manual_seed(recipe.seed)
    optimizer = torch.optim.AdamW(
        model.parameters(),
        lr=recipe.learning_rate,
        weight_decay=recipe.weight_decay,
        fused=device.type == "cuda",
    )
    total = recipe.epochs * task.count()
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer,
        recipe.learning_rate,
        total_steps=total + 1,
        pct_start=recipe.warmup,
        cycle_momentum=False,
    )
    best: dict[str, Any] | None = None
    weights: dict[str, torch.Tensor] = {}
    trained, spent = 0, 0.0
    for epoch in range(1, recipe.epochs + 1):
        model.train()
        start, summed, counted = time.perf_counter(), torch.zeros((), device=device), 0
        for step, batch in enumerate(task.batches(generator), 1):
            with _autocast(device, precision):
                loss, units = task.loss(model, batch, device)
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), recipe.clip)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            schedule.step()
            summed += loss.detach() * units
            counted += units
            # Reading the loss waits for the device, so not at every step.
            read = summed.item() / counted if step % 20 == 0 or step == task.count() else None
            elapsed = spent + time.perf_counter() - start
            on_step(Progress(epoch, step, task.count(), read, (trained + counted) / elapsed))
            if read is not None and not torch.isfinite(torch.tensor(read)):
                if weights:
                    model.load_state_dict(weights)
                raise FloatingPointError(
                    f"The loss is no finite number any more: try a smaller learning rate than {recipe.learning_rate}."
                )
        trained, spent = trained + counted, spent + time.perf_counter() - start
        model.eval()
        measured = task.evaluate(model) | {"epoch": epoch, "training_loss": summed.item() / counted}
        is_best = best is None or task.score(measured) < task.score(best)
        if is_best:
            best = measured
            weights = {name: tensor.clone() for name, tensor in model.state_dict().items()}
        on_epoch(epoch, measured, is_best)
    model.load_state_dict(weights)
    return best | {"per_second": trained / spent}


def adjust(recipe: Recipe, changes: dict[str, Any]) -> Recipe:
    """`recipe` with some fields of its own or of its config replaced.

    Raises:
        ValueError: a value that no training can have.
    """
    own = {key: value for key, value in changes.items() if hasattr(recipe, key)}
    rest = {key: value for key, value in changes.items() if key not in own}
    adjusted = replace(recipe, **own, config=replace(recipe.config, **rest))
    limits.check_fields(limits.RECIPE, adjusted)
    return adjusted
