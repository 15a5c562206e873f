"""The networks, complete: a name classifier, a character language model, and one conditioned on a class.

    NameClassifier(config)(codes, lengths)      -> logits (batch, classes)
    CharLM(config)(codes, state=None)           -> logits (batch, time, vocabulary), state
    ConditionalCharLM(config)(codes, mixture)   -> logits (batch, 1 + time, vocabulary), state

All are an embedding, a recurrent network and a linear layer, as in the lecture "RNN II" of PyTorch Zero To All.
The cell is a field of the config: `rnn` (Elman 1990, tanh), `gru` (Cho et al. 2014) or `lstm` (Hochreiter and
Schmidhuber 1997).
"""

from collections.abc import Callable
from dataclasses import dataclass, fields

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.overrides import TorchFunctionMode

from charplay import limits
from charplay.data.vocabulary import ASCII, PAD
from charplay.models.masked_steps import run_masked

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

State = torch.Tensor | tuple[torch.Tensor, torch.Tensor]  # (layers * directions, batch, hidden); of an LSTM (h, c)


@dataclass(frozen=True)
class RecurrentConfig:
    """The fields that all networks share; an invalid value raises `ValueError`."""

    cell: str = "gru"  # rnn, gru or lstm
    embedding_size: int = 64  # features per character
    hidden_size: int = 256  # features of a hidden state, per direction
    layers: int = 2
    dropout: float = 0.0  # between layers and before the linear layer
    vocabulary_size: int = ASCII.size  # codes that the embedding has a row for, that of the pad included

    def __post_init__(self):
        if self.cell not in CELLS:
            raise ValueError(f"The cell must be one of {', '.join(CELLS)}, not {self.cell!r}.")
        limits.check_fields(limits.CONFIG, self)
        for field in fields(self):
            if field.type is int and type(getattr(self, field.name)) is not int:  # 2.0 is not the size of a tensor
                raise ValueError(f"{field.name} must be a whole number, not {getattr(self, field.name)!r}.")


@dataclass(frozen=True)
class NameClassifierConfig(RecurrentConfig):
    """Config of `NameClassifier`."""

    classes: int = 18
    bidirectional: bool = True
    character_dropout: float = 0.0  # share of characters replaced by PAD in training
    pooling: bool = True  # classify by max- and mean-pooled outputs, too, not by the final states alone

    def __post_init__(self):
        super().__post_init__()
        if type(self.bidirectional) is not bool or type(self.pooling) is not bool:
            raise ValueError("bidirectional and pooling must be true or false.")


@dataclass(frozen=True)
class CharLMConfig(RecurrentConfig):
    """Config of `CharLM`."""


@dataclass(frozen=True)
class ConditionalCharLMConfig(CharLMConfig):
    """Config of `ConditionalCharLM`."""

    classes: int = 18


def _make_rnn(config: RecurrentConfig, bidirectional: bool) -> nn.RNNBase:
    return CELLS[config.cell](
        config.embedding_size,
        config.hidden_size,
        config.layers,
        batch_first=True,
        dropout=config.dropout if config.layers > 1 else 0.0,
        bidirectional=bidirectional,
    )


STATE_UNITS = 8  # first numbers of a hidden state that a drawing of a network shows


def hidden_of(state: State) -> torch.Tensor:
    """The hidden state h of a state, which in an LSTM also holds the cell state c."""
    return state[0] if isinstance(state, tuple) else state


