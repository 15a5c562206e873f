"""One contender of a comparison, measured in a process of its own: `python -m charplay.bench.contenders`.

The threads of a runtime go on spinning after its work, and halve whatever runs beside them in the same process. So
`peers` starts a process for each contender; it prints one JSON object. Every contender's output is compared with that
of the network in float32 before it is timed, on a thread that ends: a thread that stays keeps its pool, which slows all
later work.
"""

import argparse
import functools
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from charplay import system
from charplay.bench.generators import (
    GENERATORS,
    batch_difference,
    divergence,
    divergence_of_step,
    engine_streams,
    peer_streams,
)
from charplay.bench.timing import on_own_thread, per_second
from charplay.data.batches import order_by_length, pad
from charplay.data.vocabulary import ASCII
from charplay.inference.classify import classify, logits_of
from charplay.inference.engine import Engine
from charplay.models import checkpoints
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM, NameClassifier

STREAMS = 64  # texts side by side
CHARACTERS = {1: 1_000, STREAMS: 19_200}  # streams -> characters of a timed run, all streams together
MAX_DIVERGENCE = 0.02  # bits, of the probabilities of a contender from those of the network in float32
BATCH_SIZES = (32, 64, 128, 256, 512, 1024)  # names in a batch of PyTorch's, of which the best counts
NAMES = 5_000  # of 2 to 14 random letters, in a timed run
TRIAL_NAMES = 2_048  # of them, in a run that looks for the best batch size


def check_divergence(bits: float) -> float:
    """Returns it.

    Raises:
        ValueError: it is too large, so that something else has been computed.
    """
    if not bits <= MAX_DIVERGENCE:
        raise ValueError(f"its probabilities are {bits:.3f} bits from the network's")
    return bits


def measure_generator(name: str, checkpoint: Checkpoint[CharLM], threads: int, seconds: float) -> dict[str, float]:
    """Characters a second of one contender: {"one", "streams_64", "divergence", "batch_difference"}."""
    step = on_own_thread(GENERATORS[name], checkpoint.model, threads)
    bits = max(
        check_divergence(on_own_thread(divergence_of_step, checkpoint.model, step, number)) for number in CHARACTERS
    )
    engine, mask, random = Engine(), checkpoint.sampling_mask().numpy(), np.random.default_rng(1)
    measured: dict[str, float] = {}
    for key, number in (("one", 1), (f"streams_{STREAMS}", STREAMS)):
        if name == "engine":
            run = engine_streams(checkpoint, number, engine)
        else:
            run = peer_streams(step, number, mask, random)
        measured |= per_second({key: (run, CHARACTERS[number])}, seconds)
    difference = batch_difference(checkpoint.model, step, STREAMS)
    return measured | {"divergence": bits, "batch_difference": difference}


def random_names(count: int, generator: torch.Generator) -> list[str]:
    """Names of 2 to 14 random letters."""
    lengths = torch.randint(2, 15, (count,), generator=generator).tolist()
    return [ASCII.decode(torch.randint(97, 123, (length,), generator=generator)) for length in lengths]


@torch.inference_mode()
def batched_packed(model: NameClassifier, names: Sequence[str], batch_size: int) -> torch.Tensor:
    """Logits (names, classes) by PyTorch's layers, packed, in batches of similar length."""
    order = order_by_length(names)
    batches = [pad([names[index] for index in order[at : at + batch_size]]) for at in range(0, len(order), batch_size)]
    return torch.cat([model(batch.codes, batch.lengths) for batch in batches])[torch.tensor(order).argsort()]


def measure_classifier(
    name: str, checkpoint: Checkpoint[NameClassifier], threads: int, seconds: float
) -> dict[str, float]:
    """Names a second in bulk of one contender: {"many", "divergence"}, and its "batch_size" where it has one."""
    names = random_names(NAMES, torch.Generator().manual_seed(1))
    model, few = checkpoint.model, names[: max(BATCH_SIZES)]

    def packed(batch_size: int, count: int) -> list[list[float]]:
        return batched_packed(model, names[:count], batch_size).softmax(1).tolist()

    if name == "charplay":
        bits = on_own_thread(lambda: divergence(logits_of(model, few), logits_of(model, few, fast=True)))
        measured = per_second({"many": (lambda count: classify(checkpoint, names[:count]), NAMES)}, seconds)
    else:
        bits = on_own_thread(lambda: divergence(logits_of(model, few), batched_packed(model, few, BATCH_SIZES[0])))
        sizes = {str(size): (functools.partial(packed, size), TRIAL_NAMES) for size in BATCH_SIZES}
        by_size = per_second(sizes, seconds / len(sizes))  # a trial of each, then the best at length
        best = max(BATCH_SIZES, key=lambda size: by_size[str(size)])
        measured = per_second({"many": (functools.partial(packed, best), NAMES)}, seconds) | {"batch_size": best}
    return measured | {"divergence": check_divergence(bits)}


MEASURES: dict[str, Callable[..., dict[str, float]]] = {"speech": measure_generator, "names": measure_classifier}


def main() -> None:
    """Measures the contender that the arguments name, and prints its figures, or why it has none, as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("task", choices=MEASURES)
    parser.add_argument("name")
    parser.add_argument("checkpoint", type=Path)
    parser.add_argument("threads", type=int)
    parser.add_argument("seconds", type=float)
    arguments = parser.parse_args()
    out = system.take_standard_output()  # libraries print, too
    checkpoint = on_own_thread(checkpoints.load, arguments.checkpoint, arguments.task)
    try:
        answer: dict[str, Any] = MEASURES[arguments.task](
            arguments.name, checkpoint, arguments.threads, arguments.seconds
        )
    except Exception as failure:  # a runtime raises what it likes where it does not know a processor or an operator
        answer = {"left_out": str(failure) or type(failure).__name__}
    with out:
        out.write(json.dumps(answer).encode())


if __name__ == "__main__":
    main()
