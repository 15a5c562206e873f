"""A load test: `bench load` starts the app in a process of its own and drives it as a classroom's browsers do.

Every student presses Generate, reads, and presses it again; a quarter of them type names meanwhile, letter by letter.
All requests go through the app's public queue, over plain connections to this machine: a client library would measure
itself.
"""

import asyncio
import json
import math
import random
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
GENERATION_CHARACTERS = 300  # of each generation
RAMP_UP_SECONDS = 2.0  # in which all students press Generate for the first time
READING_SECONDS = (2.0, 8.0)  # least and most between a text and the next request
KEYSTROKE_SECONDS = (0.15, 0.35)  # least and most between two letters
TYPING_SHARE = 0.25  # share of the students who also type names
START_TIMEOUT_SECONDS = 180.0  # a busy machine takes a minute
ANSWER_TIMEOUT_SECONDS = 60.0
NAMES = ("Costa", "Kowalczyk", "Nguyen", "O'Brien", "Papadopoulos", "Yamamoto")


@dataclass
class Measurements:
    """The latencies and errors of all students."""

    errors: list[str] = field(default_factory=list)
    first_texts: list[float] = field(default_factory=list)  # seconds from the request to the first text
    speeds: list[float] = field(default_factory=list)  # characters a second of a whole stream, from the request on
    answers: list[float] = field(default_factory=list)  # seconds from a letter to its probabilities


class RequestFailed(ConnectionError):
    """The app answered with another HTTP status than 200."""

    def __init__(self, what: str, status: int):
        super().__init__(f"{what} answered {status}")
        self.status = status


class Connection:
    """One persistent connection to the app, as a browser has (HTTP/1.1 keep-alive)."""

    def __init__(self, port: int):
        self._port = port
        self._reader: asyncio.StreamReader  # set with the writer
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, method: str, path: str, body: Any = None) -> AsyncIterator[bytes]:
        """Sends one request; yields the body of the answer chunk by chunk."""
        content = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        try:
            if self._writer is None:
                raise ConnectionError
            self._writer.write(head.encode() + content)
            _, _, status = (await self._line()).partition(b" ")
        except ConnectionError:  # none yet, or the app has closed it while idle: open a new one
            self.close()
            self._reader, self._writer = await asyncio.open_connection(HOST, self._port)
            self._writer.write(head.encode() + content)
            _, _, status = (await self._line()).partition(b" ")
        headers = {}
        while line := (await self._line()).strip():
            name, _, value = line.lower().partition(b":")
            headers[name] = value.strip()
        if not status.startswith(b"200"):
            if b"content-length" in headers:
                await self._reader.readexactly(int(headers[b"content-length"]))
            raise RequestFailed(f"{method} {path.split('?')[0]}", int(status.split()[0]))
        if b"content-length" in headers:
            yield await self._reader.readexactly(int(headers[b"content-length"]))
            return
        while size := int(await self._line(), 16):  # chunks
            yield await self._reader.readexactly(size)
            await self._line()
        await self._line()

    async def _line(self) -> bytes:
        if not (line := await self._reader.readline()):
            raise ConnectionError("The app closed the connection in the middle of an answer.")
        return line

    def close(self) -> None:
        """Closes the connection, even during an answer."""
        if self._writer is not None:
            self._writer.close()


class Page:
    """One open page: a session that sends its next request after the answer to the last."""

    def __init__(self, port: int, functions: dict[str, int]):
        self._functions, self._session = functions, uuid.uuid4().hex  # endpoint -> its function index
        self._requests, self._updates = Connection(port), Connection(port)

    async def messages(self, endpoint: str, data: list[Any]) -> AsyncIterator[tuple[dict[str, Any], float]]:
        """Joins the queue; yields (message, seconds since joining) until the event has completed or failed."""
        start, is_completed = time.monotonic(), False
        body = {"data": data, "fn_index": self._functions[endpoint], "session_hash": self._session}
        async for _ in self._requests.send("POST", "/gradio_api/queue/join", body):
            pass
        # A message is one chunk, and the connection can be used again once all of them are read.
        async for chunk in self._updates.send("GET", f"/gradio_api/queue/data?session_hash={self._session}"):
            message = json.loads(chunk.removeprefix(b"data:"))
            if message["msg"] in ("process_starts", "process_generating", "process_completed"):
                is_completed = message["msg"] == "process_completed"
                yield message, time.monotonic() - start
        if not is_completed:
            raise ConnectionError(f"{endpoint}: the stream ended before the event did")

    async def call(self, endpoint: str, data: list[Any]) -> AsyncIterator[tuple[dict[str, Any], float]]:
        """As `messages`, but an event that fails raises its error."""
        async for message, seconds in self.messages(endpoint, data):
            yield message, seconds
            if message["msg"] == "process_completed" and not message["success"]:
                raise ConnectionError(f"{endpoint}: {message['output'].get('error')}")

    def close(self) -> None:
        """Closes the page, even while it waits for an answer."""
        self._requests.close()
        self._updates.close()


