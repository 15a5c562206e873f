"""`app`: the page, as `python app.py` launches it."""

import argparse

from charplay.cli.parser import Commands
from charplay.ui import launch, options


def launch_app(arguments: argparse.Namespace) -> None:
    """Launch the app in a browser."""
    address = options.check(arguments)
    launch.launch(launch.build(arguments.lesson), address, arguments)


def add_to(commands: Commands) -> None:
    """Add the command."""
    parser = commands.add_parser("app", help=launch_app.__doc__, description=launch_app.__doc__)
    parser.set_defaults(execute=launch_app)
    options.add_arguments(parser)
