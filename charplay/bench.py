"""How fast the shipped models are on this machine: figures for the README, ratios taken within one run."""

import time
from typing import Any

import torch

from charplay.checkpoints import Checkpoint
from charplay.classify import classify
from charplay.generate import generate, make_request

SECONDS = 5.0  # spent on each figure


def bench_generate(checkpoint: Checkpoint) -> dict[str, Any]:
    """Characters a second of one stream, against the lecture's loop on the same weights.

    The lecture's loop: one Python call of the network a character, batch 1, float32, `exp(logit / T)` into
    `torch.multinomial`.
    """
    model, config = checkpoint.model, checkpoint.config

    def lecture_loop(length: int) -> None:
        with torch.no_grad():
            code, state = torch.tensor([[ord("T")]]), None
            for _ in range(length):
                logits, state = model(code, state)
                weights = (logits.view(-1) / 0.8).exp()
                code = torch.multinomial(weights, 1).view(1, 1)

    def one_stream(length: int) -> None:
        for _ in generate(checkpoint, make_request("T", temperature=0.8, length=length, seed=1)):
            pass

    loop, stream = _per_second(lecture_loop, 500), _per_second(one_stream, 500)
    return {
        "lecture_loop": loop,
        "one_stream": stream,
        "one_stream_ratio": stream / loop,
        "cell": config.cell,
        "hidden_size": config.hidden_size,
        "layers": config.layers,
    }


def bench_classify(checkpoint: Checkpoint) -> dict[str, Any]:
    """Names a second, in bulk against one at a time; the names are random letters of 2 to 14."""
    generator = torch.Generator().manual_seed(1)

    def names(count: int) -> list[str]:
        lengths = torch.randint(2, 15, (count,), generator=generator).tolist()
        return [
            "".join(chr(97 + code) for code in torch.randint(26, (length,), generator=generator)) for length in lengths
        ]

    some, many = names(50), names(5000)
    one = _per_second(lambda count: [classify(checkpoint, [name]) for name in some[:count]], len(some))
    bulk = _per_second(lambda count: classify(checkpoint, many[:count]), len(many))
    return {"names_per_second": bulk, "one_at_a_time": one, "ratio": bulk / one}


def _per_second(run, count: int) -> float:
    """Calls run(count) until `SECONDS` have passed, after one call to warm up, and returns count / seconds."""
    run(count)
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        run(count)
        calls += 1
    return calls * count / (time.perf_counter() - start)
