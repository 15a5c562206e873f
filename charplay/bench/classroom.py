"""A load test: `bench load` starts the app in a process of its own and drives it as a classroom's browsers do.

Every student presses Generate, reads, and presses it again; a quarter of them type names meanwhile, letter by letter.
They send the events of the tabs themselves, as their browsers would (`bench.page_client`), over plain connections to
this machine: a client library would measure itself.
"""

import asyncio
import math
import random
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from charplay import system
from charplay.bench.page_client import HOST, Page, PageConfig, read_config

GENERATION_CHARACTERS = 300  # of each generation
RAMP_UP_SECONDS = 2.0  # in which all students press Generate for the first time
READING_SECONDS = (2.0, 8.0)  # least and most between a text and the next request
KEYSTROKE_SECONDS = (0.15, 0.35)  # least and most between two letters
TYPING_SHARE = 0.25  # share of the students who also type names
START_TIMEOUT_SECONDS = 180.0  # a busy machine takes a minute
ANSWER_TIMEOUT_SECONDS = 60.0
NOT_STARTED = "The app did not start: run `python -m charplay app` to see why."
ACCORDIONS = ("prefixes-accordion", "attribution-accordion", "activations-accordion")  # that people who type may open
NAMES = ("Costa", "Kowalczyk", "Nguyen", "O'Brien", "Papadopoulos", "Yamamoto")


@dataclass
class Measurements:
    """The latencies and errors of all students."""

    errors: list[str] = field(default_factory=list)
    first_texts: list[float] = field(default_factory=list)  # seconds from the request to the first text
    speeds: list[float] = field(default_factory=list)  # characters a second of a whole stream, from the request on
    answers: list[float] = field(default_factory=list)  # seconds from a letter to everything that shows it
    answer_bytes: list[int] = field(default_factory=list)  # of the messages that a letter brings


async def _generate(page: Page, measured: Measurements) -> None:
    """Presses Generate, and waits for the whole text and the events that follow it."""
    events, generated = page.triggered("generate", "click"), page.config.components["generated-text"]
    [generate] = (event for event in events if generated in event["outputs"])  # the only one that streams
    text = generate["outputs"].index(generated)
    first: float | None = None
    last: float | None = None
    async for message, seconds in page.run(events):
        if message["msg"] == "process_generating" and first is None and _is_text(message["output"]["data"][text]):
            first = seconds
        if message["msg"] == "process_completed":
            last = seconds
    assert last is not None  # every event that does not raise is completed
    measured.first_texts.append(first if first is not None else last)
    measured.speeds.append(GENERATION_CHARACTERS / last)
    if following := page.config.after(generate):
        async for _ in page.run(following):
            pass


def _is_text(value: Any) -> bool:
    """Whether an output holds a text, or changes to one: after the first message there are differences alone."""
    return bool(value) and isinstance(value, str | list)


async def _press_key(page: Page, name: str, measured: Measurements) -> None:
    """Types a letter, and waits for everything that shows the new name."""
    page.set("name", name)
    received = page.received_bytes
    async for message, seconds in page.run(page.triggered("name", "change")):
        if message["msg"] == "process_completed":
            last = seconds
    measured.answers.append(last)
    measured.answer_bytes.append(page.received_bytes - received)


async def _type(page: Page, measured: Measurements, end: float, generator: random.Random, is_open: bool) -> None:
    for accordion in ACCORDIONS if is_open else ():
        if accordion in page.config.components and (opening := page.triggered(accordion, "expand")):
            async for _ in page.run(opening):
                pass
    while not measured.answers or time.monotonic() < end:
        name = generator.choice(NAMES)
        for length in range(1, len(name) + 1):
            await asyncio.sleep(generator.uniform(*KEYSTROKE_SECONDS))
            await asyncio.wait_for(_press_key(page, name[:length], measured), ANSWER_TIMEOUT_SECONDS)


