"""`train names|speech|invent`: train by a recipe, with progress on stderr."""

import argparse
from pathlib import Path
from typing import Any

from charplay.cli import train_user_data
from charplay.cli.parser import Commands, Parser, add_command, add_data, add_fields, add_group, summary_of
from charplay.cli.progress import ProgressOnStderr
from charplay.cli.user_data import ROWS, TEXT
from charplay.data import datasets
from charplay.models import checkpoints
from charplay.models.networks import MODELS
from charplay.training import run
from charplay.training.distributed import process_group
from charplay.training.recipes import RECIPES, adjust, fields_of


def train(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Train a model from scratch, keep the best epoch, measure it on the test part and write the checkpoint."""
    recipe = RECIPES[arguments.task][arguments.recipe]
    fields = fields_of(recipe)
    changes = {key: value for key, value in vars(arguments).items() if key in fields and value is not None}
    out = arguments.out or _default_out(arguments.task, arguments.recipe)
    shown = ProgressOnStderr()
    with process_group() as (group, device):
        try:
            results = run.train(
                arguments.task,
                adjust(recipe, changes),
                datasets.data_directory(arguments.data),
                out,
                name=arguments.recipe,
                precision=arguments.precision,
                callbacks=run.Callbacks(shown.on_start, shown.on_step, shown.on_epoch),
                group=group,
                device=device,
                is_resumed=arguments.resume,
            )
        except OSError as error:  # a full disk
            best = checkpoints.sibling(out, "unfinished")
            kept = f" The best model so far is {best}." if best.exists() else ""
            raise ValueError(f"{error.filename or out} cannot be used: {error.strerror or error}.{kept}") from None
    return {"checkpoint": str(out), **results} if results is not None else None  # only rank 0 has results


def _default_out(task: str, recipe: str) -> Path:
    """Where the checkpoint of a recipe is written without --out."""
    return checkpoints.DIRECTORIES[-1] / f"{task if recipe == 'best' else f'{task}-{recipe}'}.safetensors"


def add_to(commands: Commands) -> None:
    """Add the command."""
    tasks = add_group(commands, "train", summary_of(train), "task", (*MODELS, ROWS, TEXT))
    for task in MODELS:
        parser = add_command(tasks, task, train)
        add_data(parser, "where the data lies")
        _add_recipe(parser, task)
    train_user_data.add_to(tasks)


def _add_recipe(parser: Parser, task: str) -> None:
    """A recipe, and every field of it and of the model's config, to be overridden."""
    parser.add_argument("--recipe", choices=tuple(RECIPES[task]), default="best", help="default: best")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="F",
        help="default: the recipe's file in checkpoints/, installed in your data directory",
    )
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="default: the faster one here")
    add_fields(parser, fields_of(RECIPES[task]["best"]), "best")
