"""The activations of one name in a classifier: every number between the characters and the softmax.

From the lecture: name -> codes -> embedding rows -> a hidden state for each time step -> linear layer -> softmax.
"""

import base64
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import torch

from charplay import limits
from charplay.data.batches import pad
from charplay.inference.classify import read_text, remove_prior
from charplay.interpret.attribution import first_shown
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import NameClassifier

MAX_VALUES = 512  # of each vector that is returned


class EncodedArray(TypedDict):
    """A float32 array in JSON, compactly."""

    shape: list[int]  # of what is encoded
    float32: str  # little-endian, row after row, base64
    size: int  # numbers of each row in the network, of which the first `MAX_VALUES` are encoded


class Activations(TypedDict):
    """The activations of one name."""

    normalized: str
    first: int  # index of its first letter shown; "letters" below are those from there on
    classes: list[str]
    codes: list[int]
    embedding: EncodedArray  # (letters, embedding)
    hidden: list[list[EncodedArray]]  # of each layer, of each direction: (letters, hidden)
    features: list[EncodedArray]  # what the linear layer reads: last states, and with pooling the largest and the mean
    logits: list[float]  # (classes,)
    adjusted: list[float]  # the same; with the prior "uniform", minus the log of each class's share
    probabilities: list[float]  # their softmax


def _encode(rows: torch.Tensor) -> EncodedArray:
    """Encodes (rows, numbers)."""
    kept = rows[:, :MAX_VALUES].float().contiguous()
    return EncodedArray(
        shape=list(kept.shape),
        float32=base64.b64encode(kept.numpy().astype("<f4").tobytes()).decode(),
        size=rows.shape[1],
    )


def hidden_states(model: NameClassifier, codes: torch.Tensor, lengths: torch.Tensor) -> list[list[torch.Tensor]]:
    """The outputs of each layer and direction over names: (batch, time, hidden) each, in the order of the name.

    The backward direction comes second: its state at a letter depends on that letter and all after it.
    """
    directions = 2 if model.config.bidirectional else 1
    return [list(outputs.chunk(directions, 2)) for outputs in model.run_layers(codes, lengths)]


def activations_of(checkpoint: Checkpoint[NameClassifier], name: object, prior: object = "data") -> Activations:
    """Everything that a classifier computes of one name, in 32-bit floats.

    Args:
        checkpoint: a name classifier.
        name: as typed.
        prior: "data" or "uniform".

    Raises:
        ValueError: the name is not acceptable, or there is no such prior.
    """
    return activations_of_all(checkpoint, [{"name": name, "prior": prior}])[0]


@torch.no_grad()
def activations_of_all(
    checkpoint: Checkpoint[NameClassifier], requests: Sequence[Mapping[str, Any]]
) -> list[Activations]:
    """What `activations_of` gives for the arguments of each request, in one batch.

    Raises:
        ValueError: one of them is not acceptable.
    """
    priors = [limits.check_choice("prior", request["prior"], limits.PRIORS) for request in requests]
    names, model = [read_text(checkpoint, request["name"]) for request in requests], checkpoint.model
    padded = pad(names, vocabulary=checkpoint.vocabulary)
    codes, lengths = padded.codes, padded.lengths
    features, embedding = model.features(codes, lengths), model.embedding(codes)
    hidden = hidden_states(model, codes, lengths)
    logits = model(codes, lengths)  # (batch, classes)
    results = []
    for row, (name, prior) in enumerate(zip(names, priors, strict=True)):
        adjusted, shown = logits[row], slice(first_shown(name), len(name))
        if prior == "uniform":
            adjusted = remove_prior(adjusted, checkpoint.shares)
        results.append(
            Activations(
                normalized=name,
                first=shown.start,
                classes=list(checkpoint.classes),
                codes=codes[row, shown].tolist(),
                embedding=_encode(embedding[row, shown]),
                hidden=[[_encode(states[row, shown]) for states in layer] for layer in hidden],
                features=[_encode(part[None]) for part in features[row].chunk(3 if model.config.pooling else 1)],
                logits=logits[row].tolist(),
                adjusted=adjusted.tolist(),
                probabilities=adjusted.softmax(0).tolist(),
            )
        )
    return results
