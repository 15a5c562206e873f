"""Lists of strings -> padded and packed batches, with what a view needs to draw them. Knows no model.

From the lecture: names of different lengths go through a recurrent network together, either padded with zeros
to a rectangle, or packed (`pack_padded_sequence`), so that each step of time works on real characters alone.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

import torch
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence

from charplay.data.text import PAD, encode


@dataclass(frozen=True)
class Padded:
    """Names as one rectangle of codes, padded with 0 at the end of each row."""

    codes: torch.Tensor  # int64 (batch, time)
    lengths: torch.Tensor  # int64 (batch,)

    @property
    def is_real(self) -> torch.Tensor:
        """True where a cell holds a character, False at the pads: bool (batch, time)."""
        return torch.arange(self.codes.shape[1]) < self.lengths[:, None].cpu()

    @property
    def padding_fraction(self) -> float:
        """The share of the rectangle's cells that hold no character, 0 to 1."""
        return 1.0 - int(self.lengths.sum()) / self.codes.numel()


def pad(names: Sequence[str], time: int = 0) -> Padded:
    """Pads `names` (ASCII, none empty) to the longest of them; rows stay in the order given.

    Args:
        names: a row each.
        time: columns there are at least, for some rows of a batch whose longest name is another.

    Raises:
        ValueError: there are no names, or one is empty (a recurrent network needs one step at least).
    """
    if not names or not all(names):
        raise ValueError("A batch needs at least one name, and each name at least one character.")
    lengths = [len(name) for name in names]
    time = max(time, *lengths)
    rows = encode("".join(name.ljust(time, chr(PAD)) for name in names))  # one call, however many names there are
    return Padded(rows.view(len(names), time), torch.tensor(lengths))


def pack(padded: Padded, is_sorted: bool = False) -> PackedSequence:
    """Packs the codes themselves. Rows may be in any order: PyTorch sorts them by length inside, ties as it likes.

    Where `is_sorted` says that the longest come first already, they keep their order.
    """
    return pack_padded_sequence(padded.codes, padded.lengths, batch_first=True, enforce_sorted=is_sorted)


def order_by_length(names: Sequence[str]) -> list[int]:
    """Indices into `names`, the longest first; equal lengths keep their order."""
    return sorted(range(len(names)), key=lambda index: -len(names[index]))


@dataclass(frozen=True)
class Comparison:
    """One batch both ways, as a picture needs it. Rows follow `order` throughout."""

    order: list[int]  # row -> index into the names given
    names: list[str]  # of the rows
    padded: Padded
    packed: list[int]  # codes, as `PackedSequence.data` holds them
    packed_rows: list[int]  # row of the padded batch that each packed cell came from
    packed_steps: list[int]  # its step of time
    batch_sizes: list[int]  # rows still running at each step of time


def compare(names: Sequence[str], sort: bool = True) -> Comparison:
    """Pads and packs `names`, sorted by length (longest first) or as they come."""
    order = order_by_length(names) if sort else list(range(len(names)))
    rows = [names[index] for index in order]
    padded = pad(rows)
    # Packing the number of each cell instead of its code tells where PyTorch put it.
    cells = torch.arange(padded.codes.numel()).view_as(padded.codes)  # (batch, time)
    packed = pack(padded, is_sorted=sort)
    came_from = pack(Padded(cells, padded.lengths), is_sorted=sort).data  # (real cells,)
    time = padded.codes.shape[1]
    return Comparison(
        order,
        rows,
        padded,
        packed.data.tolist(),
        (came_from // time).tolist(),
        (came_from % time).tolist(),
        packed.batch_sizes.tolist(),
    )


@dataclass(frozen=True)
class Step:
    """How much has been computed once a step of time is done; a cell update takes one row one character further."""

    running: int  # rows that have a character at this step
    padded: int  # cell updates so far of the padded batch: every row at every step
    useful: int  # those of them that read a character, which are all that the packed batch makes

    @property
    def wasted(self) -> int:
        """Cell updates so far that read a pad."""
        return self.padded - self.useful


def count_steps(batch_sizes: Sequence[int]) -> list[Step]:
    """The counts after each step of time of a batch, from `PackedSequence.batch_sizes`."""
    return [
        Step(running, batch_sizes[0] * done, useful)
        for done, (running, useful) in enumerate(zip(batch_sizes, accumulate(batch_sizes), strict=True), 1)
    ]


def group_by_length(lengths: Sequence[int], batch_size: int, generator: torch.Generator) -> list[list[int]]:
    """Batches of indices with nearly equal lengths, for training: shuffled within a length and among batches.

    At batch 256 over the training names 1.8 % of the cells are padding; in shuffled batches it is 52 %.
    """
    shuffled = torch.randperm(len(lengths), generator=generator).tolist()
    by_length = sorted(shuffled, key=lambda index: lengths[index])
    batches = [by_length[start : start + batch_size] for start in range(0, len(by_length), batch_size)]
    return [batches[index] for index in torch.randperm(len(batches), generator=generator).tolist()]
