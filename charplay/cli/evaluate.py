"""`evaluate names|speech|invent`: measure a checkpoint."""

import argparse
import functools
from pathlib import Path
from typing import Any

from charplay.cli.parser import (
    Commands,
    add_checkpoint,
    add_command,
    add_data,
    add_group,
    add_prior,
    summary_of,
)
from charplay.data import datasets
from charplay.data.text import normalize_name
from charplay.evaluation.dynamic_evaluation import evaluate_dynamically
from charplay.evaluation.metrics import evaluate_names, evaluate_speech, read_names_csv, read_speech_txt
from charplay.inference.classify import read_text
from charplay.models import checkpoints
from charplay.models.networks import MODELS
from charplay.training.measurements import measure, measure_baselines, speech_text


def evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure a checkpoint on its task's test part, or on a file."""
    path = arguments.checkpoint or checkpoints.find(arguments.task)
    checkpoint = checkpoints.load(path, arguments.task)
    directory = datasets.data_directory(arguments.data)
    described = {"checkpoint": path.name, "recipe": checkpoint.recipe.get("name"), "date": checkpoint.date}
    if arguments.task == "invent":
        return described | measure(checkpoint, directory)
    described["engine"] = arguments.engine
    if arguments.file and arguments.baselines:
        raise ValueError("--baselines measures on the test part and --file on your own: give one of them.")
    baselines = {"baselines": measure_baselines(arguments.task, directory)} if arguments.baselines else {}
    measure_task = _measure_names if arguments.task == "names" else _measure_speech
    return described | measure_task(arguments, checkpoint, directory) | baselines


def _measure_names(
    arguments: argparse.Namespace, checkpoint: checkpoints.Checkpoint, directory: Path
) -> dict[str, Any]:
    prior = {"prior": arguments.prior}
    if not arguments.file:
        return prior | measure(checkpoint, directory, prior=arguments.prior, engine=arguments.engine)
    try:
        known = {name for name, _ in datasets.load_names("train", directory)}
    except datasets.DataError:  # a user's file can be measured without the training rows
        known = None
    vocabulary = checkpoint.vocabulary
    read = normalize_name if vocabulary.is_ascii else functools.partial(read_text, checkpoint)
    rows = read_names_csv(arguments.file, checkpoint.classes, read)
    shares = checkpoint.shares if arguments.prior == "uniform" else None
    return prior | evaluate_names(
        checkpoint.model, checkpoint.classes, rows, known, shares, arguments.engine, vocabulary
    )


def _measure_speech(
    arguments: argparse.Namespace, checkpoint: checkpoints.Checkpoint, directory: Path
) -> dict[str, Any]:
    if arguments.dynamic and arguments.engine:
        raise ValueError("--dynamic takes gradient steps, which --engine has no weights for: give one of them.")
    if arguments.file and arguments.split:
        raise ValueError("--split chooses a part of the speeches and --file a text of your own: give one of them.")
    if arguments.file:
        split, text = None, read_speech_txt(arguments.file, checkpoint.vocabulary)
    else:
        split = arguments.split or "test"
        text = speech_text(checkpoint.vocabulary, directory, split)
    measured: dict[str, Any] = evaluate_speech(checkpoint.model, text, arguments.engine, checkpoint.vocabulary)
    if arguments.dynamic:
        measured["dynamic_bits_per_character"] = evaluate_dynamically(checkpoint.model, text, checkpoint.vocabulary)
    return {"split": split} | measured


def add_to(commands: Commands) -> None:
    """Add the command."""
    tasks = add_group(commands, "evaluate", summary_of(evaluate), "task", tuple(MODELS))
    for task in MODELS:
        parser = add_command(tasks, task, evaluate)
        add_data(parser, "where the data lies")
        add_checkpoint(parser)
        if task == "invent":
            continue
        parser.add_argument("--file", type=Path, metavar="CSV" if task == "names" else "TXT")
        parser.add_argument("--baselines", action="store_true", help="also n-gram and other baselines")
        parser.add_argument("--engine", action="store_true", help="run the network as the page does")
        if task == "speech":
            parser.add_argument("--split", choices=("val", "test"), help="default: test")
            parser.add_argument(
                "--dynamic", action="store_true", help="also by a copy that learns while it reads, which takes minutes"
            )
        else:
            add_prior(parser)
