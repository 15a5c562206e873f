"""The models against what an engineer would take instead, with the same weights: each contender in its own process."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from typing import Any, NamedTuple

from charplay.bench import timing
from charplay.models.checkpoints import Checkpoint

ROUNDS = 2  # every contender is measured so often, in turn, so that other load slows all of them alike
THREADS = (2, 1)
# Of a contender's output: bits from the network's, and how far a text's logits are apart alone and among 64.
CHECKS = ("divergence", "batch_difference")
SPEEDS = {"one", "streams_64", "many"}  # keys of the figures that are a mean of the rounds


class Peer(NamedTuple):
    """A contender that is not charplay's own."""

    modules: Sequence[str] = ()  # that it needs, of the extra `[bench]`
    cells: Sequence[str] = ("rnn", "gru", "lstm")  # that it can run


ENGINE = "engine"
GENERATORS = {
    "pytorch": Peer(),
    "pytorch_int8": Peer(),
    "onnxruntime_int8": Peer(("onnx", "onnxruntime"), ("gru",)),
    "openvino_bfloat16": Peer(("onnx", "openvino"), ("gru",)),
}
CLASSIFIER, PACKED = "charplay", "batched_packed"

Figures = dict[str, dict[str, float]]  # contender -> key -> figure


def compare_generators(checkpoint: Checkpoint) -> dict[str, Any]:
    """Characters a second of the engine and its peers, with one text and with 64, on two threads and on one.

    Returns:
        `engine` and `peers` on two threads, `engine_one_thread` and `peers_one_thread`; the ratios of the engine to the
        best peer; `peers_left_out`, each with the reason; and of each contender the `CHECKS`.
    """
    left_out = {name: reason for name, peer in GENERATORS.items() if (reason := _missing(peer, checkpoint))}
    names = [ENGINE, *(name for name in GENERATORS if name not in left_out)]
    result: dict[str, Any] = {"peers_left_out": left_out, **{key: {} for key in CHECKS}}
    for threads, figures in _measure(checkpoint, names, left_out).items():
        suffix = "" if threads == max(THREADS) else "_one_thread"
        for key in CHECKS:
            result[key] |= {name: each.pop(key) for name, each in figures.items()}
        engine = result[f"engine{suffix}"] = figures.pop(ENGINE)
        result[f"peers{suffix}"] = figures
        for key in ("one", "streams_64"):
            best = max(each[key] for each in figures.values())
            result[f"best_peer_ratio{suffix}_{key.removeprefix('streams_')}"] = engine[key] / best
    return result


def compare_classifiers(checkpoint: Checkpoint) -> dict[str, Any]:
    """Names a second in bulk, charplay's classifier and PyTorch's layers on packed batches of the best size."""
    result: dict[str, Any] = {}
    for threads, figures in _measure(checkpoint, [CLASSIFIER, PACKED], {}).items():
        suffix = "" if threads == max(THREADS) else "_one_thread"
        own, packed = figures[CLASSIFIER], figures[PACKED]
        result |= {
            f"in_bulk{suffix}": own["many"],
            f"batched_packed{suffix}": packed["many"],
            f"best_batch_size{suffix}": int(packed["batch_size"]),
            f"best_peer_ratio{suffix}": own["many"] / packed["many"],
        }
    return result


def _missing(peer: Peer, checkpoint: Checkpoint) -> str | None:
    """Why a peer cannot be measured; None: it can."""
    absent = [module for module in peer.modules if importlib.util.find_spec(module) is None]
    if absent:
        return f"{', '.join(absent)} not installed (extra [bench])"
    cell = checkpoint.config.cell
    return None if cell in peer.cells else f"it has no step of a network of cell {cell}"


def _measure(checkpoint: Checkpoint, names: list[str], left_out: dict[str, str]) -> dict[int, Figures]:
    """Number of threads -> the figures of each contender, the mean of the rounds.

    Args:
        checkpoint: the weights of all.
        names: the contenders, charplay's own first.
        left_out: gets those that failed or computed something else, with the reason.

    Raises:
        RuntimeError: that was charplay's own.
    """
    found: dict[int, dict[str, list[dict[str, float]]]] = {threads: {} for threads in THREADS}
    for threads in THREADS * ROUNDS:
        for name in names:
            if name in left_out:
                continue
            answer = _run(checkpoint, name, threads, timing.SECONDS_PER_FIGURE / ROUNDS)
            if "left_out" not in answer:
                found[threads].setdefault(name, []).append(answer)
            elif name == names[0]:
                raise RuntimeError(f"{name}: {answer['left_out']}")
            else:
                left_out[name] = answer["left_out"]
    return {
        threads: {name: _mean(rounds) for name, rounds in by_name.items() if name not in left_out}
        for threads, by_name in found.items()
    }


def _mean(rounds: list[dict[str, float]]) -> dict[str, float]:
    """A contender's figures, its speeds as the mean of the rounds."""
    return rounds[-1] | {key: sum(each[key] for each in rounds) / len(rounds) for key in SPEEDS & rounds[0].keys()}


def _run(checkpoint: Checkpoint, name: str, threads: int, seconds: float) -> dict[str, Any]:
    """One contender in a process of its own: what `contenders.main` prints."""
    limits = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), str(threads))
    command = [sys.executable, "-m", "charplay.bench.contenders", checkpoint.task, name, str(checkpoint.path)]
    done = subprocess.run(
        [*command, str(threads), str(seconds)],
        env=os.environ | limits | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:  # a processor without the instructions ends it by a signal
        return {"left_out": (done.stderr.strip().splitlines() or [f"its process ended with {done.returncode}"])[-1]}
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer
