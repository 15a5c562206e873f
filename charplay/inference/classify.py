"""Names -> probabilities over the countries."""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import NotRequired, TypedDict

import torch

from charplay import limits
from charplay.cancellation import check_cancelled
from charplay.data import datasets
from charplay.data.batches import order_by_length, pad
from charplay.data.text import capitalize_name, normalize_name
from charplay.data.user_data.cells import ControlCharacterError, clean, clean_text, romanize
from charplay.data.vocabulary import ASCII, Vocabulary
from charplay.inference.fast_classifier import fast_classifier_of
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import STATE_UNITS, NameClassifier

USER_RESULTS = "own"  # in the results of a model that was trained on user data
BATCH_SIZE = 512  # names in a batch of `NameClassifier`
# Names in a batch of `FastClassifier`: in smaller batches a name costs more, larger ones do not fit the cache.
FAST_BATCH_SIZE = 768
STATE_DECIMALS = 3  # of a number of a hidden state


class Classification(TypedDict):
    """The model's probabilities for one name."""

    name: str  # as typed
    normalized: str  # as the network reads it
    country: str  # the likeliest
    probabilities: dict[str, float]  # over all countries, in the model's order; they sum to 1
    state: NotRequired[list[float]]  # of a part of a name, see `classify`


@torch.no_grad()
def logits_of(
    model: NameClassifier, names: Sequence[str], fast: bool = False, vocabulary: Vocabulary = ASCII
) -> torch.Tensor:
    """Logits (names, classes) of normalised names, in the order given; computed in batches of similar length.

    Args:
        model: the network.
        names: any number of them.
        fast: run the model's `FastClassifier`, as the page does, instead of PyTorch's layers on the model's device.
        vocabulary: the model's.
    """
    if fast:
        return fast_logits_and_states(model, names, vocabulary)[0]
    vocabulary.check_size(model.config.vocabulary_size)
    order = order_by_length(names)
    device = next(model.parameters()).device
    rows = []
    for start in range(0, len(order), BATCH_SIZE):
        check_cancelled()
        padded = pad([names[index] for index in order[start : start + BATCH_SIZE]], vocabulary=vocabulary)
        rows.append(model(padded.codes.to(device), padded.lengths).cpu())
    return torch.cat(rows)[torch.tensor(order).argsort()]


def fast_logits_and_states(
    model: NameClassifier, names: Sequence[str], vocabulary: Vocabulary
) -> tuple[torch.Tensor, torch.Tensor]:
    """Of normalised names, in the order given: logits (names, classes), and states as `FastClassifier.run` has them."""
    vocabulary.check_size(model.config.vocabulary_size)
    order, classifier = order_by_length(names), fast_classifier_of(model)
    starts = range(0, len(order), FAST_BATCH_SIZE)

    def run(start: int) -> tuple[torch.Tensor, torch.Tensor]:
        batch = [names[index] for index in order[start : start + FAST_BATCH_SIZE]]
        return classifier.run(pad(batch, vocabulary=vocabulary))

    if len(starts) == 1 or torch.get_num_threads() == 1:
        batches = [run(start) for start in starts]
    else:
        with ThreadPoolExecutor(2) as threads:  # PyTorch's own threads share the products alone
            batches = list(threads.map(run, starts))
    back = torch.tensor(order).argsort()
    logits, states = (torch.cat(parts)[back] for parts in zip(*batches, strict=True))
    return logits, states


def remove_prior(logits: torch.Tensor, shares: Sequence[float]) -> torch.Tensor:
    """Logits (names, classes) as if every class had been equally common in training.

    Bayes: p(class | name) is proportional to p(name | class) times the class's share of the training rows. Divided by
    the share, p(name | class) remains, and the softmax normalises it.
    """
    return logits - torch.tensor(shares).log()


