"""python -m charplay train | evaluate | bench | classify | generate | index | data

With --json a command prints one JSON object on stdout; progress goes to stderr. A user's mistake is one sentence on
stderr and exit status 2.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn

from tqdm import tqdm  # comes with gradio, by way of huggingface_hub

from charplay import limits
from charplay.bench.classroom import bench_load
from charplay.bench.fair_use import bench_fair_use
from charplay.bench.throughput import (
    bench_batches,
    bench_classify,
    bench_generate,
    bench_read,
    bench_train,
    on_own_thread,
)
from charplay.data import datasets
from charplay.evaluation.metrics import evaluate_names, evaluate_speech, read_names_csv, read_speech_txt
from charplay.inference.classify import classify
from charplay.inference.generate import GenerationBatch, generate, make_request
from charplay.interpret import memorization
from charplay.models import checkpoints
from charplay.models.networks import MODELS, count_parameters
from charplay.training import run, trainer
from charplay.training.distributed import process_group
from charplay.training.recipes import RECIPES, adjust
from charplay.training.tasks import training_mix


class Parser(argparse.ArgumentParser):
    """Says what is wrong with the arguments in one sentence, without the usage before it."""

    def error(self, message: str) -> NoReturn:
        raise ValueError(f"{message[:1].upper()}{message[1:]} (see {self.prog} --help).")


def default_out(task: str, recipe: str) -> Path:
    """Where the model that a recipe makes is written, unless --out says otherwise."""
    return checkpoints.DIRECTORIES[-1] / f"{task if recipe == 'best' else f'{task}-{recipe}'}.safetensors"


def shown_on_stderr() -> run.Callbacks:
    """Shows training on stderr: a line for each network, a bar within its epochs, a line after each."""
    shown: dict[str, Any] = {}

    def on_start(started: run.RunStart) -> None:
        shown.update(started=started, bar=None)
        print(
            f"{started.what}: {count_parameters(started.model):,} parameters on {started.device.type} in "
            f"{started.precision}, seed {started.recipe.seed}, {started.recipe.epochs} epochs of "
            f"{started.task.count()} steps",
            file=sys.stderr,
            flush=True,
        )

    def on_step(progress: trainer.Progress) -> None:
        if shown["bar"] is None:  # of the steps up to the next evaluation
            label = f"epoch {progress.epoch}/{shown['started'].recipe.epochs}"
            shown["bar"] = tqdm(total=progress.steps, initial=progress.step - 1, desc=label, leave=False)
        shown["bar"].update()
        if progress.loss is not None:
            speed = f"{progress.per_second:,.0f} {shown['started'].task.unit}/s"
            shown["bar"].set_postfix_str(f"loss {progress.loss:.4f}, {speed}")
        shown["speed"] = progress.per_second

    def on_epoch(epoch: float, measured: dict[str, Any], is_best: bool) -> None:
        shown["bar"].close()
        shown["bar"] = None
        figures = [f"{key} {value:.4f}" for key, value in measured.items() if isinstance(value, float)]
        figures.append(f"{shown['speed']:,.0f} {shown['started'].task.unit}/s")
        label = f"epoch {epoch:g}/{shown['started'].recipe.epochs}"
        print(f"{label}: {', '.join(figures)}{' (best)' if is_best else ''}", file=sys.stderr, flush=True)

    return run.Callbacks(on_start, on_step, on_epoch)


def train(arguments: argparse.Namespace) -> dict[str, Any] | None:
    """Trains a model from scratch, keeps the best epoch, measures it on the test part and writes the checkpoint."""
    recipe = RECIPES[arguments.task][arguments.recipe]
    fields = run.fields_of(recipe)
    changes = {key: value for key, value in vars(arguments).items() if key in fields and value is not None}
    out = arguments.out or default_out(arguments.task, arguments.recipe)
    with process_group() as (group, device):
        results = run.train(
            arguments.task,
            adjust(recipe, changes),
            datasets.data_directory(arguments.data),
            out,
            name=arguments.recipe,
            precision=arguments.precision,
            callbacks=shown_on_stderr(),
            group=group,
            device=device,
            is_resumed=arguments.resume,
        )
    return {"checkpoint": str(out), **results} if results is not None else None  # the lead of a group alone speaks


def evaluate(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures a checkpoint on its task's test part, or on a file."""
    path = arguments.checkpoint or checkpoints.find(arguments.task)
    checkpoint = checkpoints.load(path, arguments.task)
    directory = datasets.data_directory(arguments.data)
    described = {"checkpoint": path.name, "recipe": checkpoint.recipe.get("name"), "date": checkpoint.date}
    described["engine"] = arguments.engine
    if arguments.file and arguments.baselines:
        raise ValueError("--baselines measures on the test part and --file on your own: give one of them.")
    baselines = {"baselines": run.measure_baselines(arguments.task, directory)} if arguments.baselines else {}
    if arguments.task == "names":
        return described | _evaluate_names(arguments, checkpoint, directory) | baselines
    if arguments.file and arguments.split:
        raise ValueError("--split chooses a part of the speeches and --file a text of your own: give one of them.")
    if arguments.file:
        text = read_speech_txt(arguments.file)
        return described | {"split": None} | evaluate_speech(checkpoint.model, text, arguments.engine)
    split = arguments.split or "test"
    measured = run.measure(checkpoint, directory, split, engine=arguments.engine)
    return described | {"split": split} | measured | baselines


