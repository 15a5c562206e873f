"""python -m charplay train | evaluate | bench | classify | generate | data

With --json a command prints one JSON object on stdout; progress goes to stderr. A user's mistake is one sentence on
stderr and exit status 2.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

import torch
from tqdm import tqdm  # comes with gradio, by way of huggingface_hub

from charplay import checkpoints, datasets, limits, runs, training
from charplay.bench import bench_classify, bench_generate
from charplay.classify import classify
from charplay.evaluate import evaluate_names, evaluate_speech, read_names_csv, read_speech_txt
from charplay.generate import generate, make_request
from charplay.load import bench_load
from charplay.models import MODELS, count_parameters


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message[:1].upper()}{message[1:]} (see {self.prog} --help).")


def default_checkpoint(task: str) -> Path:
    """Where the model lies that a task uses unless another is named."""
    return checkpoints.DIRECTORY / f"{task}.safetensors"


class ProgressBar:
    """Shows training on stderr: a bar within the epoch, a line after it."""

    def __init__(self, epochs: int, unit: str):
        self.epochs, self.unit, self.bar = epochs, unit, None

    def step(self, progress: training.Progress) -> None:
        if self.bar is None:
            self.bar = tqdm(total=progress.steps, desc=f"epoch {progress.epoch}/{self.epochs}", leave=False)
        self.bar.update()
        if progress.loss is not None:
            self.bar.set_postfix_str(f"loss {progress.loss:.4f}, {progress.per_second:,.0f} {self.unit}/s")

    def epoch(self, epoch: int, measured: dict[str, Any], is_best: bool) -> None:
        if self.bar is not None:
            self.bar.close()
            self.bar = None
        figures = ", ".join(f"{key} {value:.4f}" for key, value in measured.items() if isinstance(value, float))
        print(
            f"epoch {epoch}/{self.epochs}: {figures}{' (best)' if is_best else ''}",
            file=sys.stderr,
            flush=True,
        )


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Trains a model from scratch, keeps the best epoch, measures it on the test part and writes the checkpoint."""
    recipe = training.RECIPES[arguments.task]
    fields = _fields_of(recipe)
    changes = {key: value for key, value in vars(arguments).items() if key in fields and value is not None}
    recipe = training.adjust(recipe, changes)
    bar = ProgressBar(recipe.epochs, "names" if arguments.task == "names" else "characters")

    def on_start(model: torch.nn.Module, task: training.Task, precision: str, device: torch.device) -> None:
        print(
            f"training {count_parameters(model):,} parameters on {device.type} in {precision}, seed {recipe.seed}, "
            f"{recipe.epochs} epochs of {task.count()} steps",
            file=sys.stderr,
        )

    out = arguments.out or default_checkpoint(arguments.task)
    results = runs.train(
        arguments.task,
        recipe,
        datasets.data_directory(arguments.data),
        out,
        precision=arguments.precision,
        on_start=on_start,
        on_step=bar.step,
        on_epoch=bar.epoch,
    )
    return {"checkpoint": str(out), **results}


def _fields_of(recipe: training.Recipe) -> dict[str, tuple[type, Any]]:
    """Every field of a recipe and of its config that can be chosen: name -> (type, value)."""
    return {
        field.name: (field.type, getattr(holder, field.name))
        for holder in (recipe, recipe.config)
        for field in dataclasses.fields(holder)
        if field.name not in ("config", "classes")
    }


def evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures a checkpoint on its task's test part, or on a file."""
    path = arguments.checkpoint or default_checkpoint(arguments.task)
    checkpoint = checkpoints.load(path, arguments.task)
    directory = datasets.data_directory(arguments.data)
    described = {"checkpoint": path.name, "date": checkpoint.date}
    if arguments.task == "speech":
        if arguments.file and arguments.split:
            raise ValueError("--split chooses a part of the speeches and --file a text of your own: give one of them.")
        described["split"] = None if arguments.file else arguments.split or "test"
    if not arguments.file:
        return described | runs.measure(checkpoint, directory, described.get("split"))
    if arguments.task == "speech":
        return described | evaluate_speech(checkpoint.model, read_speech_txt(arguments.file))
    try:
        known = {name for name, _ in datasets.load_names("train", directory)}
    except datasets.DataError:  # a user's own file can be measured without the training rows
        known = None
    rows = read_names_csv(arguments.file, checkpoint.classes)
    return described | evaluate_names(checkpoint.model, checkpoint.classes, rows, known)


def classify_names(arguments: argparse.Namespace) -> dict[str, Any]:
    """Classifies the names given."""
    limits.NAMES.check(len(arguments.names))
    checkpoint = checkpoints.load(arguments.checkpoint or default_checkpoint("names"), "names")
    return {"results": classify(checkpoint, arguments.names)}


def generate_text(arguments: argparse.Namespace) -> dict[str, Any]:
    """Continues a prime."""
    request = make_request(
        arguments.prime,
        arguments.temperature,
        arguments.length,
        arguments.prime_length,
        arguments.top_k,
        arguments.seed,
    )
    checkpoint = checkpoints.load(arguments.checkpoint or default_checkpoint("speech"), "speech")
    start = time.perf_counter()
    continuation = "".join(generate(checkpoint, request))
    seconds = time.perf_counter() - start
    return {
        "text": request.prime + continuation,
        "seed": request.seed,
        "characters_per_second": request.length / seconds,
    }


