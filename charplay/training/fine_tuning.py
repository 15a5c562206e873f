"""Going on from a trained model, on its data or on new data: its network, vocabulary and classes, which may grow.

New characters get new rows of the embedding, and of a language model's linear layer; new labels new rows of a
classifier's. All other weights are the model's own.
"""

import dataclasses
import hashlib
from collections import Counter
from pathlib import Path
from typing import Any

import torch
from torch import nn

from charplay import limits
from charplay.data.user_data import UserRows, UserText, count_labels
from charplay.data.user_data.cells import clean, romanize
from charplay.data.user_data.texts import check_text, first_lines
from charplay.data.vocabulary import UNKNOWN, Vocabulary
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import NameClassifier, Network, RecurrentConfig
from charplay.training.training_sets import TrainingSet

UserData = UserText | UserRows
# Of a text's characters that ASCII would change: with more the vocabulary of an ASCII model grows instead.
MAX_CHANGED_SHARE = 0.02
NEW_ROW_STD = 0.1  # of the new rows of a matrix around the mean of its rows, in standard deviations of those


@dataclasses.dataclass(frozen=True)
class StartingModel:
    """A trained model to go on from."""

    checkpoint: Checkpoint
    fingerprint: str  # of its file

    @property
    def network(self) -> Network:
        """The network whose weights are gone on with."""
        return self.checkpoint.model

    @property
    def config(self) -> RecurrentConfig:
        """That of the network."""
        return self.checkpoint.config

    def describe(self) -> dict[str, Any]:
        """What the header of a model that went on from it says of it."""
        path = self.checkpoint.path
        return {
            "model": path.stem if path else self.checkpoint.task,
            "fingerprint": self.fingerprint,
            "network": self.checkpoint.label,
            "data": self.checkpoint.data,
        }


def load_start(path: Path, task: str) -> StartingModel:
    """The model in a checkpoint, to go on from.

    Raises:
        CheckpointError: it cannot be loaded, or is for another task.
    """
    checkpoint = checkpoints.load(path, task)
    return StartingModel(checkpoint, hashlib.sha256(path.read_bytes()).hexdigest()[:16])


def adapt(user_data: UserData, start: StartingModel, grows: bool | None = None) -> UserData:
    """The data as the starting model's vocabulary and classes have it.

    Args:
        user_data: as it was read, with a vocabulary of its own.
        start: the model to go on from.
        grows: whether the vocabulary gets the characters that it lacks; None: always, but an ASCII model's only where
            bringing the data to ASCII would change more than some of it. A grown vocabulary takes texts as they are.

    Raises:
        ValueError: the data cannot be read with that vocabulary, or there are too many classes.
    """
    if isinstance(user_data, UserText):
        return _adapt_text(user_data, start.checkpoint.vocabulary, grows)
    known = start.checkpoint.classes
    if not set(known) & set(user_data.classes):
        known = ()  # other labels: the head is a new one
    rows = dataclasses.replace(_adapt_rows(user_data, start.checkpoint.vocabulary, grows), known_classes=known)
    if len(rows.classes) > limits.MAX_USER_CLASSES:
        raise ValueError(
            f"With those of the model there are {len(rows.classes)} labels, and at most {limits.MAX_USER_CLASSES} can "
            "be told apart here: start from a new network."
        )
    return rows


def _adapt_text(user_text: UserText, vocabulary: Vocabulary, grows: bool | None) -> UserText:
    read = vocabulary.read(user_text.text).strip() if vocabulary.is_ascii else vocabulary.read(user_text.text)
    if grows is None:
        kept = sum((Counter(user_text.text) & Counter(read)).values())
        grows = not vocabulary.is_ascii or kept < (1 - MAX_CHANGED_SHARE) * len(user_text.text)
    if grows:
        return dataclasses.replace(user_text, vocabulary=_grown(vocabulary, user_text))
    return dataclasses.replace(user_text, text=check_text(read), vocabulary=vocabulary, first=first_lines(read))


def _adapt_rows(user_rows: UserRows, vocabulary: Vocabulary, grows: bool | None) -> UserRows:
    if grows is None and not vocabulary.is_ascii:
        grows = True
    if not grows:
        try:
            if vocabulary.is_ascii:
                rows = [(romanize(clean(text), Counter()), label) for text, label in user_rows.rows]
            else:
                rows = [(vocabulary.read(text), label) for text, label in user_rows.rows]
            if not all(text for text, _ in rows):
                raise ValueError("One of the texts has no character that the model reads")
            return dataclasses.replace(user_rows, rows=rows, vocabulary=vocabulary, first=rows[: len(user_rows.first)])
        except ValueError as error:
            if grows is not None:
                raise ValueError(f"{error}: let the vocabulary grow.") from None
    return dataclasses.replace(user_rows, vocabulary=_grown(vocabulary, user_rows))


def _grown(vocabulary: Vocabulary, user_data: UserData) -> Vocabulary:
    """With the characters of the data, and the unknown; the codes that it had stay."""
    return vocabulary.extended(sorted(user_data.vocabulary.characters))


def changes_of(start: StartingModel, user_data: UserData) -> dict[str, Any]:
    """What a data summary says of a start: the model, and what of it grows."""
    vocabulary, characters = start.checkpoint.vocabulary, user_data.vocabulary.characters
    labels = list(count_labels(user_data.rows)) if isinstance(user_data, UserRows) else []
    return start.describe() | {
        "is_ascii": user_data.vocabulary.is_ascii,
        "new_characters": [c for c in characters if c not in vocabulary and c != UNKNOWN],
        "new_labels": [label for label in labels if label not in start.checkpoint.classes],
        "labels_without_rows": sum(label not in labels for label in start.checkpoint.classes),
        "is_new_head": isinstance(user_data, UserRows) and not user_data.known_classes,
    }


@torch.no_grad()
def copy_weights(start: StartingModel, model: Network, training_set: TrainingSet) -> None:
    """Gives a new network the weights of the starting model; rows for new characters and labels stay near their mean.

    Args:
        start: the model to go on from.
        model: of the same sizes, but for its vocabulary and classes; it is changed in place.
        training_set: its vocabulary begins with the model's; its classes too, or else the head stays a new one.
    """
    known = start.checkpoint.classes
    is_head_kept = training_set.classes[: len(known)] == known
    source, target = start.network.state_dict(), model.state_dict()
    for name, weights in target.items():
        if isinstance(model, NameClassifier) and name.startswith("linear.") and not is_head_kept:
            continue
        old = source[name].to(weights)
        rows = len(old)
        weights[:rows] = old
        if rows < len(weights):
            noise = torch.randn_like(weights[rows:]) * NEW_ROW_STD
            weights[rows:] = old.mean(0) + noise * old.std(0)
    if isinstance(model, NameClassifier):
        padding = model.embedding.padding_idx
        assert isinstance(padding, int)
        nn.init.zeros_(model.embedding.weight[padding])