def _evaluate_names(arguments: argparse.Namespace, checkpoint: checkpoints.Checkpoint, directory: Path) -> dict:
    prior = {"prior": arguments.prior}
    if not arguments.file:
        return prior | run.measure(checkpoint, directory, prior=arguments.prior, engine=arguments.engine)
    try:
        known = {name for name, _ in datasets.load_names("train", directory)}
    except datasets.DataError:  # a user's own file can be measured without the training rows
        known = None
    rows = read_names_csv(arguments.file, checkpoint.classes)
    shares = checkpoint.shares if arguments.prior == "uniform" else None
    return prior | evaluate_names(checkpoint.model, checkpoint.classes, rows, known, shares, arguments.engine)


def classify_names(arguments: argparse.Namespace) -> dict[str, Any]:
    """Classifies the names given."""
    limits.NAMES.check(len(arguments.names))
    checkpoint = checkpoints.load(arguments.checkpoint or checkpoints.find("names"), "names")
    return {"results": classify(checkpoint, arguments.names, arguments.prior)}


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
    checkpoint = checkpoints.load(arguments.checkpoint or checkpoints.find("speech"), "speech")
    batch, start = GenerationBatch(checkpoint), time.perf_counter()
    [continuation] = generate(checkpoint, [request], batch)
    seconds = time.perf_counter() - start
    return {
        "text": request.prime + continuation,
        "seed": request.seed,
        "characters_per_second": request.length / seconds,
    }


def index_speeches(arguments: argparse.Namespace) -> dict[str, Any]:
    """Makes the filter that tells what a text has copied from the speeches that the best recipe trains on."""
    out, recipe = arguments.out or checkpoints.DIRECTORIES[-1] / memorization.FILTER_FILE, RECIPES["speech"]["best"]
    splits = datasets.split_speeches(datasets.load_speeches(datasets.data_directory(arguments.data)))
    index = memorization.build(training_mix(splits, recipe), splits["test"], recipe.since)
    memorization.save(out, index)
    described = {key: value for key, value in vars(index).items() if key != "bits"}
    return {"filter": str(out), "bytes": out.stat().st_size, **described}


def fetch_data(arguments: argparse.Namespace) -> dict[str, Any]:
    """Brings the data into the data directory."""
    directory = datasets.data_directory(arguments.data)
    files = datasets.fetch(directory, arguments.source, on_progress=lambda line: print(line, file=sys.stderr))
    return {"directory": str(directory), "files": [path.name for path in files]}


