"""charplay train | evaluate | bench | classify | generate | invent | steering | index | data | app

With --json a command prints one JSON object on stdout; progress goes to stderr. A user's mistake is one sentence on
stderr and exit status 2.
"""

import json
import sys
from typing import Any

from charplay.cli import app, bench, data, evaluate, infer, steering, train
from charplay.cli.parser import Parser

COMMANDS = (train, evaluate, infer, steering, bench, data, app)  # each has `add_to(commands)`


def main(argv: list[str] | None = None) -> int:
    """Run one command; return the exit status."""
    parser = Parser(prog="python -m charplay", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in COMMANDS:
        module.add_to(commands)
    try:
        arguments = parser.parse_args(argv)
        result = arguments.execute(arguments)
    except (ValueError, FloatingPointError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:  # a path that cannot be read or written, a full disk
        print(f"{error.filename or 'A file'} cannot be used: {error.strerror}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    if result is not None:
        print(json.dumps(result) if arguments.json else _as_text(result))
    return 0


def _as_text(result: dict[str, Any]) -> str:
    """What a command prints without --json."""
    if "results" in result and isinstance(result["results"], list):
        lines = [(r["normalized"], r["country"], r["probabilities"][r["country"]]) for r in result["results"]]
        return "\n".join(f"{name}: {country} ({probability:.1%})" for name, country, probability in lines)
    if "names" in result:
        return "\n".join(result["names"])
    if "text" in result:
        return result["text"]
    return "\n".join(f"{key}: {value}" for key, value in result.items())
