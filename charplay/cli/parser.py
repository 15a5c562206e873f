"""What the commands share: the parser and the arguments that several of them take."""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from charplay import limits

Execute = Callable[[argparse.Namespace], dict[str, Any] | None]  # None: there is nothing to print
Commands = Any  # what `add_subparsers` returns; argparse has no public name for it


class Parser(argparse.ArgumentParser):
    """Reports an error in the arguments as one sentence; a name or a text may begin with a dash.

    argparse takes whatever begins with a dash for an option: "-Smith", and what follows --prime.
    """

    def __init__(self, *args: Any, **kwargs: Any):
        self._actions_by_flag: dict[str, argparse.Action] = {}
        self._takes_list = False  # of positional arguments
        super().__init__(*args, **kwargs)

    def add_argument(self, *flags: str, **kwargs: Any) -> argparse.Action:
        action = super().add_argument(*flags, **kwargs)
        self._actions_by_flag |= dict.fromkeys(action.option_strings, action)
        self._takes_list |= not action.option_strings and action.nargs == "+"
        return action

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> tuple[Any, list[str]]:
        return super().parse_known_args(self._marked(sys.argv[1:] if args is None else list(args)), namespace)

    def _marked(self, arguments: list[str]) -> list[str]:
        """The arguments, in a form in which argparse takes a text with a dash for one."""
        options: list[str] = []
        texts: list[str] = []
        rest = iter(arguments)
        for argument in rest:
            if argument == "--":
                texts += rest
            elif action := self._find_option(argument):
                options.append(argument)
                if action.nargs is None and "=" not in argument:  # it takes one value
                    value = next(rest, None)
                    if value not in (None, "--") and value.startswith("-") and self._find_option(value) is None:
                        options[-1] = f"{argument}={value}"
                    elif value is not None:
                        options.append(value)
            elif argument.startswith("--") or not self._takes_list:
                options.append(argument)
            else:
                texts.append(argument)
        return [*options, "--", *texts] if texts else options

    def _find_option(self, argument: str) -> argparse.Action | None:
        """The option that an argument names, which may be shortened; None: it names none."""
        flag = argument.partition("=")[0]
        if flag in self._actions_by_flag or not flag.startswith("--"):
            return self._actions_by_flag.get(flag)
        found = {id(action): action for name, action in self._actions_by_flag.items() if name.startswith(flag)}
        return next(iter(found.values())) if len(found) == 1 else None

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
