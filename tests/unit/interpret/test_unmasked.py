import pytest
import torch

from charplay.data.batches import pad
from charplay.interpret.unmasked import compare_unmasked, has_flipped
from tests.conftest import make_checkpoint, make_classifier

NAMES = ["adylov", "solan", "hard", "san", "O'Brien", "x", "van der Berg"]
ROUNDING = 1e-2  # of a probability, where products in 8-bit integers are faster


def naive_by_hand(model, padded) -> torch.Tensor:
    """Logits of one network that knows no lengths: from its outputs and states at the end of the rectangle."""
    outputs, hidden = model.run_padded(padded.codes)
    features = [torch.cat([hidden[-2], hidden[-1]], 1)]
    if model.config.pooling:
        features += [outputs.amax(1), outputs.mean(1)]
    return model.linear(torch.cat(features, 1))


@torch.no_grad()
@pytest.mark.parametrize("pooling", [True, False])
def test_unmasked_logits_are_those_of_a_run_over_the_whole_rectangle(pooling):
    checkpoint, padded = make_checkpoint("names", make_classifier(pooling=pooling)), pad(NAMES)
    comparisons = compare_unmasked(checkpoint, NAMES, time=padded.codes.shape[1])
    shares = naive_by_hand(checkpoint.model, padded).softmax(1)
    for comparison, row in zip(comparisons, shares, strict=True):
        naive = row[checkpoint.classes.index(comparison["naive_country"])].item()
        assert comparison["naive_probability"] == pytest.approx(naive, abs=ROUNDING)
        assert row.max().item() == pytest.approx(naive, abs=ROUNDING)


@torch.no_grad()
def test_a_packed_name_gives_what_it_gives_alone_and_flips_if_unmasked_differs(classifier):
    checkpoint, padded = classifier, pad(NAMES)
    everything = torch.full_like(padded.lengths, padded.codes.shape[1])
    comparisons = compare_unmasked(checkpoint, NAMES, time=padded.codes.shape[1])
    assert [comparison["name"] for comparison in comparisons] == NAMES
    for row, (name, comparison) in enumerate(zip(NAMES, comparisons, strict=True)):
        single = pad([name])
        packed = checkpoint.model(single.codes, single.lengths).softmax(1)[0]
        naive = checkpoint.model(padded.codes[[row]], everything[[row]])[0]
        assert comparison["country"] == checkpoint.classes[packed.argmax()]
        assert comparison["probability"] == pytest.approx(packed.max().item(), abs=ROUNDING)
        assert has_flipped(comparison) == (int(packed.argmax()) != int(naive.argmax()))


def test_a_name_without_pads_gives_the_same_packed_and_unmasked(classifier):
    [longest] = compare_unmasked(classifier, ["van der Berg"], time=len("van der Berg"))
    assert not has_flipped(longest)
    assert longest["probability"] == longest["naive_probability"]


def test_the_rows_of_a_part_give_what_they_give_in_the_whole_batch(classifier):
    checkpoint, time = classifier, max(map(len, NAMES))
    whole = compare_unmasked(checkpoint, NAMES, time)
    parts = compare_unmasked(checkpoint, NAMES[:3], time) + compare_unmasked(checkpoint, NAMES[3:], time)
    for one, other in zip(whole, parts, strict=True):
        assert one["naive_country"] == other["naive_country"]
        assert one["naive_probability"] == pytest.approx(other["naive_probability"], abs=1e-6)
