"""What padding does to a classifier's hidden states: one batch run packed, naively, and masked, and compared.

The lecture's pictures (a) and (b): after `pad_packed_sequence` the outputs are zero at the pads; run over the padded
rectangle they drift on through them, and who reads a row at its padded end reads the wrong state.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypedDict

import torch

from charplay import limits
from charplay.batches import Comparison, compare
from charplay.checkpoints import Checkpoint
from charplay.models import NameClassifier
from charplay.text import normalize_name

ROWS_AT_ONCE = 32  # of a batch, while others may wait for their turn


def normalize_names(names: object) -> list[str]:
    """Checks and normalises the names of one batch.

    Raises:
        ValueError: it is no list of 1 to 500 names, or a name cannot be read; the sentence says which.
    """
    if not isinstance(names, list | tuple):
        raise ValueError("The names must be a list of texts.")
    limits.NAMES.check(len(names))
    normalized = []
    for number, name in enumerate(names, 1):
        try:
            normalized.append(normalize_name(name))
        except ValueError as error:
            raise ValueError(f"Name {number}: {error}") from None
        if not normalized[-1]:
            raise ValueError(f"Name {number} is blank: give it at least one letter.")
    return normalized


@dataclass(frozen=True)
class States:
    """One batch inside the network, rows as in the comparison it was made from."""

    embedding: torch.Tensor  # (batch, time, embedding); zero at the pads
    packed: torch.Tensor  # outputs after pad_packed_sequence, (batch, time, directions * hidden); zero at the pads
    naive: torch.Tensor  # outputs of the run over the padded rectangle, same shape


@torch.no_grad()
def states(model: NameClassifier, comparison: Comparison) -> States:
    """Runs the batch of `comparison` through the model's embedding and recurrent network, packed and naively."""
    codes, lengths = comparison.padded.codes, comparison.padded.lengths
    return States(model.embedding(codes), model.run_packed(codes, lengths)[0], model.run_padded(codes)[0])


def differences(model: NameClassifier, comparison: Comparison) -> Iterator[tuple[float, float]]:
    """What is at stake, for 32 rows after another, so that a server can let others in between.

    Yields:
        (naive, masked): the largest |difference| of final hidden states, packed against read at the padded end of the
        whole batch, and packed against held still at the pads; the latter is zero to rounding.
    """
    padded = comparison.padded
    for codes, lengths in zip(padded.codes.split(ROWS_AT_ONCE), padded.lengths.split(ROWS_AT_ONCE), strict=True):
        with torch.no_grad():
            packed = model.run_packed(codes, lengths)[1]  # (layers * directions, rows, hidden)
            naive, masked = model.run_padded(codes)[1], model.run_masked(codes, lengths)[1]
        yield (packed - naive).abs().max().item(), (packed - masked).abs().max().item()


class BatchReport(TypedDict):
    """One batch padded and packed, in numbers; rows in `order` throughout."""

    order: list[int]  # index into the names, a row each
    lengths: list[int]
    padded: list[list[int]]  # code, or 0 at a pad
    packed: list[int]  # codes as `PackedSequence.data` holds them
    batch_sizes: list[int]  # rows still running at each step
    padding_fraction: float
    naive_difference: float
    masked_difference: float


Turns = Callable[[Iterator[tuple[float, float]]], Iterable[tuple[float, float]]]


def report(model: NameClassifier, comparison: Comparison, turns: Turns = iter) -> BatchReport:
    """The numbers of a comparison; `turns` draws the parts of the computation, one after another."""
    naive, masked = zip(*turns(differences(model, comparison)), strict=True)
    return BatchReport(
        order=comparison.order,
        lengths=comparison.padded.lengths.tolist(),
        padded=comparison.padded.codes.tolist(),
        packed=comparison.packed,
        batch_sizes=comparison.batch_sizes,
        padding_fraction=comparison.padded.padding_fraction,
        naive_difference=max(naive),
        masked_difference=max(masked),
    )


def compare_batches(checkpoint: Checkpoint, names: object, sort: object = True, turns: Turns = iter) -> BatchReport:
    """Pads and packs `names` and says what is at stake, from the loaded model.

    Raises:
        ValueError: no names, too many, or one that cannot be read; `sort` is not true or false.
    """
    if not isinstance(sort, bool):
        raise ValueError("sort must be true or false.")
    return report(checkpoint.model, compare(normalize_names(names), sort), turns)