def fetch_data(arguments: argparse.Namespace) -> dict[str, Any]:
    """Brings the data into the data directory."""
    directory = datasets.data_directory(arguments.data)
    files = datasets.fetch(directory, arguments.source, say=lambda line: print(line, file=sys.stderr))
    return {"directory": str(directory), "files": [path.name for path in files]}


def bench(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures speed on this machine: of a model, or of the whole app under a classroom's load."""
    if arguments.what == "load":
        students, seconds = limits.STUDENTS.check(arguments.students), limits.SECONDS.check(arguments.seconds)
        return bench_load(students, seconds)
    task, measure = {"generate": ("speech", bench_generate), "classify": ("names", bench_classify)}[arguments.what]
    return measure(checkpoints.load(arguments.checkpoint or default_checkpoint(task), task))


def _as_text(result: dict[str, Any]) -> str:
    """What a command prints without --json."""
    if "results" in result and isinstance(result["results"], list):
        lines = [(r["normalized"], r["country"], r["probabilities"][r["country"]]) for r in result["results"]]
        return "\n".join(f"{name}: {country} ({share:.1%})" for name, country, share in lines)
    if "text" in result:
        return result["text"]
    return "\n".join(f"{key}: {value}" for key, value in result.items())


def _parser() -> Parser:
    parser = Parser(prog="python -m charplay", description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, run: Callable[[argparse.Namespace], dict[str, Any]], parents=commands) -> Parser:
        made = parents.add_parser(name, help=run.__doc__.split("\n")[0], description=run.__doc__)
        made.set_defaults(run=run)
        made.add_argument("--json", action="store_true", help="print one JSON object")
        return made

    def add_data(made: Parser, does: str) -> None:
        made.add_argument("--data", type=Path, metavar="DIR", help=f"{does}; default: $CHARPLAY_DATA, else a cache")

    for name, run in (("train", train), ("evaluate", evaluate)):
        tasks = commands.add_parser(name, help=run.__doc__.split("\n")[0]).add_subparsers(
            dest="task", required=True, metavar="names|speech"
        )
        for task in MODELS:
            made = command(task, run, tasks)
            add_data(made, "where the data lies")
            if name == "evaluate":
                made.add_argument("--checkpoint", type=Path, metavar="F")
                made.add_argument("--file", type=Path, metavar="CSV" if task == "names" else "TXT")
                if task == "speech":
                    made.add_argument("--split", choices=("val", "test"), help="default: test")
            else:
                _add_training_arguments(made, task)

    made = command("classify", classify_names)
    made.add_argument("names", nargs="+", metavar="NAME")
    made.add_argument("--checkpoint", type=Path, metavar="F")

    made = command("generate", generate_text)
    made.add_argument("--prime", required=True, metavar="P")
    made.add_argument("--temperature", type=float, default=0.8, metavar="T")
    made.add_argument("--length", type=int, default=200, metavar="N")
    made.add_argument("--prime-length", type=int, metavar="K")
    made.add_argument("--top-k", type=int, default=0, metavar="K")
    made.add_argument("--seed", type=int, metavar="S")
    made.add_argument("--checkpoint", type=Path, metavar="F")

    measures = commands.add_parser("bench", help=bench.__doc__.split("\n")[0]).add_subparsers(
        dest="what", required=True, metavar="generate|classify|load"
    )
    for what in ("generate", "classify"):
        command(what, bench, measures).add_argument("--checkpoint", type=Path, metavar="F")
    made = command("load", bench, measures)
    made.add_argument("--students", type=int, default=30, metavar="N")
    made.add_argument("--seconds", type=float, default=30, metavar="S")

    data = commands.add_parser("data", help="the two data sets").add_subparsers(required=True, metavar="fetch")
    made = command("fetch", fetch_data, data)
    add_data(made, "where to put the data")
    made.add_argument("--from", dest="source", type=Path, metavar="DIR", help="a mirror instead of the network")
    return parser


def _add_training_arguments(parser: Parser, task: str) -> None:
    """Every field of the recipe and of the model's config is an argument; its default is the recipe's."""
    parser.add_argument("--out", type=Path, metavar="F", help="default: the checkpoint that the app loads")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="default: the faster one here")
    for name, (kind, value) in _fields_of(training.RECIPES[task]).items():
        flag = "--" + name.replace("_", "-")
        if kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            parser.add_argument(flag, type=kind, metavar=kind.__name__.upper(), help=f"default: {value}")


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    try:
        arguments = _parser().parse_args(argv)
        result = arguments.run(arguments)
    except (ValueError, FloatingPointError) as mistake:
        print(mistake, file=sys.stderr)
        return 2
    except OSError as mistake:  # a path that cannot be read or written, a full disk
        print(f"{mistake.filename or 'A file'} cannot be used: {mistake.strerror}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    print(json.dumps(result) if arguments.json else _as_text(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
