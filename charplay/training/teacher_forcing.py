"""Teacher forcing against free running: a decoder learns one short text, given the true characters or its own.

The last exercise of the lecture, "RNN II" of PyTorch Zero To All, on its text: from `hihell` a decoder is to predict
`ihello`, a character at a time. The input of each step is either the true character (teacher forcing, Williams and
Zipser 1989) or the decoder's last prediction; a ratio between the two is drawn anew at each step (scheduled sampling,
Bengio et al. 2015).

Free-running, a decoder has only its own predictions as inputs. One that was trained teacher-forced then meets
prefixes that training never showed it (exposure bias, Ranzato et al. 2016), so that one wrong character brings others.
"""

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from charplay import limits
from charplay.data.text import normalize_target
from charplay.data.vocabulary import ASCII
from charplay.inference.products import UnroundedProduct
from charplay.inference.quantized import QuantizedStep
from charplay.models.networks import CELLS, CharLM, CharLMConfig, State
from charplay.training.recipes import Recipe
from charplay.training.trainer import Trainer

EMBEDDING_SIZE = 16
_HISTORY_KEYS = ("loss", "correct", "free_running_correct")
CPU = torch.device("cpu")  # so small a network takes a step faster than a GPU launches one


class Rollout(NamedTuple):
    """One run of a decoder over a text."""

    logits: torch.Tensor  # (time, 128)
    inputs: torch.Tensor  # int64 (time,): the code that each step was given
    predictions: torch.Tensor  # int64 (time,): the likeliest next code after each step


@torch.no_grad()
def choose_inputs(model: CharLM, codes: torch.Tensor, is_forced: torch.Tensor) -> torch.Tensor:
    """The input of each step: the true character where it is teacher-forced, else the decoder's last prediction.

    Args:
        model: the decoder.
        codes: int64 (time,), the true characters.
        is_forced: bool (time,); the first step has no prediction before it and always gets the true character.

    Returns:
        int64 (time,).
    """
    if is_forced[1:].all():
        return codes
    steps = QuantizedStep(model, UnroundedProduct)
    inputs, state = [codes[:1]], steps.initial_state(1)
    for true, forced in zip(codes[1:].split(1), is_forced[1:].tolist(), strict=True):
        logits, state = steps.step(inputs[-1], state)  # (1, 128)
        inputs.append(true if forced else logits.argmax(1))
    return torch.cat(inputs)


def roll_out(model: CharLM, codes: torch.Tensor, is_forced: torch.Tensor) -> Rollout:
    """Runs a decoder over a text, with inputs as `choose_inputs` gives them.

    No gradient goes through the choice of a character, so the inputs can be found beforehand, and the loss is that of
    one call over them.
    """
    inputs = choose_inputs(model, codes, is_forced)
    logits = model(inputs[None])[0][0]  # (time, 128)
    return Rollout(logits, inputs, logits.argmax(1))


class _Shown(NamedTuple):
    """What is kept of a decoder at one epoch, at most some 800 bytes: a run keeps all its epochs."""

    loss: float  # nats
    predictions: str
    free_running: str
    is_forced: str  # "1" for each step that was teacher-forced, else "0"

    def as_update(self, target: str) -> dict[str, Any]:
        """For a page (JSON). The input of a step follows from the target and the prediction before it."""
        is_forced = [digit == "1" for digit in self.is_forced]
        previous = f"{target[0]}{self.predictions}"  # at each step
        inputs = [true if forced else own for true, forced, own in zip(target, is_forced, previous, strict=False)]
        return {
            "loss": self.loss,
            "inputs": "".join(inputs),
            "is_forced": is_forced,
            "predictions": self.predictions,
            "free_running": self.free_running,
        }


class TeacherForcingTask:
    """Cross-entropy of each next character of one text; an epoch has one batch, the text.

    A batch is bool (time,): which steps are teacher-forced.

    Args:
        target: at least 2 ASCII characters.
        ratio: the probability that a step is teacher-forced; at 0 all but the first get the decoder's own predictions.
    """

    unit = "characters"
    state: State | None = None

    def __init__(self, target: str, ratio: float):
        codes = ASCII.encode(target)
        self.codes, self.targets = codes[:-1], codes[1:]  # (time,) each, shifted by one: hihell -> ihello
        self.ratio = ratio
        # In the last training step; before the first one, free-running unless every step is to be teacher-forced.
        self._is_forced = torch.full((len(self.codes),), ratio == 1)
        self._is_forced[0] = True

    def count(self) -> int:
        return 1

    def batches(self, generator: torch.Generator) -> Sequence[torch.Tensor]:
        is_forced = torch.rand(len(self.codes), generator=generator) < self.ratio
        is_forced[0] = True
        return [is_forced]

    def loss(self, model: CharLM, batch: torch.Tensor, device: torch.device) -> tuple[torch.Tensor, float]:
        self._is_forced = batch
        return nn.functional.cross_entropy(roll_out(model, self.codes, batch).logits, self.targets), len(self.targets)

    @torch.no_grad()
    def evaluate(self, model: CharLM) -> dict[str, Any]:
        """Runs the decoder twice: with the inputs of its last training step, and free-running.

        Returns:
            of the first run "loss" (mean nats), "correct" (characters), "predictions" and "inputs" (texts) and
            "is_forced" (bool for each step); of the free run, which starts from the true first character,
            "free_running_correct" and "free_running" (its predictions).
        """
        trained = roll_out(model, self.codes, self._is_forced)
        no_step = torch.zeros_like(self._is_forced)
        free = roll_out(model, self.codes, no_step) if self._is_forced[1:].any() else trained
        return {
            "loss": nn.functional.cross_entropy(trained.logits, self.targets).item(),
            "correct": int((trained.predictions == self.targets).sum()),
            "predictions": ASCII.decode(trained.predictions),
            "inputs": ASCII.decode(trained.inputs),
            "is_forced": self._is_forced.tolist(),
            "free_running_correct": int((free.predictions == self.targets).sum()),
            "free_running": ASCII.decode(free.predictions),
        }

    def score(self, measured: dict[str, Any]) -> float:
        return measured["loss"]


