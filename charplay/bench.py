"""How fast the shipped models are on this machine: figures for the README, ratios taken within one run."""

import copy
import time
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from charplay.checkpoints import Checkpoint
from charplay.classify import classify
from charplay.datasets import Speech
from charplay.generate import generate, make_request
from charplay.recipes import RECIPES
from charplay.tasks import SpeechTask
from charplay.text import encode
from charplay.training import choose_device, choose_precision, fit

SECONDS = 5.0  # spent on each figure
TRAINING_STEPS = 5


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


def bench_train(checkpoint: Checkpoint) -> dict[str, Any]:
    """Characters a second in training a language model of this size, against the lecture's loop.

    The lecture's loop: batch 1, the network called for one character at a time, 200 characters a step. The training
    code: as `train speech` runs. Both start from the checkpoint's weights, in their own copies, on random letters.
    """
    model, recipe = checkpoint.model, RECIPES["speech"]["best"]
    device = choose_device()
    letters = torch.randint(97, 123, (recipe.batch_size * (recipe.steps * TRAINING_STEPS + 1),)).tolist()
    text = "".join(map(chr, letters))
    looped = copy.deepcopy(model).to(device).train().requires_grad_()
    optimizer = torch.optim.Adam(looped.parameters(), 1e-5)

    def lecture_loop(length: int) -> None:
        codes, state, loss = encode(text[: length + 1]).to(device), None, 0.0
        for at in range(length):
            logits, state = looped(codes[at].view(1, 1), state)
            loss = loss + nn.functional.cross_entropy(logits.view(1, -1), codes[at + 1].view(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    loop = _per_second(lecture_loop, 200)
    trained = copy.deepcopy(model).to(device).requires_grad_()
    recipe = replace(recipe, epochs=1, learning_rate=1e-5)
    task = SpeechTask([Speech("2000-01-01", "nobody", text)], text[:100], recipe)
    precision = choose_precision(trained, task, device)
    ours = fit(trained, task, recipe, device=device, precision=precision)["per_second"]
    return {
        "lecture_loop": loop,
        "training": ours,
        "ratio": ours / loop,
        "precision": precision,
        "batch_size": recipe.batch_size,
        "steps": recipe.steps,
    }


def _per_second(run, count: int) -> float:
    """Calls run(count) until `SECONDS` have passed, after one call to warm up, and returns count / seconds."""
    run(count)
    calls, start = 0, time.perf_counter()
    while time.perf_counter() - start < SECONDS:
        run(count)
        calls += 1
    return calls * count / (time.perf_counter() - start)
