"""Attribution: the effect of each letter of a name on the score of one country.

Two methods. Leave-one-out classifies the name without the letter: exact but coarse, since all later letters move up by
one. The gradient norm at the letter's embedding says how fast the score changes, for small changes only ("saliency",
Simonyan et al. 2014).
"""

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

import torch

from charplay import limits
from charplay.data.batches import Padded, pad
from charplay.inference.classify import logits_of, read_text, remove_prior
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import NameClassifier


class Attribution(TypedDict):
    """The effect of each letter of a name on one country."""

    normalized: str
    first: int  # index of its first letter shown: 0, or of a long text the last `limits.MAX_SHOWN_LETTERS` are shown
    country: str  # the requested one, or the likeliest
    probability: float  # of the country, given the whole name
    # The lists have an entry for each letter shown.
    without: list[float] | None  # its probability without that letter; None for a name of one letter
    changes: list[float] | None  # of its log-probability, in nats, when that letter is left out
    gradients: list[float]  # norm of the gradient of its logit at that letter's embedding


def first_shown(normalized: str) -> int:
    """The index of the first letter that is analysed: of a long text the last ones are."""
    return max(len(normalized) - limits.MAX_SHOWN_LETTERS, 0)


def leave_one_out(normalized: str) -> list[str]:
    """The name without each of the letters shown in turn, normalised."""
    shown = range(first_shown(normalized), len(normalized))
    return [" ".join((normalized[:at] + normalized[at + 1 :]).split()) for at in shown]


def gradient_norms(model: NameClassifier, padded: Padded, targets: Sequence[int]) -> list[torch.Tensor]:
    """For each name the norm of the gradient of one of its logits at each embedding row that it picks.

    Args:
        model: the network; its weights are not changed.
        padded: the names, (batch, time).
        targets: for each name the index of a class.

    Returns:
        (letters,) for each name, in the dtype of the model.
    """
    picked: list[torch.Tensor] = []

    def record(module: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor:
        picked.append(output.requires_grad_())
        return output

    hook = model.embedding.register_forward_hook(record)
    try:
        with torch.enable_grad():
            # Rows are independent: the gradient of the sum is that of each logit at its own row.
            total = model(padded.codes, padded.lengths).gather(1, torch.tensor(targets)[:, None]).sum()
    finally:
        hook.remove()
    [gradient] = torch.autograd.grad(total, picked)  # (batch, time, embedding)
    norms = gradient.norm(dim=2)
    return [row[:length] for row, length in zip(norms, padded.lengths.tolist(), strict=True)]


def attribute(
    checkpoint: Checkpoint[NameClassifier], name: object, prior: object = "data", country: str | None = None
) -> Attribution:
    """The effect of each letter of a name on a country.

    Args:
        checkpoint: a name classifier.
        name: as typed.
        prior: "data" or "uniform", for the probabilities. The gradients do not depend on it: dividing out a share adds
            a constant to the logit.
        country: one of the checkpoint's classes; None: the likeliest.

    Raises:
        ValueError: the name is not acceptable, or there is no such prior or country.
    """
    return attribute_all(checkpoint, [{"name": name, "prior": prior, "country": country}])[0]


def attribute_all(checkpoint: Checkpoint[NameClassifier], requests: Sequence[Mapping[str, Any]]) -> list[Attribution]:
    """What `attribute` gives for the arguments of each request, in one batch.

    Raises:
        ValueError: one of them is not acceptable.
    """
    names, priors, logs = [], [], []
    for request in requests:
        priors.append(limits.check_choice("prior", request["prior"], limits.PRIORS))
        names.append(read_text(checkpoint, request["name"]))
    rows = [[name, *(leave_one_out(name) if len(name) > 1 else [])] for name in names]
    logits = logits_of(checkpoint.model, list(itertools.chain(*rows)), fast=True, vocabulary=checkpoint.vocabulary)
    for prior, of_name in zip(priors, logits.split([len(row) for row in rows]), strict=True):
        adjusted = remove_prior(of_name, checkpoint.shares) if prior == "uniform" else of_name
        logs.append(adjusted.log_softmax(1))  # (1 + letters, classes)
    targets = [
        int(of_name[0].argmax())
        if request["country"] is None
        else checkpoint.classes.index(limits.check_choice("country", request["country"], checkpoint.classes))
        for request, of_name in zip(requests, logs, strict=True)
    ]
    gradients = gradient_norms(checkpoint.model, pad(names, vocabulary=checkpoint.vocabulary), targets)
    return [
        _attribution(name, checkpoint.classes[target], of_name[:, target], norms)
        for name, target, of_name, norms in zip(names, targets, logs, gradients, strict=True)
    ]


def _attribution(name: str, country: str, logs: torch.Tensor, norms: torch.Tensor) -> Attribution:
    """From the log-probabilities (1 + letters shown,) of the name and of those without a letter."""
    whole, without = logs[0], logs[1:]
    first = first_shown(name)
    return Attribution(
        normalized=name,
        first=first,
        country=country,
        probability=whole.exp().item(),
        without=without.exp().tolist() if len(without) else None,
        changes=(without - whole).tolist() if len(without) else None,
        gradients=norms[first:].tolist(),
    )
