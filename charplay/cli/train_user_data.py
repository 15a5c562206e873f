"""`train rows|text FILE...`: train on a user's own data, by the recipes of the Train tab."""

import argparse
import dataclasses
import re
from pathlib import Path
from typing import Any

from charplay.cli.parser import Commands, add_command, add_fields
from charplay.cli.progress import ProgressOnStderr
from charplay.cli.user_data import ROWS, TEXT, add_user_data, read_user_data
from charplay.data.user_data import UserRows, UserText
from charplay.models import checkpoints
from charplay.training import run
from charplay.training.conditional_user_data import with_ends
from charplay.training.data_summary import choose_recipe, training_set_of
from charplay.training.distributed import process_group
from charplay.training.evaluation_example import example_of
from charplay.training.fine_tuning import StartingModel, adapt, load_start
from charplay.training.recipes import FINE_TUNING, USER_RECIPES, Recipe, fields_of
from charplay.training.training_sets import TrainingSet

TASKS = {ROWS: "names", TEXT: "speech"}  # kind of data -> task
INVENT = "invent"  # the other task of rows
EVALUATION_STEPS = 200  # between two evaluations, roughly
MAX_EVALUATIONS = 100  # in an epoch
NOT_CHOSEN = ("hold_out", "teachers", "ngram_weight", "synthetic", "label_share", "since", "copies")
DEFAULT_RECIPE = "small"


def train_rows(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Train a classifier, or what invents texts, on rows text,label: files of your own."""
    return _train(arguments, ROWS)


def train_text(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Train a language model on a text: files of your own."""
    return _train(arguments, TEXT)


def _train(arguments: argparse.Namespace, kind: str) -> dict[str, Any] | None:
    data: UserRows | UserText = read_user_data(arguments, kind)
    task = TASKS[kind]
    if getattr(arguments, "invent", False) and isinstance(data, UserRows):
        task, data = INVENT, with_ends(data)
        _check_invent_options(arguments)
    start = _load_start(arguments, task)
    if start is not None:
        data = adapt(data, start, arguments.grow_vocabulary)
    out = arguments.out or _default_out(arguments.files[0], INVENT if task == INVENT else kind)
    if out.is_dir():
        raise ValueError(f"{out} is a directory: name a file for the checkpoint.")
    preset = arguments.recipe or DEFAULT_RECIPE
    fields = fields_of(USER_RECIPES[task][preset])
    changes = {key: value for key, value in vars(arguments).items() if key in fields and value is not None}
    recipe = choose_recipe(task, data, preset, changes, start)
    with process_group() as (group, device):
        training_set = training_set_of(task, data, recipe, group)
        if arguments.evaluations is None:
            recipe = _with_evaluations(recipe, training_set)
        sample_of = (lambda model: example_of(model, training_set)["sample"]) if _is_sampled(arguments) else None
        shown = ProgressOnStderr(sample_of)
        results = run.run(
            task,
            training_set,
            recipe,
            out,
            device=device,
            name=preset if start is None else FINE_TUNING,
            precision=arguments.precision,
            callbacks=run.Callbacks(shown.on_start, shown.on_step, shown.on_epoch),
            group=group,
            is_resumed=arguments.resume,
            start=start,
        )
    return {"checkpoint": str(out), **results} if results is not None else None  # only rank 0 has results


def _check_invent_options(arguments: argparse.Namespace) -> None:
    """Refuses what only a classifier has."""
    known = fields_of(USER_RECIPES[INVENT][DEFAULT_RECIPE]) | dict.fromkeys(NOT_CHOSEN)
    classifiers = fields_of(USER_RECIPES[TASKS[ROWS]][DEFAULT_RECIPE])
    if unknown := [key for key in classifiers if key not in known and getattr(arguments, key, None) is not None]:
        raise ValueError(f"--{unknown[0].replace('_', '-')} is for a classifier: a network that invents has none.")
    if arguments.start is not None:
        raise ValueError("--from is for a classifier: a network that invents begins as a new one.")


def _load_start(arguments: argparse.Namespace, task: str) -> StartingModel | None:
    """The model to go on from: a file, or the name of one in checkpoints/."""
    if arguments.start is None:
        if arguments.grow_vocabulary is not None:
            raise ValueError("--grow-vocabulary is for a model to go on from: give --from too.")
        return None
    if arguments.recipe is not None:
        raise ValueError("--recipe is for a new network: with --from the network is that of the checkpoint.")
    path = Path(arguments.start)
    return load_start(path if path.exists() or path.suffix else checkpoints.find(arguments.start), task)


def _is_sampled(arguments: argparse.Namespace) -> bool:
    return getattr(arguments, "sample", False)


def _with_evaluations(recipe: Recipe, training_set: TrainingSet) -> Recipe:
    """The recipe with evaluations by the number of steps: by the clock, an interrupted run could not be resumed."""
    evaluations = round(training_set.task.count() / EVALUATION_STEPS)
    return dataclasses.replace(recipe, evaluations=max(min(evaluations, MAX_EVALUATIONS), 1))


def _default_out(file: str, kind: str) -> Path:
    """Where the checkpoint is written without --out: the file's name in it, and no shipped model's."""
    stem = "stdin" if file == "-" else re.sub(r"[^\w-]+", "-", Path(file).stem)
    return checkpoints.DIRECTORIES[-1] / f"{stem}-{kind}.safetensors"


def add_to(tasks: Commands) -> None:
    """Add the commands."""
    for kind, execute in ((ROWS, train_rows), (TEXT, train_text)):
        parser, recipes = add_command(tasks, kind, execute), USER_RECIPES[TASKS[kind]]
        add_user_data(parser, kind)
        parser.add_argument("--recipe", choices=tuple(recipes), help=f"default: {DEFAULT_RECIPE}")
        parser.add_argument(
            "--from", dest="start", metavar="CHECKPOINT", help="go on from a file, or from a model in checkpoints/"
        )
        parser.add_argument(
            "--grow-vocabulary",
            action=argparse.BooleanOptionalAction,
            default=None,
            help="with --from: learn the data's new characters; default: where ASCII would change the data",
        )
        parser.add_argument("--out", type=Path, metavar="F", help=f"default: FILE-{kind}.safetensors in checkpoints/")
        parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
        parser.add_argument(
            "--precision", choices=("float32", "bfloat16"), default="float32", help="default: float32, as in the tab"
        )
        if kind == ROWS:
            parser.add_argument(
                "--invent", action="store_true", help="train a network that writes texts of a label, not a classifier"
            )
        else:
            parser.add_argument("--sample", action="store_true", help="show a sample at each evaluation")
        fields = fields_of(recipes[DEFAULT_RECIPE])
        add_fields(parser, {key: value for key, value in fields.items() if key not in NOT_CHOSEN}, DEFAULT_RECIPE)
