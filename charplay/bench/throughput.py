"""How fast the models are on this machine; ratios are measured within one run."""

import copy
import functools
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, ParamSpec, TypeVar

import torch
from torch import nn

from charplay import limits, system
from charplay.data import datasets
from charplay.data.batches import group_by_length, pad
from charplay.data.datasets import Speech
from charplay.data.vocabulary import ASCII
from charplay.inference.classify import classify, logits_of
from charplay.inference.engine import Engine
from charplay.inference.generation import make_request
from charplay.inference.long_text import forward_pass
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM, NameClassifier
from charplay.training.distributed import choose_device
from charplay.training.precision import choose_precision
from charplay.training.recipes import RECIPES
from charplay.training.tasks import SpeechTask
from charplay.training.trainer import Trainer, fit

P = ParamSpec("P")
T = TypeVar("T")

SECONDS_PER_FIGURE = 5.0  # of measuring
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

    def streams(number: int) -> Callable[[int], None]:
        def run(characters: int) -> None:
            updated = threading.Event()
            length, vocabulary = characters // number, checkpoint.vocabulary
            requests = [make_request("T", length=length, seed=seed, vocabulary=vocabulary) for seed in range(number)]
            running = [engine.submit(checkpoint, request, updated.set) for request in requests]
            while not all(stream.is_done for stream in running):
                updated.wait()
                updated.clear()

        return run

    measured = _per_second(
        {"lecture_loop": (lecture_loop, 500), "one_stream": (streams(1), 1_000), "streams_64": (streams(64), 19_200)}
    )
    return measured | {
        "one_stream_ratio": measured["one_stream"] / measured["lecture_loop"],
        "streams_64_ratio": measured["streams_64"] / measured["lecture_loop"],
        "cell": config.cell,
        "hidden_size": config.hidden_size,
        "layers": config.layers,
    }


def bench_classify(checkpoint: Checkpoint[NameClassifier]) -> dict[str, Any]:
    """Names a second in bulk, against one at a time as the lecture does it; the names are random letters of 2 to 14.

    The lecture: one call of PyTorch's layers in float32 a name. `one_name_ms` is the time of one name on the page.
    """
    generator = torch.Generator().manual_seed(1)
    some, many = _random_names(50, generator), _random_names(5000, generator)
    measured = _per_second(
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
    }


def bench_train(checkpoint: Checkpoint[CharLM]) -> dict[str, Any]:
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
        codes, state, loss = ASCII.encode(text[: length + 1]).to(device), None, torch.zeros((), device=device)
        for at in range(length):
            logits, state = looped(codes[at].view(1, 1), state)
            loss = loss + nn.functional.cross_entropy(logits.view(1, -1), codes[at + 1].view(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    loop = _per_second({"loop": (lecture_loop, 200)})["loop"]
    trained = copy.deepcopy(model).to(device).requires_grad_()
    recipe = replace(recipe, epochs=1, learning_rate=1e-5)
    task = SpeechTask([Speech("2000-01-01", "", text)], text[:100], recipe)
    precision = choose_precision(trained, task, device)
    training = fit(Trainer(trained, task, recipe, device=device, precision=precision))["per_second"]
    return {
        "lecture_loop": loop,
        "training": training,
        "ratio": training / loop,
        "precision": precision,
        "batch_size": recipe.batch_size,
        "steps": recipe.steps,
    }


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
        measured = _per_second(
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
        names, source = _random_names(50 * BATCH_SIZE, generator), "random letters"
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
        measured = _per_second(
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


@contextmanager
def on_one_thread() -> Iterator[None]:
    """Limits PyTorch to one thread; several would wait for each other where a core is in other use.

    Measure nothing else in the process afterwards: once the number of threads has been set, MKL uses all of them for
    small products too, which made the lecture's loop half as fast.
    """
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def on_own_thread(function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Calls `function` on a new thread, which ends with it.

    PyTorch keeps a thread pool for every thread that computes; a pool that outlives its work slows the next one.
    """
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(function, *args, **kwargs).result()


def _random_names(count: int, generator: torch.Generator) -> list[str]:
    lengths = torch.randint(2, 15, (count,), generator=generator).tolist()
    return [ASCII.decode(torch.randint(97, 123, (length,), generator=generator)) for length in lengths]


def _per_second(runs: dict[str, tuple[Callable[[int], Any], int]]) -> dict[str, float]:
    """Calls each run(count) in turn until each has had `SECONDS_PER_FIGURE`, and returns count / seconds of each.

    In turn, so that other load on the machine slows all of them alike.
    """

    calls, spent = dict.fromkeys(runs, 0), dict.fromkeys(runs, 0.0)
    for run, count in runs.values():
        on_own_thread(run, count)  # to warm up
    while min(spent.values()) < SECONDS_PER_FIGURE:
        for name, (run, count) in runs.items():
            if spent[name] < SECONDS_PER_FIGURE:
                start = time.perf_counter()
                on_own_thread(run, count)
                calls[name], spent[name] = calls[name] + 1, spent[name] + time.perf_counter() - start
    return {name: calls[name] * count / spent[name] for name, (_, count) in runs.items()}
