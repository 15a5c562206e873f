"""What the tests share: the data where it is at hand, small models, and a launched app."""

import asyncio
import os
import shutil
import threading
from pathlib import Path

# Before torch is imported. The tests' networks are small: threads would wait for each other longer than they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import hypothesis
import pytest
import torch

from charplay.bench.throughput import on_one_thread
from charplay.data import datasets
from charplay.inference.quantized import fastest_product
from charplay.models.checkpoints import Checkpoint
from charplay.models.networks import CharLM, CharLMConfig, NameClassifier, NameClassifierConfig

# `--hypothesis-profile=thorough` chooses the last. A busy machine is no failure: the tests have deadlines of their own.
_CALM = {"deadline": None, "suppress_health_check": list(hypothesis.HealthCheck)}
hypothesis.settings.register_profile("quick", max_examples=100, **_CALM)
hypothesis.settings.register_profile("ci", max_examples=1_000, **_CALM)
hypothesis.settings.register_profile("thorough", max_examples=10_000, **_CALM)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") == "true" else "quick")


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
def browser():
    """A real Chromium or Chrome, one for all tests."""
    from playwright.sync_api import sync_playwright

    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        missing(f"no browser found: none of {', '.join(BROWSERS)} is on the PATH")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=path, args=["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
        )
        yield chromium
        chromium.close()


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


def make_checkpoint(task: str, model=None) -> Checkpoint:
    """A checkpoint with an untrained model in it."""
    return Checkpoint(
        task=task,
        model=model or (make_classifier() if task == "names" else make_language_model()),
        alphabet="abcdefghijklmnopqrstuvwxyz .\n" if task == "speech" else "abcdefghijklmnopqrstuvwxyz",
        classes=datasets.COUNTRIES if task == "names" else (),
        shares=tuple(number / 171 for number in range(1, 19)) if task == "names" else (),
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


@pytest.fixture(scope="session")
def app_url():
    """A launched app with the shipped models, on a free port of this machine."""
    from charplay.ui import page

    demo = page.build()
    try:
        _, url, _ = demo.launch(
            prevent_thread_lock=True, server_name="127.0.0.1", quiet=True, **page.launch_arguments()
        )
        yield url
    finally:
        demo.close()
