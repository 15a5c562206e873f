"""How fast the models are on this machine; ratios are measured within one run."""

import copy
import functools
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import nn

from charplay import limits, system
from charplay.bench.contenders import random_names
from charplay.bench.generators import engine_streams
from charplay.bench.peers import compare_classifiers, compare_generators
from charplay.bench.timing import on_one_thread, per_second
from charplay.data import datasets
from charplay.data.batches import group_by_length, pad
from charplay.data.datasets import Speech
from charplay.data.vocabulary import ASCII
from charplay.inference.classify import classify, logits_of
from charplay.inference.engine import Engine
from charplay.inference.long_text import forward_pass
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM, NameClassifier
from charplay.training.distributed import choose_device
from charplay.training.precision import choose_precision
from charplay.training.recipes import RECIPES
from charplay.training.tasks import SpeechTask
from charplay.training.trainer import Trainer, fit

TRAINING_STEPS = 5  # optimizer steps that are measured
BATCHES, BATCH_SIZE = 8, 256  # batches, names in each


def bench_generate(checkpoint: Checkpoint[CharLM]) -> dict[str, Any]:
    """Characters a second of the engine, with one stream and with 64, against the lecture's loop on the same weights.

    The lecture's loop: one Python call of the network a character, batch 1, float32, `exp(logit / T)` into
    `torch.multinomial`.
    """
    model, config = checkpoint.model, checkpoint.config
    engine = Engine()

    def lecture_loop(length: int) -> None:
        with torch.no_grad():
            code, state = torch.tensor([[ord("T")]]), None
            for _ in range(length):
                logits, state = model(code, state)
                weights = (logits.view(-1) / 0.8).exp()
                code = torch.multinomial(weights, 1).view(1, 1)

    measured = per_second(
        {
            "lecture_loop": (lecture_loop, 500),
            "one_stream": (engine_streams(checkpoint, 1, engine), 1_000),
            "streams_64": (engine_streams(checkpoint, 64, engine), 19_200),
        }
    )
    return measured | {
        "one_stream_ratio": measured["one_stream"] / measured["lecture_loop"],
        "streams_64_ratio": measured["streams_64"] / measured["lecture_loop"],
        "cell": config.cell,
        "hidden_size": config.hidden_size,
        "layers": config.layers,
        **compare_generators(checkpoint),
    }


def bench_classify(checkpoint: Checkpoint[NameClassifier]) -> dict[str, Any]:
    """Names a second in bulk, against one at a time as the lecture does it; the names are random letters of 2 to 14.

    The lecture: one call of PyTorch's layers in float32 a name. `one_name_ms` is the time of one name on the page.
    """
    generator = torch.Generator().manual_seed(1)
    some, many = random_names(50, generator), random_names(5000, generator)
    measured = per_second(
        {
            "names_per_second": (lambda count: classify(checkpoint, many[:count]), len(many)),
            "one_at_a_time": (lambda count: [logits_of(checkpoint.model, [name]) for name in some[:count]], len(some)),
            "one_on_the_page": (lambda count: [classify(checkpoint, [name]) for name in some[:count]], len(some)),
        }
    )
    return {
        "names_per_second": measured["names_per_second"],
        "one_at_a_time": measured["one_at_a_time"],
        "ratio": measured["names_per_second"] / measured["one_at_a_time"],
        "one_name_ms": 1000 / measured["one_on_the_page"],
        **compare_classifiers(checkpoint),
    }