class NameClassifier(nn.Module):
    """Classifies names by country, or other short texts by other labels.

    Batches are packed, so that every row ends at its own last character: the forward direction stops there and the
    backward direction starts there.
    """

    def __init__(self, config: NameClassifierConfig):
        super().__init__()
        self.config = config
        # Row PAD stays zero: it stands for a dropped character in training, and for padding that is read by mistake.
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size, padding_idx=PAD)
        self.rnn = _make_rnn(config, config.bidirectional)
        self.dropout = nn.Dropout(config.dropout)
        directions = 2 if config.bidirectional else 1
        self.linear = nn.Linear(directions * config.hidden_size * (3 if config.pooling else 1), config.classes)

    def run_packed(self, codes: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Runs the recurrent network over the packed batch.

        Args:
            codes: int64 (batch, time); beyond a row's length they are ignored.
            lengths: int64 (batch,), each at least 1, in any order.

        Returns:
            outputs of the last layer, (batch, time, directions * hidden), zero at the pads;
            final hidden states, (layers * directions, batch, hidden).
        """
        # PyTorch packs by lengths on the CPU, whatever the device of the codes
        packed = pack_padded_sequence(self.embedding(codes), lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, state = self.rnn(packed)
        outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=codes.shape[1])
        return outputs, hidden_of(state)

    def run_padded(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Runs over the padded batch without packing, a common mistake; returns the same as `run_packed`.

        The states change at the pads after the last character, and the backward direction starts in them.
        """
        outputs, state = self.rnn(self.embedding(codes))
        return outputs, hidden_of(state)

    def run_masked(self, codes: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Runs over the padded batch but keeps each row's state at its pads; returns the same as `run_packed`.

        It does step by step what packing does, and verifies it: the results are equal to rounding.
        """
        outputs, finals = zip(*run_masked(self.rnn, self.embedding(codes), lengths), strict=True)
        return outputs[-1], torch.cat(finals)

    def run_layers(self, codes: torch.Tensor, lengths: torch.Tensor) -> list[torch.Tensor]:
        """The outputs of every layer, (batch, time, directions * hidden) each; `run_packed` returns the last's."""
        return [outputs for outputs, _ in run_masked(self.rnn, self.embedding(codes), lengths)]

    def forward(self, codes: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Codes (batch, time) and lengths (batch,), in any order -> logits (batch, classes)."""
        return self.linear(self.dropout(self.features(codes, lengths)))

    def features(self, codes: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The input of the linear layer, (batch, features): the last layer's final states.

        With pooling they are followed by the maximum and the mean of the outputs over the name, each as wide.
        """
        if self.training and self.config.character_dropout:
            is_dropped = torch.rand(codes.shape, device=codes.device) < self.config.character_dropout
            codes = codes.masked_fill(is_dropped, PAD)
        outputs, hidden = self.run_packed(codes, lengths)
        directions = 2 if self.config.bidirectional else 1
        # the last layer's final states, directions side by side: (batch, directions * hidden)
        features = [hidden[-directions:].transpose(0, 1).flatten(1)]
        if self.config.pooling:
            steps = torch.arange(codes.shape[1], device=codes.device)
            is_pad = (steps >= lengths.to(codes.device)[:, None]).unsqueeze(2)  # (batch, time, 1)
            features.append(outputs.masked_fill(is_pad, -torch.inf).amax(1))
            features.append(outputs.sum(1) / lengths.to(outputs)[:, None])  # the pads are zero
        return torch.cat(features, 1)


class CharLM(nn.Module):
    """Predicts each next character of a text from all characters before it."""

    def __init__(self, config: CharLMConfig):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(config.vocabulary_size, config.embedding_size)
        self.rnn = _make_rnn(config, bidirectional=False)
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Linear(config.hidden_size, config.vocabulary_size)

    def forward(self, codes: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
        """Codes (batch, time) and the state before them -> logits (batch, time, vocabulary) and the state after."""
        outputs, state = self.rnn(self.embedding(codes), state)  # (batch, time, hidden)
        return self.linear(self.dropout(outputs)), state


FILTER_BYTES = 32_768  # of the training texts that a `ConditionalCharLM` recognizes


class ConditionalCharLM(CharLM):
    """Writes short texts of a class: one to many.

    The first input is the embedding of the class, a symbol outside the vocabulary; each character written is the next.
    A mixture of classes has the weighted mean of their embeddings as its first input.
    """

    seen: torch.Tensor  # a Bloom filter of the training texts, bytes as float32 (bytes,); see `models.text_filter`

    def __init__(self, config: ConditionalCharLMConfig):
        super().__init__(config)
        self.class_embedding = nn.Embedding(config.classes, config.embedding_size)
        self.register_buffer("seen", torch.zeros(FILTER_BYTES))

    def embed(self, codes: torch.Tensor, mixture: torch.Tensor) -> torch.Tensor:
        """The inputs: codes (batch, time), class weights (batch, classes) -> (batch, 1 + time, embedding)."""
        first = mixture @ self.class_embedding.weight  # (batch, embedding)
        return torch.cat([first[:, None], self.embedding(codes)], 1)

    def forward(  # type: ignore[override]  # it always begins with a class, never with a state
        self, codes: torch.Tensor, mixture: torch.Tensor
    ) -> tuple[torch.Tensor, State]:
        """Codes (batch, time) of the characters so far -> logits (batch, 1 + time, vocabulary), final state.

        Logits 0 are of the first character, which only the class precedes.

        Args:
            codes: int64; padding after a text changes nothing before it.
            mixture: float32 (batch, classes), the weight of each class; one-hot for a single class.
        """
        outputs, state = self.rnn(self.dropout(self.embed(codes, mixture)))  # (batch, 1 + time, hidden)
        return self.linear(self.dropout(outputs)), state


Network = NameClassifier | CharLM  # `ConditionalCharLM` is a CharLM

# task -> the classes of its config and its network
MODELS: dict[str, tuple[Callable[..., RecurrentConfig], Callable[..., Network]]] = {
    "names": (NameClassifierConfig, NameClassifier),
    "speech": (CharLMConfig, CharLM),
    "invent": (ConditionalCharLMConfig, ConditionalCharLM),
}


class _SkipInitialisation(TorchFunctionMode):
    """Skips the random initialisation of weights on the meta device, which have no memory.

    PyTorch would import its compiler for it, and the app would start a second or two later.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in (nn.init.normal_, torch.Tensor.normal_):
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return function(*args, **kwargs)


def build_without_weights(task: str, config: RecurrentConfig) -> Network:
    """The network of a config with parameters on the meta device: shapes without memory."""
    with torch.device("meta"), _SkipInitialisation():
        return MODELS[task][1](config)


def count_parameters(model: nn.Module) -> int:
    """The number of learned parameters."""
    return sum(parameter.numel() for parameter in model.parameters())