async def _press(page: Page, measured: Measurements, end: float, generator: random.Random) -> None:
    page.set("length", GENERATION_CHARACTERS)
    await asyncio.sleep(generator.uniform(0, RAMP_UP_SECONDS))
    while not measured.speeds or time.monotonic() < end:
        await asyncio.wait_for(_generate(page, measured), ANSWER_TIMEOUT_SECONDS)
        reading = generator.uniform(*READING_SECONDS)
        await asyncio.sleep(min(reading, max(0.0, end - time.monotonic())))  # nothing is requested after the end


async def classroom(
    port: int, process: subprocess.Popen, students: int, seconds: float, is_open: bool
) -> dict[str, Any]:
    """The load of a class on the app on this machine's `port`; what it measured, as `bench_load` returns it."""
    config = await started(port, process)
    measured, end = Measurements(), time.monotonic() + seconds
    activities, pages = [], []
    for student in range(students):
        generator = random.Random(student)
        pages.append(Page(port, config))
        activities.append(_press(pages[-1], measured, end, generator))
        if student < students * TYPING_SHARE:
            pages.append(Page(port, config))
            activities.append(_type(pages[-1], measured, end, generator, is_open))

    async def collect_errors(coroutine) -> None:
        try:
            await coroutine
        except (OSError, ValueError) as error:  # this student sends no more requests
            measured.errors.append(str(error) or type(error).__name__)

    running = asyncio.gather(*(collect_errors(coroutine) for coroutine in activities))
    await asyncio.sleep(min(60.0, seconds / 2))
    rss_start = system.resident_mib(process.pid)
    await running
    rss_end = system.resident_mib(process.pid)
    for page in pages:
        page.close()
    return {
        "students": students,
        "errors": len(measured.errors),
        "first_error": next(iter(measured.errors), None),
        "first_text_p95_s": percentile(measured.first_texts, 0.95),
        "slowest_stream_cps": min(measured.speeds, default=None),
        "typing_p95_s": percentile(measured.answers, 0.95),
        "typing_median_s": percentile(measured.answers, 0.5),
        "typing_bytes": percentile(measured.answer_bytes, 0.5),
        "accordions": is_open,
        "rss_start_mb": rss_start,
        "rss_end_mb": rss_end,
        "streams": len(measured.speeds),
    }


def percentile(values: Sequence[float], share: float) -> float | None:
    """The value that `share` of all are not above, by nearest rank."""
    return sorted(values)[math.ceil(share * len(values)) - 1] if values else None


async def started(port: int, process: subprocess.Popen) -> PageConfig:
    """Waits until the page and the worker processes that start with it answer; the configuration of the page.

    The page answers while the teacher-forcing worker still imports PyTorch: some 150 MiB and seconds of a core that
    would count as what a load costs.
    """
    config = await _first_answer(port, process)
    page, verdict = Page(port, config), config.components["verdict"]
    shows_example = [each for each in config.events if verdict in each["outputs"] and each["targets"][0][1] == "select"]
    try:
        async with asyncio.timeout(START_TIMEOUT_SECONDS):
            async for _ in page.run(shows_example):
                pass
    except TimeoutError:
        raise ValueError(NOT_STARTED) from None
    finally:
        page.close()
    return config


async def _first_answer(port: int, process: subprocess.Popen) -> PageConfig:
    """Waits until the app answers; returns the configuration of its page."""
    end = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            return await read_config(port)
        except OSError:
            await asyncio.sleep(0.2)
    raise ValueError(NOT_STARTED)


@contextmanager
def launched_app() -> Iterator[tuple[int, subprocess.Popen, PageConfig]]:
    """An app in processes of its own: its port, its process, and its page's configuration, once all have started.

    Raises:
        ValueError: it did not start.
    """
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    arguments = ["app", "--no-browser", "--host", HOST, "--port", str(port)]
    with subprocess.Popen([sys.executable, "-m", "charplay", *arguments], stdout=subprocess.DEVNULL) as process:
        try:
            yield port, process, asyncio.run(started(port, process))
        finally:
            process.terminate()


def bench_load(students: int, seconds: float, is_open: bool = False) -> dict[str, Any]:
    """Starts the app on a free port, measures it under the load of `students` for `seconds`, and stops it.

    With `is_open` those who type have the accordions open that follow the name.
    """
    with launched_app() as (port, process, _):
        return asyncio.run(classroom(port, process, students, seconds, is_open))
