"""What the tests share: the data where it is at hand, small models, and a launched app."""

import asyncio
import os
import shutil
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

# Before torch is imported. The tests' networks are small: threads would wait for each other longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
import torch

from charplay.bench.timing import on_one_thread
from charplay.data import datasets
from charplay.inference.products import fastest_product
from charplay.models.checkpoints import SHIPPED_DIRECTORY, Checkpoint
from charplay.models.networks import (
    CharLM,
    CharLMConfig,
    ConditionalCharLM,
    ConditionalCharLMConfig,
    NameClassifier,
    NameClassifierConfig,
)

# `--hypothesis-profile=thorough` chooses the last. A busy machine is no failure: the tests have deadlines of their own.
_CALM = {"deadline": None, "suppress_health_check": list(hypothesis.HealthCheck)}
hypothesis.settings.register_profile("quick", max_examples=100, **_CALM)
hypothesis.settings.register_profile("ci", max_examples=200, **_CALM)
hypothesis.settings.register_profile("thorough", max_examples=10_000, **_CALM)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "quick")


TESTS = Path(__file__).resolve().parent
MAX_PROCESSES = 2  # that tests run in: each launches an app and a browser of its own, of some 2 GiB


def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """`-n auto`: 0 for less than a tier, which runs in this process, where a debugger and printed lines are."""
    folders = (Path(each.partition("::")[0]).resolve() for each in config.args)
    is_large = any(TESTS in (folder, folder.parent) and folder.is_dir() for folder in folders)
    return min(MAX_PROCESSES, os.cpu_count() or 1) if is_large else 0


@pytest.fixture(scope="session", autouse=True)
def chosen_product():
    """The product that the page's process chooses, which has one thread: on several a busy machine may mislead."""
    with on_one_thread():
        fastest_product()


@pytest.fixture(scope="session")
def run_async():
    """Runs a coroutine to its end on an event loop with a thread of its own: pytest's may have one already."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    yield lambda coroutine, seconds=60: asyncio.run_coroutine_threadsafe(coroutine, loop).result(seconds)
    loop.call_soon_threadsafe(loop.stop)
    thread.join()


BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


@pytest.fixture(scope="session")
def launch_browser():
    """Launches a real Chromium or Chrome, with options beside those that all take."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing(f"no browser found: none of {', '.join(BROWSERS)} is on the PATH")
    # One process for all pages of an app: the next page finds its scripts compiled.
    common = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--process-per-site"]
    launched = []
    with sync_playwright() as playwright:

        def launch(*options: str):
            launched.append(playwright.chromium.launch(executable_path=path, args=[*common, *options]))
            return launched[-1]

        yield launch
        for each in launched:
            each.close()


@pytest.fixture(scope="session")
def browser(launch_browser):
    """One for all tests."""
    return launch_browser()


@pytest.fixture
def comma_unit() -> list[float]:
    """Layer, unit and value with which the shipped language model writes more commas, as `charplay steering` found."""
    from charplay.interpret.steering_search import load_units

    units = load_units(SHIPPED_DIRECTORY / "speech.safetensors")
    return next([each["layer"], each["unit"], each["value"]] for each in units if each["more_of"] == "commas")


def missing(reason: str):
    """Skips with a reason; under CI, where everything must be at hand, fails."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def data() -> Path:
    """The directory of the data."""
    directory = datasets.data_directory()
    absent = [file.name for file in datasets.FILES if not (directory / file.name).exists()]
    if absent:
        missing(f"{', '.join(absent)} not in {directory}: run `python -m charplay data fetch` or set CHARPLAY_DATA")
    return directory


@pytest.fixture(scope="session")
def speeches(data) -> dict[str, list[datasets.Speech]]:
    return datasets.split_speeches(datasets.load_speeches(data))


def make_classifier(cell: str = "gru", bidirectional: bool = True, pooling: bool = True, seed: int = 0):
    torch.manual_seed(seed)
    return NameClassifier(NameClassifierConfig(cell, 8, 12, 2, bidirectional=bidirectional, pooling=pooling)).eval()


def make_language_model(cell: str = "gru", seed: int = 0):
    torch.manual_seed(seed)
    return CharLM(CharLMConfig(cell, 8, 12, 2)).eval()


def make_conditional_model(cell: str = "gru", seed: int = 0):
    torch.manual_seed(seed)
    return ConditionalCharLM(ConditionalCharLMConfig(cell, 8, 12, 2)).eval()


MAKERS = {"names": make_classifier, "speech": make_language_model, "invent": make_conditional_model}


def make_checkpoint(task: str, model=None) -> Checkpoint:
    """A checkpoint with an untrained model in it."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return Checkpoint(
        task=task,
        model=model or MAKERS[task](),
        alphabet={"names": letters, "speech": f"{letters} .\n", "invent": f"\n '{letters}"}[task],
        classes=datasets.COUNTRIES if task != "speech" else (),
        shares=tuple(number / 171 for number in range(1, 19)) if task != "speech" else (),
        data="none",
        recipe={"seed": 0},
        date="2026-01-01",
        results={},
    )


@pytest.fixture
def classifier() -> Checkpoint:
    return make_checkpoint("names")


@pytest.fixture
def language_model() -> Checkpoint:
    return make_checkpoint("speech")


@contextmanager
def launched(*directories: Path, host: str = "127.0.0.1", **options: bool) -> Iterator[tuple[Any, str]]:
    """An app with the checkpoints of these directories (none: the shipped ones) on a free port: its page, its URL."""
    from charplay.ui import api, mcp, page  # with Gradio, which most tests do not need

    demo = page.build(*directories)
    try:
        arguments = page.launch_arguments(host=host, **options)
        _, url, _ = demo.launch(prevent_thread_lock=True, server_name=host, quiet=True, **arguments)
        if options.get("with_tools"):
            mcp.drop_tools(demo, api.SECOND_NAMES)
        yield demo, url
    finally:
        demo.close()


@pytest.fixture(scope="session")
def app_url():
    """A launched app with the shipped models, one for all tests of this process."""
    with launched() as (_, url):
        yield url
