"""A class -> texts of it, letter by letter: one to many, with a `ConditionalCharLM`.

A request writes its texts one after another, each from the class anew, in one row of a batch: the engine runs it beside
any other text.
"""

import secrets
from collections.abc import Mapping, Sequence

import numpy as np
import torch

from charplay import limits
from charplay.data.vocabulary import ASCII, END_OF_TEXT, Vocabulary
from charplay.inference.generate import GenerationBatch, Rows, run_generations
from charplay.inference.generation import Generation, Request
from charplay.inference.products import Array
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM

NEVER_FIRST = (END_OF_TEXT, " ")  # no text is blank


def make_invent_request(
    checkpoint: Checkpoint, classes: object, count: object = 10, temperature: object = 0.8, seed: object = None
) -> Request:
    """Validates user input.

    Args:
        checkpoint: of a conditional language model.
        classes: a class, or a mixture of several: the weight of each.
        count: texts to write.
        temperature: 0 is argmax: the same text `count` times.
        seed: None: a random one.

    Raises:
        ValueError: a value is out of bounds, or there is no such class.
    """
    count = limits.INVENTED.check(count)
    return Request(
        prime="",
        temperature=limits.TEMPERATURE.check(temperature),
        length=count * (limits.MAX_INVENTED_CHARACTERS + 1),
        prime_length=0,
        top_k=0,
        seed=secrets.randbelow(int(limits.SEED.high) + 1) if seed is None else limits.SEED.check(seed),
        mixture=_read_mixture(checkpoint.classes, classes),
        count=count,
    )


def _read_mixture(names: Sequence[str], classes: object) -> list[float]:
    """The weight of each class, (classes,); they sum to 1."""
    if isinstance(classes, str):
        classes = {classes: 1.0}
    if not isinstance(classes, Mapping):
        raise ValueError("Give a class, or the weight of each class of a mixture.")
    limits.MIXED_CLASSES.check(len(classes))
    weights = {
        limits.check_choice("class", name, names): limits.CLASS_WEIGHT.check(weight) for name, weight in classes.items()
    }
    total = sum(weights.values())
    if not total:
        raise ValueError("One class of a mixture at least must have a weight above 0.")
    return [weights.get(name, 0.0) / total for name in names]


class InventedTexts(Generation):
    """The texts of one request; the continuation has `END_OF_TEXT` after each."""

    def __init__(self, request: Request, vocabulary: Vocabulary = ASCII):
        super().__init__(request, vocabulary)
        self._end = vocabulary.code_of(END_OF_TEXT)
        self._unfinished = request.count
        self._length = 0  # characters of the text being written

    @property
    def must_end(self) -> bool:
        """Whether the text being written has as many characters as it may have."""
        return self._length >= limits.MAX_INVENTED_CHARACTERS

    def is_last(self, code: int) -> bool:
        return self._unfinished == 1 and code == self._end

    def append(self, code: int, is_last: bool) -> None:
        super().append(code, is_last)
        self._unfinished -= code == self._end
        self._length = 0 if code == self._end else self._length + 1


class ConditionalBatch(GenerationBatch):
    """The running requests of a conditional model: each text begins with the state after its classes."""

    def _sample(self, group: Rows) -> Array:
        codes = super()._sample(group)
        for row, generation in enumerate(group.generations):
            if isinstance(generation, InventedTexts) and generation.must_end:
                codes[row] = self._end
        return codes

    def _restart(self, group: Rows, codes: Array) -> None:
        ended = np.flatnonzero(codes == self._end)
        if len(ended):
            started = self._new_rows([group.generations[row] for row in ended])
            for part, rows in zip(group.state, started.state, strict=True):
                part[ended] = rows

    def _new_rows(self, generations: list[Generation]) -> Rows:
        if not generations:
            return super()._new_rows(generations)
        logits, state = self._quantized.start(torch.tensor([each.request.mixture for each in generations]))
        logits[:, self._never_first] = -np.inf
        return Rows(generations, (*state, logits))

    def __init__(self, checkpoint: Checkpoint[CharLM]):
        super().__init__(checkpoint)
        vocabulary = checkpoint.vocabulary
        self._end = vocabulary.code_of(END_OF_TEXT)
        self._never_first = [vocabulary.code_of(character) for character in NEVER_FIRST if character in vocabulary]


def new_generation(request: Request, vocabulary: Vocabulary) -> Generation:
    """Of any request, before its first character."""
    return (InventedTexts if request.mixture else Generation)(request, vocabulary)


def make_batch(checkpoint: Checkpoint[CharLM]) -> GenerationBatch:
    """For the requests of one model, plain or conditional."""
    return (ConditionalBatch if checkpoint.classes else GenerationBatch)(checkpoint)


def split_texts(continuation: str) -> list[str]:
    """The complete texts of a continuation."""
    return continuation.split(END_OF_TEXT)[:-1]


def invent(checkpoint: Checkpoint[CharLM], requests: Sequence[Request]) -> list[list[str]]:
    """The texts of each request; the same request gives the same texts.

    Raises:
        Exception: whatever ended one of the requests.
    """
    generations = [InventedTexts(request, checkpoint.vocabulary) for request in requests]
    return [split_texts(continuation) for continuation in run_generations(ConditionalBatch(checkpoint), generations)]
