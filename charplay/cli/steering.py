"""`steering`: find the units of a language model that are worth holding."""

import argparse
from typing import Any

from charplay.cli.parser import Commands, add_checkpoint, add_command
from charplay.interpret.steering_search import find_units, save_units
from charplay.models import checkpoints


def find(arguments: argparse.Namespace) -> dict[str, Any]:
    """Find the units worth holding while a language model writes, and write them beside the checkpoint: 90 seconds."""
    path = arguments.checkpoint or checkpoints.find("speech")
    units = find_units(checkpoints.load(path, "speech"))
    return {"file": str(save_units(path, units)), "units": units}


def add_to(commands: Commands) -> None:
    """Add the command."""
    add_checkpoint(add_command(commands, "steering", find))