def bench(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measures speed on this machine: of a model, or of the whole app under a classroom's load."""
    if arguments.what == "load":
        students, seconds = limits.STUDENTS.check(arguments.students), limits.SECONDS.check(arguments.seconds)
        return (bench_fair_use if arguments.training else bench_load)(students, seconds)
    task, measure = {
        "generate": ("speech", bench_generate),
        "classify": ("names", bench_classify),
        "batches": ("names", bench_batches),
        "train": ("speech", bench_train),
        "read": ("speech", bench_read),
    }[arguments.what]
    return measure(on_own_thread(checkpoints.load, arguments.checkpoint or checkpoints.find(task), task))


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

    def command(name: str, execute: Callable[[argparse.Namespace], dict[str, Any] | None], parents=commands) -> Parser:
        made = parents.add_parser(name, help=execute.__doc__.split("\n")[0], description=execute.__doc__)
        made.set_defaults(execute=execute)
        made.add_argument("--json", action="store_true", help="print one JSON object")
        return made

    def add_data(made: Parser, does: str) -> None:
        made.add_argument("--data", type=Path, metavar="DIR", help=f"{does}; default: $CHARPLAY_DATA, else a cache")

    def add_prior(made: Parser) -> None:
        says = "countries weighted as in the data, or all alike; default: data"
        made.add_argument("--prior", choices=limits.PRIORS, default="data", help=says)

    for name, execute in (("train", train), ("evaluate", evaluate)):
        tasks = commands.add_parser(name, help=execute.__doc__.split("\n")[0]).add_subparsers(
            dest="task", required=True, metavar="names|speech"
        )
        for task in MODELS:
            made = command(task, execute, tasks)
            add_data(made, "where the data lies")
            if name == "evaluate":
                made.add_argument("--checkpoint", type=Path, metavar="F")
                made.add_argument("--file", type=Path, metavar="CSV" if task == "names" else "TXT")
                made.add_argument("--baselines", action="store_true", help="also what counting alone reaches")
                made.add_argument("--engine", action="store_true", help="the network as the page runs it")
                if task == "speech":
                    made.add_argument("--split", choices=("val", "test"), help="default: test")
                else:
                    add_prior(made)
            else:
                _add_training_arguments(made, task)

    made = command("classify", classify_names)
    made.add_argument("names", nargs="+", metavar="NAME")
    add_prior(made)
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
        dest="what", required=True, metavar="generate|classify|batches|train|read|load"
    )
    for what in ("generate", "classify", "batches", "train", "read"):
        command(what, bench, measures).add_argument("--checkpoint", type=Path, metavar="F")
    made = command("load", bench, measures)
    made.add_argument("--students", type=int, default=30, metavar="N")
    made.add_argument("--seconds", type=float, default=30, metavar="S")
    made.add_argument("--training", action="store_true", help="twice, the second time beside a training")

    made = command("index", index_speeches)
    add_data(made, "where the data lies")
    made.add_argument("--out", type=Path, metavar="F", help=f"default: {memorization.FILTER_FILE} in checkpoints/")

    data = commands.add_parser("data", help="the two data sets").add_subparsers(required=True, metavar="fetch")
    made = command("fetch", fetch_data, data)
    add_data(made, "where to put the data")
    made.add_argument("--from", dest="source", type=Path, metavar="DIR", help="a mirror instead of the network")
    return parser


def _add_training_arguments(parser: Parser, task: str) -> None:
    """A recipe, and every field of it and of the model's config to choose otherwise."""
    parser.add_argument("--recipe", choices=tuple(RECIPES[task]), default="best", help="default: best")
    parser.add_argument("--out", type=Path, metavar="F", help="default: the recipe's own place in checkpoints/")
    parser.add_argument("--resume", action="store_true", help="go on with the run that was interrupted")
    parser.add_argument("--precision", choices=("float32", "bfloat16"), help="default: the faster one here")
    for name, value in run.fields_of(RECIPES[task]["best"]).items():
        flag, kind = "--" + name.replace("_", "-"), type(value)
        if kind is bool:
            parser.add_argument(flag, action=argparse.BooleanOptionalAction, default=None)
        else:
            parser.add_argument(flag, type=kind, metavar=kind.__name__.upper(), help=f"of best: {value}")


def main(argv: list[str] | None = None) -> int:
    """Runs one command; returns the exit status."""
    try:
        arguments = _parser().parse_args(argv)
        result = arguments.execute(arguments)
    except (ValueError, FloatingPointError) as mistake:
        print(mistake, file=sys.stderr)
        return 2
    except OSError as mistake:  # a path that cannot be read or written, a full disk
        print(f"{mistake.filename or 'A file'} cannot be used: {mistake.strerror}.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    if result is not None:
        print(json.dumps(result) if arguments.json else _as_text(result))
    return 0


if __name__ == "__main__":
    sys.exit(main())
