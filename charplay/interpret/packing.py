"""What padding does to a classifier's hidden states: one batch run packed, naively and masked, compared.

The lecture's pictures (a) and (b): after `pad_packed_sequence` the outputs are zero at the pads; in a run over the
padded rectangle the hidden state keeps changing at the pads, and the final state of a padded row is wrong.
"""

from collections.abc import Sequence
from typing import TypedDict

import torch

from charplay import limits
from charplay.data.batches import Comparison, compare, pad
from charplay.data.text import normalize_name
from charplay.data.user_data.cells import clean_text
from charplay.data.vocabulary import ASCII, Vocabulary
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import NameClassifier

MAX_ROWS_PER_REQUEST = 32  # of a batch: other requests are answered in between


def split_rows(names: Sequence[str]) -> list[list[str]]:
    """The rows of a batch in parts of `MAX_ROWS_PER_REQUEST`."""
    return [list(names[start : start + MAX_ROWS_PER_REQUEST]) for start in range(0, len(names), MAX_ROWS_PER_REQUEST)]


def normalize_names(names: object, vocabulary: Vocabulary = ASCII) -> list[str]:
    """Checks the names of one batch; returns them as a model of this vocabulary reads them.

    Raises:
        ValueError: not a list of 1 to 500 names, or a name is not acceptable; the sentence says which.
    """
    if not isinstance(names, list | tuple):
        raise ValueError("The names must be a list of texts.")
    if len(names) > limits.NAMES.high:
        raise ValueError(f"{len(names):,} names; {limits.NAMES.high:g} at most.")
    if not names:
        raise ValueError("No names; 1 at least.")
    normalized = []
    for number, name in enumerate(names, 1):
        try:
            normalized.append(normalize_name(name) if vocabulary.is_ascii else _read_name(vocabulary, name))
        except ValueError as error:
            raise ValueError(f"Name {number}: {error}") from None
        if not normalized[-1]:
            raise ValueError(f"Name {number} is blank: give it at least one letter.")
    return normalized


def _read_name(vocabulary: Vocabulary, name: object) -> str:
    return vocabulary.read(clean_text(limits.check_text("name", name, limits.MAX_NAME_CHARACTERS)))


class CellValues(TypedDict):
    """One unit of each cell's vector, rows in the order of the comparison: (batch, time) each."""

    padded: list[list[float]]  # in the run over the padded rectangle
    packed: list[list[float]]  # in the packed run, unpacked again: zero at the pads


@torch.no_grad()
def cell_values(checkpoint: Checkpoint[NameClassifier], names: list[str], unit: int, hidden: bool) -> CellValues:
    """One unit of the embedding or the hidden state at each cell, for normalised names, a row each.

    Args:
        checkpoint: a name classifier.
        names: in the order of the rows.
        unit: index into each vector.
        hidden: the outputs of the recurrent network, rather than its inputs, the embeddings.
    """
    model, padded = checkpoint.model, pad(names, vocabulary=checkpoint.vocabulary)
    if not hidden:
        embedded = model.embedding(padded.codes)[:, :, unit].tolist()
        return CellValues(padded=embedded, packed=embedded)
    naive, _ = model.run_padded(padded.codes)
    packed, _ = model.run_packed(padded.codes, padded.lengths)
    return CellValues(padded=naive[:, :, unit].tolist(), packed=packed[:, :, unit].tolist())


def state_differences(checkpoint: Checkpoint[NameClassifier], names: list[str], time: int) -> list[tuple[float, float]]:
    """How far naive and masked runs are from packed ones, for some rows of a batch of `time` columns.

    Returns:
        one pair (naive, masked): the largest |difference| of final hidden states between the packed run and one that
        includes the pads, and between the packed run and one that keeps the state at the pads, zero up to rounding.
    """
    model, padded = checkpoint.model, pad(names, time, checkpoint.vocabulary)
    with torch.no_grad():
        packed = model.run_packed(padded.codes, padded.lengths)[1]  # (layers * directions, rows, hidden)
        naive, masked = model.run_padded(padded.codes)[1], model.run_masked(padded.codes, padded.lengths)[1]
    return [((packed - naive).abs().max().item(), (packed - masked).abs().max().item())]


class PackedBatch(TypedDict):
    """One batch padded and packed; rows in `order` throughout."""

    order: list[int]  # index into the names, a row each
    lengths: list[int]
    padded: list[list[int]]  # code, or 0 at a pad
    packed: list[int]  # codes as `PackedSequence.data` holds them
    batch_sizes: list[int]  # rows still running at each step
    padding_fraction: float


class BatchReport(PackedBatch):
    """A batch, and the largest |difference| of final hidden states that a model has on it against packed ones."""

    naive_difference: float  # of those read at the padded end
    masked_difference: float  # of those held at the pads


def describe(comparison: Comparison) -> PackedBatch:
    """The batch of a comparison in plain numbers."""
    return PackedBatch(
        order=comparison.order,
        lengths=comparison.padded.lengths.tolist(),
        padded=comparison.padded.codes.tolist(),
        packed=comparison.packed,
        batch_sizes=comparison.batch_sizes,
        padding_fraction=comparison.padded.padding_fraction,
    )


def report(comparison: Comparison, differences: Sequence[tuple[float, float]]) -> BatchReport:
    """The figures of a comparison; `differences` are the `state_differences` of all its rows."""
    naive, masked = zip(*differences, strict=True)
    return BatchReport(**describe(comparison), naive_difference=max(naive), masked_difference=max(masked))


def read_batch(names: object, sort: object, vocabulary: Vocabulary = ASCII) -> Comparison:
    """Checks and normalises the names of one batch, and packs and pads them.

    Raises:
        ValueError: no names, too many, or one that is not acceptable; `sort` is not true or false.
    """
    if not isinstance(sort, bool):
        raise ValueError("sort must be true or false.")
    return compare(normalize_names(names, vocabulary), sort, vocabulary)


def compare_batches(checkpoint: Checkpoint[NameClassifier], names: object, sort: object = True) -> BatchReport:
    """Pads and packs `names` and measures the differences of hidden states in the model.

    Raises:
        ValueError: no names, too many, or one that is not acceptable; `sort` is not true or false.
    """
    comparison = read_batch(names, sort, checkpoint.vocabulary)
    time = len(comparison.batch_sizes)
    parts = [state_differences(checkpoint, rows, time) for rows in split_rows(comparison.names)]
    return report(comparison, [pair for part in parts for pair in part])
