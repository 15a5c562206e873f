"""`bench`: measure speed on this machine."""

import argparse
from collections.abc import Callable
from typing import Any

from charplay import limits
from charplay.bench.classroom import bench_load
from charplay.bench.fair_use import bench_fair_use
from charplay.bench.throughput import (
    bench_batches,
    bench_classify,
    bench_generate,
    bench_read,
    bench_train,
)
from charplay.bench.timing import on_own_thread
from charplay.cli.parser import Commands, add_checkpoint, add_command, add_group, summary_of
from charplay.models import checkpoints

MODEL_BENCHES: dict[
    str, tuple[str, Callable[[Any], dict[str, Any]]]
] = {  # name -> the task whose model it measures, and how
    "generate": ("speech", bench_generate),
    "classify": ("names", bench_classify),
    "batches": ("names", bench_batches),
    "train": ("speech", bench_train),
    "read": ("speech", bench_read),
}


def bench(arguments: argparse.Namespace) -> dict[str, Any]:
    """Measure speed on this machine: of a model, or of the whole app under a classroom's load."""
    if arguments.what == "load":
        students, seconds = limits.STUDENTS.check(arguments.students), limits.SECONDS.check(arguments.seconds)
        return (bench_fair_use if arguments.training else bench_load)(students, seconds, arguments.accordions)
    task, measure = MODEL_BENCHES[arguments.what]
    return measure(on_own_thread(checkpoints.load, arguments.checkpoint or checkpoints.find(task), task))


def add_to(commands: Commands) -> None:
    """Add the command."""
    benches = add_group(commands, "bench", summary_of(bench), "what", (*MODEL_BENCHES, "load"))
    for what in MODEL_BENCHES:
        add_checkpoint(add_command(benches, what, bench))
    parser = add_command(benches, "load", bench)
    parser.add_argument("--students", type=int, default=30, metavar="N")
    parser.add_argument("--seconds", type=float, default=30, metavar="S")
    parser.add_argument("--training", action="store_true", help="twice, the second time beside a training run")
    parser.add_argument("--accordions", action="store_true", help="those who type have the accordions open")
