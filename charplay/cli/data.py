"""`data fetch`, `data summary` and `index`: bring the data here, check a file, and index memorized passages."""

import argparse
import sys
from pathlib import Path
from typing import Any

from charplay.cli.parser import Commands, add_command, add_data, add_group
from charplay.cli.user_data import ROWS, TEXT, add_user_data, read_user_data
from charplay.data import datasets
from charplay.data.user_data.report import report_on
from charplay.interpret import memorization
from charplay.models import checkpoints
from charplay.training.recipes import RECIPES
from charplay.training.tasks import training_mix


def fetch_data(arguments: argparse.Namespace) -> dict[str, Any]:
    """Bring the data into the data directory."""
    directory = datasets.data_directory(arguments.data)
    files = datasets.fetch(directory, arguments.source, on_progress=lambda line: print(line, file=sys.stderr))
    return {"directory": str(directory), "files": [path.name for path in files]}


def summarize_rows(arguments: argparse.Namespace) -> dict[str, Any]:
    """Show how rows text,label are read, and what is left out, before anything is trained on them."""
    return dict(report_on(read_user_data(arguments, ROWS)))


def summarize_text(arguments: argparse.Namespace) -> dict[str, Any]:
    """Show how a text is read, and what is left out, before anything is trained on it."""
    return dict(report_on(read_user_data(arguments, TEXT)))


def index_speeches(arguments: argparse.Namespace) -> dict[str, Any]:
    """Make the filter that finds verbatim passages of the speeches that the best recipe trains on."""
    out, recipe = arguments.out or checkpoints.DIRECTORIES[-1] / memorization.FILTER_FILE, RECIPES["speech"]["best"]
    splits = datasets.split_speeches(datasets.load_speeches(datasets.data_directory(arguments.data)))
    index = memorization.build(training_mix(splits, recipe), splits["test"], recipe.since)
    memorization.save(out, index)
    described = {key: value for key, value in vars(index).items() if key != "bits"}
    return {"filter": str(out), "bytes": out.stat().st_size, **described}


def add_to(commands: Commands) -> None:
    """Add the commands."""
    parser = add_command(commands, "index", index_speeches)
    add_data(parser, "where the data lies")
    parser.add_argument(
        "--out", type=Path, metavar="F", help="default: in checkpoints/, installed in your data directory"
    )

    data = add_group(commands, "data", "the data sets, and files of your own", "what", ("fetch", "summary"))
    parser = add_command(data, "fetch", fetch_data)
    add_data(parser, "where to put the data")
    parser.add_argument("--from", dest="source", type=Path, metavar="DIR", help="a mirror instead of the network")

    summary = add_group(data, "summary", "how a file of your own is read", "kind", (ROWS, TEXT))
    for kind, execute in ((ROWS, summarize_rows), (TEXT, summarize_text)):
        add_user_data(add_command(summary, kind, execute), kind)