@dataclass(frozen=True)
class DecoderSettings:
    """What two decoders learn, and how; `make_settings` checks a user's choices."""

    target: str  # normalised
    cell: str
    hidden_size: int
    learning_rate: float
    seed: int
    ratio: float  # teacher-forcing ratio of the second decoder

    @property
    def config(self) -> CharLMConfig:
        """Of both."""
        return CharLMConfig(self.cell, EMBEDDING_SIZE, self.hidden_size, layers=1)

    @property
    def recipe(self) -> Recipe:
        """How both are trained."""
        return Recipe(
            self.config,
            limits.MAX_DECODER_EPOCHS,
            1,
            self.learning_rate,
            weight_decay=0.0,
            schedule="constant",
            seed=self.seed,
        )


def make_settings(
    target: object, cell: object, hidden_size: object, learning_rate: object, seed: object, ratio: object
) -> DecoderSettings:
    """Checks the settings.

    Raises:
        ValueError: one is out of bounds; the sentence names them.
    """
    return DecoderSettings(
        target=normalize_target(target),
        cell=limits.check_choice("cell", cell, tuple(CELLS)),
        hidden_size=limits.DECODER_SIZE.check(hidden_size),
        learning_rate=limits.DECODER_RATE.check(learning_rate),
        seed=limits.SEED.check(seed),
        ratio=limits.FORCING_RATIO.check(ratio),
    )


def _shown(measured: dict[str, Any]) -> _Shown:
    """What is kept of `TeacherForcingTask.evaluate`."""
    digits = "".join("1" if forced else "0" for forced in measured["is_forced"])
    return _Shown(round(measured["loss"], 4), measured["predictions"], measured["free_running"], digits)


class DecoderPair:
    """Two decoders that begin as the same network and learn the same text in step.

    The first is always teacher-forced, the second with the settings' ratio: all that they come to differ in is due
    to that.
    """

    def __init__(self, settings: DecoderSettings):
        torch.manual_seed(settings.seed)
        first = CharLM(settings.config)
        self.settings = settings
        self.trainers = [
            Trainer(model, TeacherForcingTask(settings.target, ratio), settings.recipe, device=CPU, precision="float32")
            for model, ratio in ((first, 1.0), (deepcopy(first), settings.ratio))
        ]
        # A row an epoch from the first: loss, correct, free-running correct of the first decoder, then of the second.
        self.history: list[list[float]] = []
        # Both decoders at each epoch from 0, the untrained network; the recipe's epochs bound it.
        self._shown = [[_shown(trainer.task.evaluate(trainer.model)) for trainer in self.trainers]]

    @property
    def is_over(self) -> bool:
        """Whether all epochs are trained."""
        return self.trainers[0].is_done

    def advance(self) -> None:
        """Trains both for an epoch and measures them.

        Raises:
            FloatingPointError: the loss is not finite any more; the history up to here stays.
        """
        measured = []
        for trainer in self.trainers:
            trainer.advance()
            measured.append(trainer.evaluate()[0])
        if all(math.isfinite(each["loss"]) for each in measured):  # else the next step raises
            self._shown.append([_shown(each) for each in measured])
            self.history.append([round(each[key], 4) for each in measured for key in _HISTORY_KEYS])

    def update_since(self, epoch: int = 0, shown: int | None = None) -> dict[str, Any]:
        """What a page shows (JSON): target, ratio, the history from `epoch` on, and how both decoders ran.

        Args:
            epoch: up to which the page has the history.
            shown: the epoch at which the decoders are shown, 0: untrained, None: the last.
        """
        shown = len(self.history) if shown is None else shown
        return {
            "epoch": shown,
            "target": self.settings.target,
            "ratio": self.settings.ratio,
            "since": epoch,
            "history": self.history[epoch:],
            "decoders": [decoder.as_update(self.settings.target) for decoder in self._shown[shown]],
            "is_over": self.is_over,
        }