def require_name(name: object) -> str:
    """A name as the network reads it.

    Raises:
        ValueError: it is blank or has no ASCII form; the message says what to change.
    """
    normalized = normalize_name(name)
    if not normalized:
        raise ValueError("Type a name of at least one letter.")
    return normalized


def read_name(checkpoint: Checkpoint[NameClassifier], name: object) -> str:
    """A typed name as this model's training data would write it.

    The shipped classifiers were trained on capitalised names. As written, 86.5 % of the test names are classified
    correctly; without this, 82.1 % in lower case and 47.2 % in capitals.

    Raises:
        ValueError: as `require_name`.
    """
    if not checkpoint.vocabulary.is_ascii:
        return _read_user_text(checkpoint, name, limits.MAX_NAME_CHARACTERS)
    normalized = require_name(name)
    return capitalize_name(normalized) if checkpoint.data == datasets.fingerprint(datasets.NAMES_TRAIN) else normalized


def read_text(checkpoint: Checkpoint[NameClassifier], text: object) -> str:
    """A typed text as this model reads it: a name, or, where user rows were learnt, a text as those are read.

    Raises:
        ValueError: as `require_name`.
    """
    if not checkpoint.vocabulary.is_ascii:
        return _read_user_text(checkpoint, text, limits.MAX_USER_ROW_CHARACTERS)
    if USER_RESULTS not in checkpoint.results:
        return read_name(checkpoint, text)
    cleaned = clean(limits.check_text("text", text, limits.MAX_USER_ROW_CHARACTERS))
    try:
        normalized = romanize(cleaned, Counter())
    except ValueError as error:
        raise ValueError(f"This text cannot be read: {error}.") from None
    if not normalized:
        raise ValueError("Type a text of at least one letter.")
    return limits.check_text("text", normalized, limits.MAX_USER_ROW_CHARACTERS)


def _read_user_text(checkpoint: Checkpoint[NameClassifier], text: object, max_characters: int) -> str:
    """A typed text as the rows were read from which this model learnt its vocabulary."""
    try:
        cleaned = clean_text(limits.check_text("text", text, max_characters))
    except ControlCharacterError as error:
        raise ValueError(f"This text cannot be read: {error}.") from None
    if not cleaned:
        raise ValueError("Type a text of at least one letter.")
    return limits.check_text("text", checkpoint.vocabulary.read(cleaned), max_characters)


def classify(
    checkpoint: Checkpoint[NameClassifier], names: Sequence[str], prior: object = "data", *, are_read: bool = False
) -> list[Classification]:
    """Classifies all of `names`.

    Args:
        checkpoint: a name classifier.
        names: as typed.
        prior: "data" for the class shares of the training data, "uniform" for equal shares.
        are_read: the names are parts of what `read_name` returned, and stay as they are; each result has as its state
            the first `STATE_UNITS` numbers of the last layer's hidden state after it, forward, of the first network.

    Raises:
        ValueError: a name is blank or has no ASCII form, or the prior is unknown; the message says what to change.
    """
    prior = limits.check_choice("prior", prior, limits.PRIORS)
    normalized = list(names) if are_read else [read_text(checkpoint, name) for name in names]
    if not normalized:
        return []
    logits, states = fast_logits_and_states(checkpoint.model, normalized, checkpoint.vocabulary)
    if prior == "uniform":
        logits = remove_prior(logits, checkpoint.shares)
    probabilities = logits.softmax(1)  # (names, countries)
    rows = probabilities.numpy().tolist()  # of a tensor itself that takes as long as a tenth of the network
    results = [
        Classification(
            name=name,
            normalized=read,
            country=checkpoint.classes[best],
            probabilities=dict(zip(checkpoint.classes, row, strict=True)),
        )
        for name, read, best, row in zip(names, normalized, probabilities.argmax(1).tolist(), rows, strict=True)
    ]
    if are_read:
        for result, state in zip(results, states[:, :STATE_UNITS].tolist(), strict=True):
            result["state"] = [round(value, STATE_DECIMALS) for value in state]
    return results
