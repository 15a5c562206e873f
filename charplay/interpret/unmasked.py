"""What a classifier says of names whose pads it reads as if they were letters, beside what it says of them packed."""

from typing import TypedDict

import torch

from charplay.data.batches import Padded, pad
from charplay.inference.fast_classifier import fast_classifier_of
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import NameClassifier


class UnmaskedComparison(TypedDict):
    """One name read both ways: the likeliest country and its probability."""

    name: str  # as read
    country: str  # packed
    probability: float
    naive_country: str  # with its pads
    naive_probability: float


@torch.no_grad()
def compare_unmasked(checkpoint: Checkpoint[NameClassifier], names: list[str], time: int) -> list[UnmaskedComparison]:
    """Reads normalised names packed, and naively as rows of a rectangle of `time` columns.

    Naively means: as if every row had `time` characters. Each network of the classifier runs over the whole rectangle,
    a pad being an input of zeros; its forward direction ends after the last pad and its backward direction begins
    there; where it pools, the largest and the mean output are taken over all `time` columns, the pads' outputs among
    them. The logits of the networks are averaged as ever. That is what the model gives for lengths that are all `time`,
    which is all that one who keeps no lengths can give it.

    Args:
        checkpoint: a name classifier.
        names: some or all of the batch.
        time: the length of the longest name of the whole batch.
    """
    padded, read = pad(names, time), fast_classifier_of(checkpoint.model)
    everything = torch.full_like(padded.lengths, padded.codes.shape[1])
    (shares, countries), (naive_shares, naive_countries) = (
        read(Padded(padded.codes, lengths)).softmax(1).max(1) for lengths in (padded.lengths, everything)
    )
    return [
        UnmaskedComparison(
            name=name,
            country=checkpoint.classes[country],
            probability=share,
            naive_country=checkpoint.classes[naive_country],
            naive_probability=naive_share,
        )
        for name, country, share, naive_country, naive_share in zip(
            names,
            countries.tolist(),
            shares.tolist(),
            naive_countries.tolist(),
            naive_shares.tolist(),
            strict=True,
        )
    ]


def has_flipped(reading: UnmaskedComparison) -> bool:
    """Whether the pads change which country is the likeliest."""
    return reading["country"] != reading["naive_country"]