async def _generate(page: Page, measured: Measurements) -> None:
    first: float | None = None
    last: float | None = None
    async for message, seconds in page.call(
        "generate", ["My fellow Americans, ", 0.8, GENERATION_CHARACTERS, None, 0, None]
    ):
        if first is None and message["msg"] == "process_generating":
            first = seconds
        if message["msg"] == "process_completed":
            last = seconds
    assert last is not None  # every call that does not raise is completed
    measured.first_texts.append(first if first is not None else last)
    measured.speeds.append(GENERATION_CHARACTERS / last)


async def _classify(page: Page, name: str) -> float:
    async for message, seconds in page.call("classify", [name, "data"]):
        if message["msg"] == "process_completed":
            last = seconds
    return last


async def _type(page: Page, measured: Measurements, end: float, generator: random.Random) -> None:
    while time.monotonic() < end:
        name = generator.choice(NAMES)
        for length in range(1, len(name) + 1):
            await asyncio.sleep(generator.uniform(*KEYSTROKE_SECONDS))
            measured.answers.append(await asyncio.wait_for(_classify(page, name[:length]), ANSWER_TIMEOUT_SECONDS))


async def _press(page: Page, measured: Measurements, end: float, generator: random.Random) -> None:
    await asyncio.sleep(generator.uniform(0, RAMP_UP_SECONDS))
    while time.monotonic() < end:
        await asyncio.wait_for(_generate(page, measured), ANSWER_TIMEOUT_SECONDS)
        await asyncio.sleep(generator.uniform(*READING_SECONDS))


async def _classroom(port: int, process: subprocess.Popen, students: int, seconds: float) -> dict[str, Any]:
    functions = await _started(port, process)
    measured, end = Measurements(), time.monotonic() + seconds
    activities = []
    for student in range(students):
        generator = random.Random(student)
        activities.append(_press(Page(port, functions), measured, end, generator))
        if student < students * TYPING_SHARE:
            activities.append(_type(Page(port, functions), measured, end, generator))

    async def collect_errors(coroutine) -> None:
        try:
            await coroutine
        except (OSError, ValueError) as error:  # this student sends no more requests
            measured.errors.append(str(error) or type(error).__name__)

    running = asyncio.gather(*(collect_errors(coroutine) for coroutine in activities))
    await asyncio.sleep(min(60.0, seconds / 2))
    rss_start = _resident_mb(process.pid)
    await running
    return {
        "students": students,
        "errors": len(measured.errors),
        "first_error": next(iter(measured.errors), None),
        "first_text_p95_s": _p95(measured.first_texts),
        "slowest_stream_cps": min(measured.speeds, default=None),
        "typing_p95_s": _p95(measured.answers),
        "rss_start_mb": rss_start,
        "rss_end_mb": _resident_mb(process.pid),
        "streams": len(measured.speeds),
    }


def _p95(seconds: list[float]) -> float | None:
    """The 95th percentile by nearest rank."""
    return sorted(seconds)[math.ceil(0.95 * len(seconds)) - 1] if seconds else None


def _resident_mb(pid: int) -> float | None:
    """Resident memory of a process and its children, in MiB; None without /proc, or if they have ended."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    resident = next((int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if "VmRSS:" in line), 0.0)
    children = [child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]
    return resident + sum(_resident_mb(int(child)) or 0.0 for child in children)


async def endpoints(port: int) -> dict[str, int]:
    """The named endpoints of the app on this machine's `port`, each with its function index."""
    connection = Connection(port)
    try:
        config = json.loads(b"".join([piece async for piece in connection.send("GET", "/config")]))
    finally:
        connection.close()
    return {entry["api_name"]: entry["id"] for entry in config["dependencies"] if entry["api_name"]}


async def _started(port: int, process: subprocess.Popen) -> dict[str, int]:
    """Waits until the app answers; returns its endpoints."""
    end = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            return await endpoints(port)
        except OSError:
            await asyncio.sleep(0.2)
    raise ValueError("The app did not start: run `python -m charplay app` to see why.")


def bench_load(students: int, seconds: float) -> dict[str, Any]:
    """Starts the app on a free port, measures it under the load of `students` for `seconds`, and stops it."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    with subprocess.Popen(
        [sys.executable, "-m", "charplay", "app", "--no-browser", "--host", HOST, "--port", str(port)],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            return asyncio.run(_classroom(port, process, students, seconds))
        finally:
            process.terminate()
