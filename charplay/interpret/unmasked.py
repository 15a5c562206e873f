"""What a classifier predicts when the pads of a batch are not masked, beside its predictions for packed names."""

from typing import TypedDict

import torch

from charplay.data.batches import Padded, pad
from charplay.inference.fast_classifier import fast_classifier_of
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import NameClassifier


class UnmaskedComparison(TypedDict):
    """The likeliest country of one name and its probability, packed and unmasked."""

    name: str  # normalised
    country: str  # packed
    probability: float
    naive_country: str  # unmasked
    naive_probability: float


@torch.no_grad()
def compare_unmasked(checkpoint: Checkpoint[NameClassifier], names: list[str], time: int) -> list[UnmaskedComparison]:
    """Classifies normalised names packed, and naively as rows of a rectangle of `time` columns.

    Naively means as if every row had `time` characters, a pad being an input of zeros. The forward direction ends
    after the last pad, the backward direction starts there, and pooling covers all `time` columns. That is what the
    model gives if all lengths are `time`, as they are to code that keeps no lengths.

    Args:
        checkpoint: a name classifier.
        names: some or all of the batch.
        time: the length of the longest name of the whole batch.
    """
    padded, classifier = pad(names, time, checkpoint.vocabulary), fast_classifier_of(checkpoint.model)
    all_columns = torch.full_like(padded.lengths, padded.codes.shape[1])
    (probabilities, countries), (naive_probabilities, naive_countries) = (
        classifier(Padded(padded.codes, lengths)).softmax(1).max(1) for lengths in (padded.lengths, all_columns)
    )
    return [
        UnmaskedComparison(
            name=name,
            country=checkpoint.classes[country],
            probability=probability,
            naive_country=checkpoint.classes[naive_country],
            naive_probability=naive_probability,
        )
        for name, country, probability, naive_country, naive_probability in zip(
            names,
            countries.tolist(),
            probabilities.tolist(),
            naive_countries.tolist(),
            naive_probabilities.tolist(),
            strict=True,
        )
    ]


def has_flipped(comparison: UnmaskedComparison) -> bool:
    """Whether the pads change the predicted country."""
    return comparison["country"] != comparison["naive_country"]
