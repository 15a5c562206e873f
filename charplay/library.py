"""charplay in a notebook: load a model and call it. The functions behind the page and the command line, checked alike.

>>> import charplay
>>> charplay.load("names").classify("Rossi")["country"]
'Italian'
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, overload

from charplay.data.input_text import read_document
from charplay.inference.classify import Classification, classify
from charplay.inference.generate import generate
from charplay.inference.generation import make_request
from charplay.inference.held_units import hold_unit
from charplay.inference.invent import invent, make_invent_request
from charplay.interpret.packing import PackedBatch, describe, read_batch
from charplay.interpret.prefixes import PrefixProbabilities, prefix_probabilities, prefixes_of
from charplay.interpret.surprisal import Surprisal, surprisal_of
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint

Prior = Literal["data", "uniform"]  # countries weighted as in the training data, or all alike


@dataclass(frozen=True, repr=False)
class _Model:
    """A loaded checkpoint; `checkpoint.model` is the PyTorch module in it."""

    checkpoint: Checkpoint

    def __repr__(self) -> str:
        """For example `Classifier(names-gru: GRU 2 x 128)`."""
        name = self.checkpoint.path.stem if self.checkpoint.path else self.checkpoint.task
        return f"{type(self).__name__}({name}: {self.checkpoint.label})"


class Classifier(_Model):
    """A network that predicts a probability for each country that a surname may come from."""

    @overload
    def classify(self, names: str, prior: Prior = "data") -> Classification: ...
    @overload
    def classify(self, names: list[str] | tuple[str, ...], prior: Prior = "data") -> list[Classification]: ...
    def classify(
        self, names: str | list[str] | tuple[str, ...], prior: Prior = "data"
    ) -> Classification | list[Classification]:
        """Classify one name, or several in one batch.

        Args:
            names: one of up to 64 characters, or a list of them; accents are taken off.
            prior: "data" weights the countries as in the training data, "uniform" all alike.

        Returns:
            For each name a dict with `name` (as typed), `normalized` (as the network reads it), `country` (the
            likeliest) and `probabilities` (country -> 0 to 1; they sum to 1). One dict for one name, else a list.

        Raises:
            ValueError: a name is blank, too long or cannot be read, or there is no such prior.

        >>> result = load("names").classify("Müller")
        >>> result["normalized"], result["country"]
        ('Muller', 'German')
        >>> [each["country"] for each in load("names").classify(["Rossi", "Kowalski"])]
        ['Italian', 'Polish']
        """
        if isinstance(names, str):
            return classify(self.checkpoint, [names], prior)[0]
        return classify(self.checkpoint, names, prior)

    def prefix_probabilities(self, name: str, prior: Prior = "data") -> PrefixProbabilities:
        """Classify every prefix of a name, from its first character to the whole of it.

        Args:
            name: of up to 64 characters.
            prior: as for `classify`.

        Returns:
            A dict with `name`, `normalized`, `countries`, and `probabilities`: a list of shape (countries,
            characters of `normalized`), each column of which sums to 1.

        Raises:
            ValueError: as for `classify`.

        >>> table = load("names").prefix_probabilities("Rossi")
        >>> len(table["probabilities"]), len(table["probabilities"][0])
        (18, 5)
        """
        prefixes = prefixes_of(self.checkpoint, name)
        return prefix_probabilities(name, classify(self.checkpoint, prefixes, prior, are_read=True))


class LanguageModel(_Model):
    """A network that predicts the next character of a text."""

    def generate(
        self,
        prime: str,
        *,
        temperature: float = 0.8,
        length: int = 200,
        prime_length: int | None = None,
        top_k: int = 0,
        seed: int | None = None,
        until: str | None = None,
        held: tuple[int, int, float] | None = None,
    ) -> str:
        """Continue a text, one character at a time.

        Args:
            prime: the text to continue, up to 2,000 characters.
            temperature: 0 (always the likeliest character) to 2; above 1 flattens the softmax.
            length: characters to generate, 1 to 10,000.
            prime_length: how many of the prime's last characters warm up the hidden state; None: all.
            top_k: sample among the k likeliest characters only; 0: among all.
            seed: the same one gives the same text; None: a new one.
            until: a string that ends the text where the model first writes it, such as a line's end; None: none does.
            held: a unit of the hidden state that keeps one value while the text is written: layer (from 1), unit (from
                0) and value, -8 to 8; None: no unit does.

        Returns:
            The prime as the network reads it (the shipped models: in ASCII), and `length` characters after it, or
            fewer, with `until` as their end.

        Raises:
            ValueError: an argument is out of bounds.

        >>> text = load("speech-rnn").generate("My fellow", length=20, seed=1)
        >>> text.startswith("My fellow"), len(text)
        (True, 29)
        """
        vocabulary = self.checkpoint.vocabulary
        unit = None if held is None else hold_unit(self.checkpoint.config, held)
        request = make_request(prime, temperature, length, prime_length, top_k, seed, until, vocabulary, unit)
        return request.prime + generate(self.checkpoint, [request])[0]

    def surprise(self, text: str) -> Surprisal:
        """How surprising each character of a text is, given all before it: -log2 p, in bits.

        Args:
            text: up to 20,000 characters.

        Returns:
            A dict with `text` (as the network reads it; the shipped models: in ASCII), `characters` (their number),
            `bits` (a number for each character; None for the first, which nothing precedes) and `bits_per_character`
            (the mean; None for a single character).

        Raises:
            ValueError: the text is empty, too long or cannot be read.

        >>> result = load("speech-rnn").surprise("We the people")
        >>> result["characters"], result["bits"][0]
        (13, None)
        """
        return surprisal_of(self.checkpoint, read_document(text, self.checkpoint.vocabulary))


class Inventor(_Model):
    """A network that writes names of a country, letter by letter."""

    def invent(
        self,
        country: str | dict[str, float],
        count: int = 10,
        *,
        temperature: float = 0.8,
        seed: int | None = None,
    ) -> list[str]:
        """Invent names.

        Args:
            country: one of those that the model was trained on, or the weight of each of several.
            count: of names, 1 to 100.
            temperature: 0 (always the same name, the likeliest letter by letter) to 2.
            seed: the same one gives the same names; None: a new one.

        Raises:
            ValueError: an argument is out of bounds, or there is no such country.

        >>> names = load("invent").invent("Italian", 3, seed=1)
        >>> len(names), names == load("invent").invent({"Italian": 1.0}, 3, seed=1)
        (3, True)
        """
        request = make_invent_request(self.checkpoint, country, count, temperature, seed)
        return invent(self.checkpoint, [request])[0]


_MODELS: dict[str, type[Classifier] | type[LanguageModel] | type[Inventor]] = {
    "names": Classifier,
    "speech": LanguageModel,
    "invent": Inventor,
}


@overload
def load(model: Literal["names"]) -> Classifier: ...
@overload
def load(model: Literal["speech"]) -> LanguageModel: ...
@overload
def load(model: Literal["invent"]) -> Inventor: ...
@overload
def load(model: str | Path) -> Classifier | LanguageModel | Inventor: ...
def load(model: str | Path) -> Classifier | LanguageModel | Inventor:
    """Load a model.

    Args:
        model: "names", "speech" or "invent" for the default model of that task; the name of another checkpoint, such as
            "names-rnn" or "speech-lstm"; or the path of a `.safetensors` file.

    Returns:
        A `Classifier`, a `LanguageModel` or an `Inventor`, as the checkpoint's task demands.

    Raises:
        CheckpointError: a `ValueError`; there is no such checkpoint, or the file cannot be used.

    >>> load("speech-lstm")
    LanguageModel(speech-lstm: LSTM 1 x 256)
    """
    is_path = isinstance(model, Path) or model.endswith(".safetensors")
    checkpoint = checkpoints.load(Path(model) if is_path else checkpoints.find(str(model)))
    return _MODELS[checkpoint.task](checkpoint)


def pad_and_pack(names: Sequence[str], sort: bool = True) -> PackedBatch:
    """Pad names to a rectangle and pack them, as `torch.nn.utils.rnn.pack_padded_sequence` does, in plain numbers.

    Args:
        names: 1 to 500 of up to 64 characters each.
        sort: rows by length, the longest first; False: in the order given.

    Returns:
        A dict with `order` (row -> index into `names`), `lengths` (characters of each row), `padded` (character codes
        of shape (rows, longest); 0 at a pad), `packed` (the codes as `PackedSequence.data` holds them), `batch_sizes`
        (rows still running at each time step) and `padding_fraction` (pads among all cells, 0 to 1).

    Raises:
        ValueError: there are no names or too many, or one cannot be read.

    >>> batch = pad_and_pack(["san", "adylov"])
    >>> batch["lengths"], batch["batch_sizes"]
    ([6, 3], [2, 2, 2, 1, 1, 1])
    >>> batch["padded"][1]
    [115, 97, 110, 0, 0, 0]
    """
    return describe(read_batch(names, sort))
