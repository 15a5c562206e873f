import pytest

from charplay.data.batches import pad
from charplay.interpret.packing import cell_values, compare_batches, split_rows

LECTURE = ["adylov", "solan", "hard", "san"]


def test_a_report_has_its_rows_in_one_order_throughout(classifier):
    names = ["san", "adylov", "Müller", "solan"]
    report = compare_batches(classifier, names)
    assert [names[index] for index in report["order"]] == ["adylov", "Müller", "solan", "san"]
    assert report["lengths"] == [6, 6, 5, 3]
    assert report["padded"][3] == [115, 97, 110, 0, 0, 0]
    assert len(report["packed"]) == sum(report["batch_sizes"]) == 20
    assert report["padding_fraction"] == pytest.approx(4 / 24)
    unsorted = compare_batches(classifier, names, sort=False)
    assert unsorted["order"] == [0, 1, 2, 3]
    assert unsorted["lengths"] == [3, 6, 6, 5]
    assert unsorted["packed"] == report["packed"]  # PyTorch sorts inside


def test_the_state_at_the_padded_end_differs_and_the_masked_one_does_not(classifier):
    report = compare_batches(classifier, LECTURE)
    assert report["naive_difference"] > 1e-2
    assert report["masked_difference"] < 1e-6


def test_a_large_batch_in_parts_gives_the_same_differences(classifier):
    names = [chr(97 + index % 26) * (1 + index * 7 % 20) for index in range(100)]
    assert [len(part) for part in split_rows(names)] == [32, 32, 32, 4]
    report = compare_batches(classifier, names)
    padded = pad([names[index] for index in report["order"]])
    packed, naive = (
        classifier.model.run_packed(padded.codes, padded.lengths)[1],
        classifier.model.run_padded(padded.codes)[1],
    )
    assert report["naive_difference"] == pytest.approx((packed - naive).abs().max().item(), abs=1e-5)


@pytest.mark.parametrize("hidden", [True, False])
def test_a_cell_value_is_the_unit_of_its_vector(classifier, hidden):
    padded, unit = pad(LECTURE), 5
    shown = cell_values(classifier, LECTURE, unit, hidden)
    if hidden:
        naive, packed = (
            classifier.model.run_padded(padded.codes)[0],
            classifier.model.run_packed(padded.codes, padded.lengths)[0],
        )
    else:
        naive = packed = classifier.model.embedding(padded.codes)
    assert shown == {"padded": naive[:, :, unit].tolist(), "packed": packed[:, :, unit].tolist()}


@pytest.mark.parametrize("names", [["solo"], ["anna", "otto"], ["x"] * 500])
def test_without_pads_there_are_no_differences(classifier, names):
    report = compare_batches(classifier, names)
    assert report["padding_fraction"] == 0
    assert report["naive_difference"] < 1e-5


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], "at least"),
        (["x"] * 501, "501 names; 500 at most"),
        ("adylov", "must be a list"),
        (None, "must be a list"),
        ({"a": 1}, "must be a list"),
        (["Rossi", " "], "Name 2 is blank"),
        (["Rossi", 7], "Name 2: The name must be a text"),
        (["한국"], "Name 1: .*romanised"),
        (["x" * 65], "Name 1: .*at most 64"),
    ],
)
def test_an_unacceptable_batch_is_refused(classifier, names, message):
    with pytest.raises(ValueError, match=message):
        compare_batches(classifier, names)


def test_a_sort_that_is_not_a_bool_is_refused(classifier):
    with pytest.raises(ValueError, match="true or false"):
        compare_batches(classifier, LECTURE, sort="yes")
