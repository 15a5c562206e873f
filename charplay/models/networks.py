"""Full definition of the two networks: a name classifier and a character language model, over one contract.

    NameClassifier(config)(codes, lengths)   -> logits (batch, classes)
    CharLM(config)(codes, state=None)        -> logits (batch, time, 128), state

Both are an embedding, a recurrent network and a linear layer, as in the lecture "RNN II" of PyTorch Zero To All.
The cell is a field of the config: `rnn` (Elman 1990, tanh), `gru` (Cho et al. 2014) or `lstm` (Hochreiter and
Schmidhuber 1997).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, fields, replace

import torch
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from torch.overrides import TorchFunctionMode

from charplay import limits
from charplay.data.text import PAD, VOCABULARY_SIZE

CELLS = {"rnn": nn.RNN, "gru": nn.GRU, "lstm": nn.LSTM}

State = torch.Tensor | tuple[torch.Tensor, torch.Tensor]  # (layers * directions, batch, hidden); an LSTM has two


@dataclass(frozen=True)
class RecurrentConfig:
    """What both networks share; a value that no network can have raises `ValueError`."""

    cell: str = "gru"  # rnn, gru or lstm
    embedding_size: int = 64  # numbers a character code becomes
    hidden_size: int = 256  # numbers a layer remembers, for each direction
    layers: int = 2
    dropout: float = 0.0  # between layers and before the linear layer, in training alone

    def __post_init__(self):
        if self.cell not in CELLS:
            raise ValueError(f"The cell must be one of {', '.join(CELLS)}, not {self.cell!r}.")
        limits.check_fields(limits.CONFIG, self)
        for field in fields(self):
            if field.type is int and type(getattr(self, field.name)) is not int:  # 2.0 is no size of a tensor
                raise ValueError(f"{field.name} must be a whole number, not {getattr(self, field.name)!r}.")


@dataclass(frozen=True)
class NameClassifierConfig(RecurrentConfig):
    """A name classifier: `classes` logits from a whole name."""

    classes: int = 18
    bidirectional: bool = True  # a second network reads the name from its end
    character_dropout: float = 0.0  # share of the characters hidden from the network in training
    pooling: bool = True  # beside the last states, the largest and the mean output over the name
    members: int = 1  # networks of this kind whose logits are averaged

    def __post_init__(self):
        super().__post_init__()
        if type(self.bidirectional) is not bool or type(self.pooling) is not bool:
            raise ValueError("bidirectional and pooling must be true or false.")


@dataclass(frozen=True)
class CharLMConfig(RecurrentConfig):
    """A character language model: 128 logits for the next character, at every character."""


def _recurrent(config: RecurrentConfig, bidirectional: bool) -> nn.RNNBase:
    return CELLS[config.cell](
        config.embedding_size,
        config.hidden_size,
        config.layers,
        batch_first=True,
        dropout=config.dropout if config.layers > 1 else 0.0,
        bidirectional=bidirectional,
    )


def hidden_of(state: State) -> torch.Tensor:
    """The hidden state h of a state; an LSTM carries its cell state c beside it."""
    return state[0] if isinstance(state, tuple) else state


class NameClassifier(nn.Module):
    """Reads whole names, packed, and scores the countries they may come from.

    The job of packing is that every row ends with its own last character: nothing is read past it, and the
    backward direction begins at it.

    A classifier of several members is the mean of as many networks, which were trained apart (a deep ensemble,
    Lakshminarayanan et al. 2017) and err apart. It is itself the first of them, and holds the others.
    """

    def __init__(self, config: NameClassifierConfig):
        super().__init__()
        self.config = config
        # Row PAD stays zero: a hidden character in training, and a pad if someone reads it, is "no character".
        self.embedding = nn.Embedding(VOCABULARY_SIZE, config.embedding_size, padding_idx=PAD)
        self.rnn = _recurrent(config, config.bidirectional)
        self.dropout = nn.Dropout(config.dropout)
        directions = 2 if config.bidirectional else 1
        self.linear = nn.Linear(directions * config.hidden_size * (3 if config.pooling else 1), config.classes)
        alone = replace(config, members=1)
        self.others = nn.ModuleList(NameClassifier(alone) for _ in range(config.members - 1))

    @property
    def ensemble_members(self) -> list["NameClassifier"]:
        """Every network of the ensemble, this one first; each has its own embedding, recurrent and linear layers."""
        return [self, *self.others]

    def run_packed(self, codes: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Runs the recurrent network over the packed batch.

        Args:
            codes: int64 (batch, time); what stands past a row's length is never read.
            lengths: int64 (batch,), each at least 1, in any order.

        Returns:
            outputs of the last layer, (batch, time, directions * hidden), zero at the pads;
            final hidden states, (layers * directions, batch, hidden).
        """
        # torch packs by lengths that lie in ordinary memory, wherever the codes are
        packed = pack_padded_sequence(self.embedding(codes), lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, state = self.rnn(packed)
        outputs, _ = pad_packed_sequence(outputs, batch_first=True, total_length=codes.shape[1])
        return outputs, hidden_of(state)

    def run_padded(self, codes: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Runs over the whole rectangle, pads and all, as who forgets to pack does; returns as `run_packed`.

        The states drift on through the pads, and the backward direction begins in them.
        """
        outputs, state = self.rnn(self.embedding(codes))
        return outputs, hidden_of(state)

    def run_masked(self, codes: torch.Tensor, lengths: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Runs over the rectangle but holds each row's state still at its pads; returns as `run_packed`.

        Says by hand what packing does, step by step, and so checks it: equal to rounding.
        """
        outputs, finals = zip(*_masked(self.rnn, self.embedding(codes), lengths), strict=True)
        return outputs[-1], torch.cat(finals)

    def run_layers(self, codes: torch.Tensor, lengths: torch.Tensor) -> list[torch.Tensor]:
        """The outputs of every layer, (batch, time, directions * hidden) each, where `run_packed` gives the last's."""
        return [outputs for outputs, _ in _masked(self.rnn, self.embedding(codes), lengths)]

    def forward(self, codes: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """Codes (batch, time) and lengths (batch,), in any order -> logits (batch, classes)."""
        return self.member_logits(codes, lengths).mean(0)

    def member_logits(self, codes: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """The logits of each member, this one first: (members, batch, classes)."""
        own = self.linear(self.dropout(self.features(codes, lengths)))
        return torch.stack([own, *(other(codes, lengths) for other in self.others)])

    def features(self, codes: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """What the linear layer reads of each name, (batch, features): the last layer's final states.

        With pooling there follow the largest and the mean output over the name, each as wide.
        """
        if self.training and self.config.character_dropout:
            hide = torch.rand(codes.shape, device=codes.device) < self.config.character_dropout
            codes = codes.masked_fill(hide, PAD)
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


def make_ensemble(members: Sequence[NameClassifier]) -> NameClassifier:
    """One classifier whose logits are the mean of those of `members`, each of one network and all of one shape."""
    first, *others = (member.state_dict() for member in members)
    joined = NameClassifier(replace(members[0].config, members=len(members))).to(members[0].linear.bias.device)
    joined.load_state_dict(
        first | {f"others.{row}.{key}": value for row, other in enumerate(others) for key, value in other.items()}
    )
    return joined.eval()


class CharLM(nn.Module):
    """Predicts each next character of a running text from all before it."""

    def __init__(self, config: CharLMConfig):
        super().__init__()
        self.config = config
        self.embedding = nn.Embedding(VOCABULARY_SIZE, config.embedding_size)
        self.rnn = _recurrent(config, bidirectional=False)
        self.dropout = nn.Dropout(config.dropout)
        self.linear = nn.Linear(config.hidden_size, VOCABULARY_SIZE)

    def forward(self, codes: torch.Tensor, state: State | None = None) -> tuple[torch.Tensor, State]:
        """Codes (batch, time) and the state before them (None: zero) -> logits (batch, time, 128), state after."""
        outputs, state = self.rnn(self.embedding(codes), state)  # (batch, time, hidden)
        return self.linear(self.dropout(outputs)), state


MODELS = {"names": (NameClassifierConfig, NameClassifier), "speech": (CharLMConfig, CharLM)}


class _SkipInitialisation(TorchFunctionMode):
    """Leaves out the drawing of first weights, of which a model without memory behind it needs none.

    PyTorch would import its compiler to draw no numbers at all, and an app would start a second or two later.
    """

    def __torch_function__(self, function, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if function in (nn.init.normal_, torch.Tensor.normal_):
            return kwargs["tensor"] if "tensor" in kwargs else args[0]
        return function(*args, **kwargs)


def build_without_weights(task: str, config: RecurrentConfig) -> nn.Module:
    """The network of a config, its parameters having shapes but no memory behind them."""
    with torch.device("meta"), _SkipInitialisation():
        return MODELS[task][1](config)


def count_parameters(model: nn.Module) -> int:
    """How many numbers the model learnt."""
    return sum(parameter.numel() for parameter in model.parameters())


_CELL_FUNCTIONS = {"rnn": torch.rnn_tanh_cell, "gru": torch.gru_cell, "lstm": torch.lstm_cell}


def _masked(rnn: nn.RNNBase, x: torch.Tensor, lengths: torch.Tensor) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """`rnn` over x (batch, time, features) one step at a time, each row's state frozen wherever it has a pad.

    Yields:
        of each layer the outputs (batch, time, directions * hidden) and the final states (directions, batch, hidden).
    """
    step = _CELL_FUNCTIONS[rnn.mode.removesuffix("_TANH").lower()]
    batch, time, _ = x.shape
    is_real = torch.arange(time, device=x.device) < lengths.to(x.device)[:, None]  # (batch, time)
    for layer in range(rnn.num_layers):
        finals, outputs = [], []  # one (batch, hidden) and one (batch, time, hidden) for each direction
        for suffix in ("", "_reverse") if rnn.bidirectional else ("",):
            weights = [
                getattr(rnn, f"{kind}_l{layer}{suffix}") for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
            ]
            h = c = x.new_zeros(batch, rnn.hidden_size)
            seen = [h] * time
            for t in reversed(range(time)) if suffix else range(time):
                runs = is_real[:, t, None]  # (batch, 1)
                if rnn.mode == "LSTM":
                    new_h, new_c = step(x[:, t], (h, c), *weights)
                    c = torch.where(runs, new_c, c)
                else:
                    new_h = step(x[:, t], h, *weights)
                h = torch.where(runs, new_h, h)
                seen[t] = torch.where(runs, new_h, 0.0)
            outputs.append(torch.stack(seen, 1))
            finals.append(h)
        x = torch.cat(outputs, 2)  # (batch, time, directions * hidden)
        yield x, torch.stack(finals)
