import pytest
import torch

from charplay.data import datasets
from charplay.data.batches import compare, count_steps, group_by_length, pad

LECTURE = ["adylov", "solan", "hard", "san"]


def test_the_lectures_four_names_are_padded_to_four_by_six():
    padded = pad(LECTURE)
    assert padded.codes.shape == (4, 6)
    assert padded.lengths.tolist() == [6, 5, 4, 3]
    assert padded.codes[3].tolist() == [115, 97, 110, 0, 0, 0]
    assert padded.padding_fraction == pytest.approx(6 / 24)


def test_the_lectures_three_names_have_its_batch_sizes_once_packed():
    comparison = compare(["ghatmasala", "nicela", "chutpakodas"])
    assert comparison.batch_sizes == [3, 3, 3, 3, 3, 3, 2, 2, 2, 2, 1]
    assert (len(comparison.packed), comparison.padded.codes.numel()) == (27, 33)
    assert comparison.order == [2, 0, 1]


@pytest.mark.parametrize("sort", [True, False])
def test_packed_cells_hold_the_codes_at_their_rows_and_steps(sort):
    comparison = compare(["san", "adylov", "hard", "x", "solan", "kim"], sort)
    codes = comparison.padded.codes
    cells = list(zip(comparison.packed_rows, comparison.packed_steps, strict=True))
    assert [int(codes[cell]) for cell in cells] == comparison.packed
    assert len(set(cells)) == len(cells) == int(comparison.padded.lengths.sum())
    sizes = [sum(step == t for step in comparison.packed_steps) for t in range(codes.shape[1])]
    assert sizes == comparison.batch_sizes


def test_rows_are_sorted_by_length_or_in_the_order_given():
    names = ["san", "adylov", "hard"]
    assert compare(names, sort=True).padded.lengths.tolist() == [6, 4, 3]
    assert compare(names, sort=False).order == [0, 1, 2]


def test_names_of_equal_length_keep_their_order_when_packed():
    comparison = compare([f"name{number:02}" for number in range(40)])
    assert comparison.order == comparison.packed_rows[:40] == list(range(40))


@pytest.mark.parametrize("names", [LECTURE, ["solo"], ["anna", "otto"], ["x", "y" * 64, "zoe"] * 20])
def test_updates_are_useful_where_a_cell_holds_a_character_and_wasted_at_pads(names):
    comparison = compare(names, sort=False)
    is_real, steps = comparison.padded.is_real, count_steps(comparison.batch_sizes)
    for done, step in enumerate(steps, 1):
        assert step.useful == sum(comparison.batch_sizes[:done]) == int(is_real[:, :done].sum())
        assert step.useful + step.wasted == step.padded == is_real[:, :done].numel()
        assert step.running == int(is_real[:, done - 1].sum())
    assert (steps[-1].useful, steps[-1].padded) == (len(comparison.packed), comparison.padded.codes.numel())
    assert steps[-1].wasted / steps[-1].padded == pytest.approx(comparison.padded.padding_fraction)


def test_rows_can_be_padded_to_more_than_their_longest():
    whole, part = pad(["solan", "adylov", "san"]), pad(["san", "solan"], time=6)
    assert part.codes.tolist() == [whole.codes[2].tolist(), whole.codes[0].tolist()]
    assert part.lengths.tolist() == [3, 5]


@pytest.mark.parametrize("names", [[], [""], ["a", ""]])
def test_a_batch_with_an_empty_name_or_none_is_refused(names):
    with pytest.raises(ValueError, match="at least one"):
        pad(names)


def test_grouping_by_length_keeps_every_row_once_and_leaves_little_padding(data):
    names = [name for name, _ in datasets.load_names("train", data)]
    lengths = [len(name) for name in names]
    batches = group_by_length(lengths, 256, torch.Generator().manual_seed(0))
    assert sorted(index for batch in batches for index in batch) == list(range(len(names)))

    def padding(batches):
        cells = sum(len(batch) * max(lengths[index] for index in batch) for batch in batches)
        return 1 - sum(lengths) / cells

    shuffled = torch.randperm(len(names), generator=torch.Generator().manual_seed(0)).split(256)
    assert padding(batches) < 0.02
    assert padding([batch.tolist() for batch in shuffled]) > 0.4


def test_grouped_batches_depend_on_the_generator():
    lengths = [1 + index % 7 for index in range(100)]
    first = group_by_length(lengths, 8, torch.Generator().manual_seed(1))
    assert first == group_by_length(lengths, 8, torch.Generator().manual_seed(1))
    assert first != group_by_length(lengths, 8, torch.Generator().manual_seed(2))
