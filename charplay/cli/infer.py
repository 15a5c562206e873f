"""`classify`, `generate` and `invent`: use a model."""

import argparse
import sys
import time
from typing import Any

from charplay import limits
from charplay.cli.parser import Commands, add_checkpoint, add_command, add_prior
from charplay.data.input_text import unseen_characters
from charplay.data.text import unescape
from charplay.inference.classify import classify, read_text
from charplay.inference.generate import GenerationBatch, generate
from charplay.inference.generation import make_request
from charplay.inference.held_units import hold_unit
from charplay.inference.invent import invent, make_invent_request
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint


def classify_names(arguments: argparse.Namespace) -> dict[str, Any]:
    """Classify the names given. One that cannot be read is named on stderr, and the others are classified."""
    limits.NAMES.check(len(arguments.names))
    checkpoint = checkpoints.load(arguments.checkpoint or checkpoints.find("names"), "names")
    readable = []
    for name in arguments.names:
        try:
            read_text(checkpoint, name)
            readable.append(name)
        except ValueError as error:
            if len(arguments.names) == 1:
                raise
            print(f"“{name}”: {error}", file=sys.stderr)
    if not readable:
        raise ValueError("None of the names can be read.")
    _name_unseen(checkpoint, readable)
    return {"results": classify(checkpoint, readable, arguments.prior)}


def generate_text(arguments: argparse.Namespace) -> dict[str, Any]:
    """Continue a prime."""
    checkpoint = checkpoints.load(arguments.checkpoint or checkpoints.find("speech"), "speech")
    held = None if arguments.hold is None else hold_unit(checkpoint.config, _read_numbers(arguments.hold))
    request = make_request(
        arguments.prime,
        arguments.temperature,
        arguments.length,
        arguments.prime_length,
        arguments.top_k,
        arguments.seed,
        unescape(arguments.until),
        checkpoint.vocabulary,
        held,
    )
    _name_unseen(checkpoint, [arguments.prime])
    batch, start = GenerationBatch(checkpoint), time.perf_counter()
    [continuation] = generate(checkpoint, [request], batch)
    seconds = time.perf_counter() - start
    return {
        "text": request.prime + continuation,
        "seed": request.seed,
        "characters_per_second": len(continuation) / seconds,
    }


def invent_names(arguments: argparse.Namespace) -> dict[str, Any]:
    """Invent names of a country, or of a mixture of several: --country Italian=2 --country Russian."""
    checkpoint = checkpoints.load(arguments.checkpoint or checkpoints.find("invent"), "invent")
    mixture = dict(_read_weight(each) for each in arguments.country)
    request = make_invent_request(checkpoint, mixture, arguments.count, arguments.temperature, arguments.seed)
    [names] = invent(checkpoint, [request])
    return {"names": names, "seed": request.seed}


def _read_weight(argument: str) -> tuple[str, float]:
    """ "Italian=2" -> its country and weight; the weight is 1 where none is given."""
    country, _, weight = argument.partition("=")
    try:
        return country, float(weight or 1)
    except ValueError:
        raise ValueError(f"The weight of {country} must be a number, not {weight!r}.") from None


def _read_numbers(argument: str) -> list[float]:
    """The numbers of "2,450,4"."""
    try:
        return [float(each) for each in argument.split(",")]
    except ValueError:
        raise ValueError(f"--hold takes a layer, a unit and a value, such as 2,450,4, not {argument!r}.") from None


def _name_unseen(checkpoint: Checkpoint, texts: list[str]) -> None:
    """Names on stderr the characters that the model never saw in training."""
    if unseen := unseen_characters("".join(texts), checkpoint.vocabulary, checkpoint.alphabet):
        print(f"Not in this model's training data: {' '.join(unseen)}", file=sys.stderr)


def add_to(commands: Commands) -> None:
    """Add the commands."""
    parser = add_command(commands, "classify", classify_names)
    parser.add_argument("names", nargs="+", metavar="NAME")
    add_prior(parser)
    add_checkpoint(parser)

    parser = add_command(commands, "generate", generate_text)
    parser.add_argument("--prime", required=True, metavar="P")
    parser.add_argument("--temperature", type=float, default=0.8, metavar="T")
    parser.add_argument("--length", type=int, default=200, metavar="N")
    parser.add_argument("--prime-length", type=int, metavar="K")
    parser.add_argument("--top-k", type=int, default=0, metavar="K")
    parser.add_argument("--seed", type=int, metavar="S")
    parser.add_argument("--until", default="", metavar="TEXT", help=r"end with this text; \n is a line's end")
    parser.add_argument("--hold", metavar="L,U,V", help="keep unit U of layer L at value V while it writes")
    add_checkpoint(parser)

    parser = add_command(commands, "invent", invent_names)
    parser.add_argument(
        "--country", required=True, action="append", metavar="C", help="several: a mixture, with weights as Italian=2"
    )
    parser.add_argument("--count", type=int, default=10, metavar="N")
    parser.add_argument("--temperature", type=float, default=0.8, metavar="T")
    parser.add_argument("--seed", type=int, metavar="S")
    add_checkpoint(parser)