def bench_train(checkpoint: Checkpoint[CharLM]) -> dict[str, Any]:
    """Characters a second in training a language model of this size, against the lecture's loop and a plain one.

    The lecture's loop: batch 1, the network called for one character at a time, 200 characters a step. The plain one:
    the training code's batches, in float32, as any tutorial of PyTorch has it. The training code: as `train speech`
    runs. All start from the checkpoint's weights, in their own copies, on random letters.
    """
    model, recipe = checkpoint.model, RECIPES["speech"]["best"]
    device = choose_device()
    letters = torch.randint(97, 123, (recipe.batch_size * (recipe.steps * TRAINING_STEPS + 1),)).tolist()
    text = "".join(map(chr, letters))
    looped = copy.deepcopy(model).to(device).train().requires_grad_()
    optimizer = torch.optim.Adam(looped.parameters(), 1e-5)

    def lecture_loop(length: int) -> None:
        codes, state, loss = ASCII.encode(text[: length + 1]).to(device), None, torch.zeros((), device=device)
        for at in range(length):
            logits, state = looped(codes[at].view(1, 1), state)
            loss = loss + nn.functional.cross_entropy(logits.view(1, -1), codes[at + 1].view(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    plain = _plain_training(copy.deepcopy(model).to(device), ASCII.encode(text).to(device), recipe.batch_size)
    loops = per_second({"lecture": (lecture_loop, 200), "plain": (plain, recipe.batch_size * recipe.steps)})
    trained = copy.deepcopy(model).to(device).requires_grad_()
    recipe = replace(recipe, epochs=1, learning_rate=1e-5)
    task = SpeechTask([Speech("2000-01-01", "", text)], text[:100], recipe)
    precision = choose_precision(trained, task, device)
    training = fit(Trainer(trained, task, recipe, device=device, precision=precision))["per_second"]
    return {
        "lecture_loop": loops["lecture"],
        "plain_loop": loops["plain"],
        "training": training,
        "ratio": training / loops["lecture"],
        "plain_ratio": training / loops["plain"],
        "precision": precision,
        "batch_size": recipe.batch_size,
        "steps": recipe.steps,
    }


def _plain_training(model: CharLM, codes: torch.Tensor, batch_size: int) -> Callable[[int], None]:
    """One training step of so many characters, taken from `codes` (characters,) anew each time."""
    model.train().requires_grad_()
    optimizer = torch.optim.AdamW(model.parameters(), 1e-5)

    def step(characters: int) -> None:
        inputs, targets = (codes[start : start + characters].view(batch_size, -1) for start in (0, 1))
        logits, _ = model(inputs)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    return step


def bench_read(checkpoint: Checkpoint[CharLM]) -> dict[str, Any]:
    """Seconds of a forward pass over the page's longest text, by `long_text` and by `model.forward`; machine load.

    PyTorch has one thread, as in the inference worker.
    """
    model = checkpoint.model
    codes = torch.randint(97, 123, (limits.MAX_DOCUMENT_CHARACTERS,), generator=torch.Generator().manual_seed(1))
    text = ASCII.decode(codes)

    def forward(count: int) -> None:
        with torch.inference_mode():
            model(codes[None, :count])

    with on_one_thread():
        measured = per_second(
            {"read": (lambda count: forward_pass(model, text[:count]), len(text)), "forward": (forward, len(text))}
        )
    return {
        "characters": len(text),
        "seconds": len(text) / measured["read"],
        "forward_seconds": len(text) / measured["forward"],
        "ratio": measured["read"] / measured["forward"],
        "load": system.load_average(),
    }


def bench_batches(checkpoint: Checkpoint[NameClassifier]) -> dict[str, Any]:
    """Names a second through the recurrent network, padded and packed, in batches shuffled and grouped by length.

    A padded batch is run over its whole rectangle, a packed one over its characters alone (`NameClassifier.run_padded`
    and `run_packed`). The grouped batches are eight of those of a training epoch, and
    the shuffled ones hold the same names: training names if the data is there, otherwise 2 to 14 random letters. Each
    run has one thread: the threads of a pool wait for each other at every step, and on a machine in other use that
    would be most of what is measured.
    """
    generator = torch.Generator().manual_seed(1)
    try:
        source = "training names"
        names = [name for name, _ in datasets.load_names("train", datasets.data_directory())]
    except datasets.DataError:
        names, source = random_names(50 * BATCH_SIZE, generator), "random letters"
    by_length = group_by_length([len(name) for name in names], BATCH_SIZE, generator)
    grouped = [batch for batch in by_length if len(batch) == BATCH_SIZE][:BATCHES]
    drawn = torch.tensor(grouped).flatten()
    shuffled = drawn[torch.randperm(len(drawn), generator=generator)].view(BATCHES, BATCH_SIZE).tolist()
    batches = {"shuffled": shuffled, "grouped": grouped}
    ready = {how: [pad([names[index] for index in batch]) for batch in made] for how, made in batches.items()}
    model, count = checkpoint.model, BATCHES * BATCH_SIZE

    @torch.no_grad()
    def padded(how: str, count: int) -> None:
        for batch in ready[how][: count // BATCH_SIZE]:
            model.run_padded(batch.codes)

    @torch.no_grad()
    def packed(how: str, count: int) -> None:
        for batch in ready[how][: count // BATCH_SIZE]:
            model.run_packed(batch.codes, batch.lengths)

    with on_one_thread():
        measured = per_second(
            {f"{how}_{run.__name__}": (functools.partial(run, how), count) for how in ready for run in (padded, packed)}
        )
    letters = sum(len(names[index]) for index in drawn)
    padding = {
        f"{how}_padding_fraction": 1 - letters / sum(batch.codes.numel() for batch in made)
        for how, made in ready.items()
    }
    ratios = {f"{how}_ratio": measured[f"{how}_packed"] / measured[f"{how}_padded"] for how in ready}
    ratios["ratio"] = measured["grouped_packed"] / measured["shuffled_padded"]
    return {"names": source, "count": count, "batch_size": BATCH_SIZE} | padding | measured | ratios
