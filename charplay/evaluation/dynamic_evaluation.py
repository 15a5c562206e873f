"""Dynamic evaluation: a language model that goes on learning from the text that it is measured on.

Each chunk is predicted first and learned from afterwards, so that every character is still predicted from those before
it alone (Krause et al. 2018, "Dynamic Evaluation of Neural Sequence Models"). As there, each weight's step is divided
by the root mean square of its gradients, here of those of the text so far. Their pull back to the weights as they were
has brought nothing on the validation speeches. The model that is given stays as it is: a copy learns.
"""

import copy
import math
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import nn

from charplay.cancellation import check_cancelled
from charplay.data.vocabulary import ASCII, Vocabulary
from charplay.models.networks import CharLM, State

STEP_CHARACTERS = 50  # of the text between two gradient steps
LEARNING_RATE = 1e-4  # the best on the validation speeches of 3e-5 to 1e-3, and of plain SGD and Adam
EPSILON = 1e-5  # added to the root mean square


class Chunk(NamedTuple):
    """The next characters of a text, -log2 p of each: by the model as it was, and by the copy that learns."""

    fixed: list[float]
    dynamic: list[float]


class _Reading:
    """One model on its way through a text."""

    def __init__(self, model: CharLM):
        self.model = model
        self._state: State | None = None

    def read(self, inputs: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """The loss of each target, nats (time,); `inputs` are the characters before them (time,)."""
        logits, state = self.model(inputs[None], self._state)
        self._state = tuple(each.detach() for each in state) if isinstance(state, tuple) else state.detach()
        return nn.functional.cross_entropy(logits[0].float(), targets, reduction="none")


class DynamicEvaluation:
    """A text, read by the model and, beside it, by a copy that takes a gradient step after every chunk."""

    def __init__(self, model: CharLM, learning_rate: float = LEARNING_RATE):
        """`model` is in evaluation mode, and so is its copy: nothing is dropped out."""
        self.adapted = copy.deepcopy(model).requires_grad_(True)
        self._fixed, self._dynamic = _Reading(model), _Reading(self.adapted)
        self._learning_rate, self._steps = learning_rate, 0
        self._squares = [torch.zeros_like(weights) for weights in self.adapted.parameters()]  # sums over the steps

    def read(self, text: str, vocabulary: Vocabulary = ASCII) -> Iterator[Chunk]:
        """Yields the chunks of a text of the vocabulary's characters; all but the first character are predicted."""
        codes = vocabulary.encode(text).to(next(self.adapted.parameters()).device)
        chunks = zip(codes[:-1].split(STEP_CHARACTERS), codes[1:].split(STEP_CHARACTERS), strict=True)
        for inputs, targets in chunks:
            check_cancelled()
            with torch.no_grad():
                fixed = self._fixed.read(inputs, targets)
            with torch.enable_grad():
                losses = self._dynamic.read(inputs, targets)
                gradients = torch.autograd.grad(losses.mean(), list(self.adapted.parameters()))
            self._step(gradients)
            yield Chunk((fixed / math.log(2)).tolist(), (losses.detach() / math.log(2)).tolist())

    @torch.no_grad()
    def _step(self, gradients: Sequence[torch.Tensor]) -> None:
        self._steps += 1
        for weights, gradient, squares in zip(self.adapted.parameters(), gradients, self._squares, strict=True):
            squares.addcmul_(gradient, gradient)
            scale = squares.div(self._steps).sqrt_().add_(EPSILON)
            weights.addcdiv_(gradient, scale, value=-self._learning_rate)


def evaluate_dynamically(model: CharLM, text: str, vocabulary: Vocabulary = ASCII) -> float:
    """Bits per character of a text of two characters or more by a model that learns while it reads."""
    bits = [each for chunk in DynamicEvaluation(model).read(text, vocabulary) for each in chunk.dynamic]
    return sum(bits) / len(bits)
