"""`train names|speech`: train by a recipe, with progress on stderr."""

import argparse
import sys
from pathlib import Path
from typing import Any

from tqdm import tqdm

from charplay.cli.parser import Commands, Parser, add_command, add_data, add_group, summary_of
from charplay.data import datasets
from charplay.models import checkpoints
from charplay.models.networks import MODELS, count_parameters
from charplay.training import run
from charplay.training.distributed import process_group
from charplay.training.recipes import RECIPES, adjust, fields_of
from charplay.training.trainer import Progress


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


class ProgressOnStderr:
    """A line for each network, a bar within its epochs, a line after each evaluation."""

    def on_start(self, started: run.RunStart) -> None:
        self._started, self._per_second = started, 0.0
        self._bar: tqdm | None = None
        print(
            f"{started.what}: {count_parameters(started.model):,} parameters on {started.device.type} in "
            f"{started.precision}, seed {started.recipe.seed}, {started.recipe.epochs} epochs of "
            f"{started.task.count()} steps",
            file=sys.stderr,
            flush=True,
        )

    def on_step(self, progress: Progress) -> None:
        if self._bar is None:  # the bar covers the steps up to the next evaluation
            label = f"epoch {progress.epoch}/{self._started.recipe.epochs}"
            self._bar = tqdm(total=progress.steps, initial=progress.step - 1, desc=label, leave=False)
        self._bar.update()
        self._per_second = progress.per_second
        if progress.loss is not None:
            self._bar.set_postfix_str(f"loss {progress.loss:.4f}, {self._speed()}")

    def on_epoch(self, epoch: float, measured: dict[str, Any], is_best: bool) -> None:
        if self._bar is not None:
            self._bar.close()
            self._bar = None
        figures = [f"{key} {value:.4f}" for key, value in measured.items() if isinstance(value, float)]
        label = f"epoch {epoch:g}/{self._started.recipe.epochs}"
        line = f"{label}: {', '.join([*figures, self._speed()])}{' (best)' if is_best else ''}"
        print(line, file=sys.stderr, flush=True)

    def _speed(self) -> str:
        return f"{self._per_second:,.0f} {self._started.task.unit}/s"


def add_to(commands: Commands) -> None:
    """Add the command."""
    tasks = add_group(commands, "train", summary_of(train), "task", tuple(MODELS))
    for task in MODELS:
        parser = add_command(tasks, task, train)
        add_data(parser, "where the data lies")
        _add_recipe(parser, task)


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
    for name, value in fields_of(RECIPES[task]["best"]).items():
        flag, kind = "--" + name.replace("_", "-"), type(value)
        if kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            parser.add_argument(flag, type=kind, metavar=kind.__name__.upper(), help=f"of best: {value}")
