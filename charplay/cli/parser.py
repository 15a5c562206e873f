"""What the commands share: the parser and the arguments that several of them take."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from charplay import limits

Execute = Callable[[argparse.Namespace], dict[str, Any] | None]  # None: there is nothing to print
Commands = Any  # what `add_subparsers` returns; argparse has no public name for it


class Parser(argparse.ArgumentParser):
    """Reports an error in the arguments as one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message[:1].upper()}{message[1:]} (see {self.prog} --help).")


def add_command(commands: Commands, name: str, execute: Execute) -> Parser:
    """A command that `execute` runs; its docstring is the help."""
    parser = commands.add_parser(name, help=summary_of(execute), description=execute.__doc__)
    parser.set_defaults(execute=execute)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def add_group(commands: Commands, name: str, summary: str, dest: str, choices: tuple[str, ...]) -> Commands:
    """A command that is followed by one of `choices`, which the caller adds to what is returned."""
    group = commands.add_parser(name, help=summary)
    return group.add_subparsers(dest=dest, required=True, metavar="|".join(choices))


def summary_of(execute: Execute) -> str:
    """The first line of a command's docstring."""
    return (execute.__doc__ or "").split("\n")[0]


def add_checkpoint(parser: Parser) -> None:
    """--checkpoint"""
    parser.add_argument("--checkpoint", type=Path, metavar="F")


def add_data(parser: Parser, purpose: str) -> None:
    """--data"""
    parser.add_argument("--data", type=Path, metavar="DIR", help=f"{purpose}; default: $CHARPLAY_DATA, else a cache")


def add_prior(parser: Parser) -> None:
    """--prior"""
    parser.add_argument(
        "--prior",
        choices=limits.PRIORS,
        default="data",
        help="countries weighted as in the data, or all alike; default: data",
    )


def add_fields(parser: Parser, fields: dict[str, Any], recipe: str) -> None:
    """An argument for every field of a recipe and of its config, to be overridden; `recipe` is what they are of."""
    for name, value in fields.items():
        flag, kind = "--" + name.replace("_", "-"), type(value)
        if kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            parser.add_argument(flag, type=kind, metavar=kind.__name__.upper(), help=f"of {recipe}: {value}")
