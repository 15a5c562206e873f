"""Attribution: the effect of each letter of a name on the score of one country.

Two methods. Leave-one-out classifies the name without the letter: exact but coarse, since all later letters move up by
one. The gradient norm at the letter's embedding says how fast the score changes, for small changes only ("saliency",
Simonyan et al. 2014).
"""

from typing import TypedDict

import torch

from charplay import limits
from charplay.data.batches import Padded, pad
from charplay.inference.classify import logits_with_prior, read_name, require_name
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import NameClassifier


class Attribution(TypedDict):
    """The effect of each letter of a name on one country."""

    normalized: str  # the lists below have an entry for each of its characters
    country: str  # the requested one, or the likeliest
    probability: float  # of the country, given the whole name
    without: list[float] | None  # its probability without that letter; None for a name of one letter
    changes: list[float] | None  # of its log-probability, in nats, when that letter is left out
    gradients: list[float]  # norm of the gradient of its logit at that letter's embedding


def leave_one_out(normalized: str) -> list[str]:
    """The name without each letter in turn, normalised."""
    return [require_name(normalized[:at] + normalized[at + 1 :]) for at in range(len(normalized))]


def gradient_norms(model: NameClassifier, padded: Padded, target: int) -> torch.Tensor:
    """The norm of the gradient of one logit at each embedding row that a single name picks.

    Each member of an ensemble has its own embedding: the logit is the mean of theirs, and the norm is over the rows of
    all members.

    Args:
        model: the network; its weights are not changed.
        padded: one name, (1, time).
        target: the index of the class.

    Returns:
        (time,), in the dtype of the model.
    """
    picked: list[torch.Tensor] = []

    def record(module: torch.nn.Module, inputs: tuple, output: torch.Tensor) -> torch.Tensor:
        picked.append(output.requires_grad_())
        return output

    hooks = [member.embedding.register_forward_hook(record) for member in model.ensemble_members]
    try:
        with torch.enable_grad():
            logit = model(padded.codes, padded.lengths)[0, target]
    finally:
        for hook in hooks:
            hook.remove()
    gradients = torch.cat(torch.autograd.grad(logit, picked), 2)  # (1, time, members * embedding)
    return gradients[0].norm(dim=1)


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
    prior = limits.check_choice("prior", prior, limits.PRIORS)
    normalized = read_name(checkpoint, name)
    shorter = leave_one_out(normalized) if len(normalized) > 1 else []
    logs = logits_with_prior(checkpoint, [normalized, *shorter], prior).log_softmax(1)  # (1 + letters, classes)
    if country is None:
        country = checkpoint.classes[int(logs[0].argmax())]
    target = checkpoint.classes.index(limits.check_choice("country", country, checkpoint.classes))
    whole, without = logs[0, target], logs[1:, target]
    return Attribution(
        normalized=normalized,
        country=country,
        probability=whole.exp().item(),
        without=without.exp().tolist() if shorter else None,
        changes=(without - whole).tolist() if shorter else None,
        gradients=gradient_norms(checkpoint.model, pad([normalized]), target).tolist(),
    )
