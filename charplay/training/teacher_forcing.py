"""Teacher forcing, and training without: a decoder learns one short text, fed the true one or what it wrote itself.

The lecture's last lesson, "RNN II" of PyTorch Zero To All, on its text: from `hihell` a decoder is to make `ihello`, a
character at a time. What it reads at each step is either the true character (teacher forcing, Williams and Zipser
1989) or the one that it has just predicted; a ratio between the two is drawn anew at each step (scheduled sampling,
Bengio et al. 2015).

Alone, a decoder has only its own predictions to read. One that was trained on the true text then meets beginnings that
training never showed it (exposure bias, Ranzato et al. 2016), so that one wrong character brings others.
"""

import math
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any, NamedTuple

import torch
from torch import nn

from charplay import limits
from charplay.data.text import decode, encode, normalize_target
from charplay.inference.quantized import QuantizedStep, UnroundedProduct
from charplay.models.networks import CELLS, CharLM, CharLMConfig
from charplay.training.recipes import Recipe
from charplay.training.trainer import Trainer

EMBEDDING_SIZE = 16  # numbers a character code becomes
CPU = torch.device("cpu")  # a step of so small a network is over before a GPU has begun


class Rollout(NamedTuple):
    """What a decoder did with a text, a step for each character."""

    logits: torch.Tensor  # (time, 128)
    fed: torch.Tensor  # int64 (time,): the code that each step read
    predicted: torch.Tensor  # int64 (time,): the likeliest next code after each step


@torch.no_grad()
def choose_inputs(model: CharLM, codes: torch.Tensor, is_forced: torch.Tensor) -> torch.Tensor:
    """What each step of a decoder reads: the true character where it is forced, else its own last prediction.

    Args:
        model: the decoder.
        codes: int64 (time,), the true characters.
        is_forced: bool (time,); the first step has no prediction to read, and reads the true character anyhow.

    Returns:
        codes, int64 (time,).
    """
    if is_forced[1:].all():
        return codes
    stepper = QuantizedStep(model, UnroundedProduct)
    fed, state = [codes[:1]], stepper.initial_state(1)
    for true, forced in zip(codes[1:].split(1), is_forced[1:].tolist(), strict=True):
        logits, state = stepper.step(fed[-1], state)  # (1, 128)
        fed.append(true if forced else logits.argmax(1))
    return torch.cat(fed)


def roll_out(model: CharLM, codes: torch.Tensor, is_forced: torch.Tensor) -> Rollout:
    """Runs a decoder over a text, fed as `choose_inputs` says.

    No gradient goes through the choice of a character, so what is fed can be found out beforehand, and the loss is
    that of one call over it.
    """
    fed = choose_inputs(model, codes, is_forced)
    logits = model(fed[None])[0][0]  # (time, 128)
    return Rollout(logits, fed, logits.argmax(1))


class TeacherForcingTask:
    """Cross-entropy of each next character of one text; an epoch has one batch, the text.

    A batch is bool (time,): at which steps the decoder is fed the true character.

    Args:
        target: at least 2 ASCII characters.
        ratio: how probable it is at each step; 1 is teacher forcing, and at 0 all but the first are its own.
    """

    unit = "characters"
    state = None

    def __init__(self, target: str, ratio: float):
        codes = encode(target)
        self.codes, self.targets = codes[:-1], codes[1:]  # (time,) each, shifted by one: hihell -> ihello
        self.ratio = ratio
        self._is_forced = torch.ones(len(self.codes), dtype=torch.bool)  # in the last training step

    def count(self) -> int:
        return 1

    def batches(self, generator: torch.Generator) -> Sequence[torch.Tensor]:
        is_forced = torch.rand(len(self.codes), generator=generator) < self.ratio
        is_forced[0] = True
        return [is_forced]

    def loss(self, model: nn.Module, batch: torch.Tensor, device: torch.device) -> tuple[torch.Tensor, float]:
        self._is_forced = batch
        return nn.functional.cross_entropy(roll_out(model, self.codes, batch).logits, self.targets), len(self.targets)

    @torch.no_grad()
    def evaluate(self, model: CharLM) -> dict[str, Any]:
        """The decoder run twice: fed what its last training step was fed, and alone.

        Returns:
            "loss" (mean nats), "right" (characters), "predicted" and "fed" (texts) and "forced" (whether each of what
            was fed is the true character by teacher forcing) of the first; "right_alone" and "alone" of the second,
            the free run, which reads its own predictions from the true first character on.
        """
        trained = roll_out(model, self.codes, self._is_forced)
        nobody = torch.zeros_like(self._is_forced)
        alone = roll_out(model, self.codes, nobody) if self._is_forced[1:].any() else trained
        return {
            "loss": nn.functional.cross_entropy(trained.logits, self.targets).item(),
            "right": int((trained.predicted == self.targets).sum()),
            "predicted": decode(trained.predicted),
            "fed": decode(trained.fed),
            "forced": self._is_forced.tolist(),
            "right_alone": int((alone.predicted == self.targets).sum()),
            "alone": decode(alone.predicted),
        }

    def score(self, measured: dict[str, Any]) -> float:
        return measured["loss"]


@dataclass(frozen=True)
class DecoderSettings:
    """What two decoders are to learn, and how; `make_settings` checks what a visitor chose."""

    target: str  # normalised
    cell: str
    hidden_size: int
    learning_rate: float
    seed: int
    ratio: float  # of the second decoder

    @property
    def recipe(self) -> Recipe:
        """How both are trained."""
        config = CharLMConfig(self.cell, EMBEDDING_SIZE, self.hidden_size, layers=1)
        return Recipe(
            config,
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


class DecoderPair:
    """Two decoders that begin as the same network and learn the same text in step.

    The first is fed the true characters, the second with the probability that the settings say. What they differ in
    after an epoch they have from that alone.
    """

    def __init__(self, settings: DecoderSettings):
        torch.manual_seed(settings.seed)
        first = CharLM(settings.recipe.config)
        self.settings = settings
        self.trainers = [
            Trainer(model, TeacherForcingTask(settings.target, ratio), settings.recipe, device=CPU, precision="float32")
            for model, ratio in ((first, 1.0), (deepcopy(first), settings.ratio))
        ]
        self.history: list[list[float]] = []  # of each epoch: loss, right, right alone of the first, and of the second
        self._measured: list[dict[str, Any]] = []

    @property
    def is_over(self) -> bool:
        """Whether all epochs are trained."""
        return self.trainers[0].is_done

    def advance(self) -> None:
        """Trains both for an epoch and measures them.

        Raises:
            FloatingPointError: the loss is no finite number any more; what was reached before stays.
        """
        measured = []
        for trainer in self.trainers:
            trainer.advance()
            measured.append(trainer.evaluate()[0])
        if all(math.isfinite(each["loss"]) for each in measured):  # else the next step will say so
            self._measured = measured
            self.history.append([round(each[key], 4) for each in measured for key in ("loss", "right", "right_alone")])

    def news(self, since: int = 0) -> dict[str, Any]:
        """What there is to see: target, ratio, the history from epoch `since` on, and how both decoders ran (JSON)."""
        shown = ("fed", "forced", "predicted", "alone")
        decoders = [{key: measured[key] for key in shown} for measured in self._measured]
        return {
            "target": self.settings.target,
            "ratio": self.settings.ratio,
            "since": since,
            "history": self.history[since:],
            "decoders": decoders,
            "is_over": self.is_over,
        }
