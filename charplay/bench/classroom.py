"""A classroom against the app: `bench load` starts the app in a process of its own and drives it as browsers do.

Every student presses Generate, reads, and presses it again; a quarter of them type names meanwhile, letter by letter.
All of it goes through the app's public queue, over plain connections to this machine: a client library would measure
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
GENERATION_CHARACTERS = 300  # characters of each generation
RAMP_UP_SECONDS = 2.0  # seconds
READING_SECONDS = (2.0, 8.0)  # seconds between reading one text and asking for the next
KEYSTROKE_SECONDS = (0.15, 0.35)  # seconds between two letters
TYPING_SHARE = 0.25  # share of the students who also type names
START_TIMEOUT_SECONDS = 180.0  # seconds; a busy machine takes a minute over it
ANSWER_TIMEOUT_SECONDS = 60.0
NAMES = ("Costa", "Kowalczyk", "Nguyen", "O'Brien", "Papadopoulos", "Yamamoto")


@dataclass
class Measurements:
    """What the students saw."""

    errors: list[str] = field(default_factory=list)
    first_texts: list[float] = field(default_factory=list)  # seconds from pressing to the first text
    speeds: list[float] = field(default_factory=list)  # characters a second of a whole stream, from pressing on
    answers: list[float] = field(default_factory=list)  # seconds from a letter to its probabilities


class RequestFailed(ConnectionError):
    """The app answered with a status that is no success."""

    def __init__(self, what: str, status: int):
        super().__init__(f"{what} answered {status}")
        self.status = status


class Connection:
    """One connection to the app, kept open from request to request, as a browser keeps it (HTTP/1.1)."""

    def __init__(self, port: int):
        self._port = port
        self._reader: asyncio.StreamReader  # set with the writer
        self._writer: asyncio.StreamWriter | None = None

    async def send(self, method: str, path: str, body: Any = None) -> AsyncIterator[bytes]:
        """One request; yields what comes back, piece by piece, to its end."""
        content = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.1\r\nHost: {HOST}:{self._port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        try:
            if self._writer is None:
                raise ConnectionError
            self._writer.write(head.encode() + content)
            _, _, status = (await self._line()).partition(b" ")
        except ConnectionError:  # none yet, or the app has closed it while it rested, as apps do: a new one
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
        """Ends it, whatever is under way."""
        if self._writer is not None:
            self._writer.close()


class Page:
    """One open page: it has a session, and waits for its last answer before it asks again."""

    def __init__(self, port: int, functions: dict[str, int]):
        self._functions, self._session = functions, uuid.uuid4().hex  # endpoint -> its number in the queue
        self._asking, self._listening = Connection(port), Connection(port)

    async def messages(self, endpoint: str, data: list[Any]) -> AsyncIterator[tuple[dict[str, Any], float]]:
        """Joins the queue and yields (message, seconds since joining) until the event has completed, come what may."""
        start, is_completed = time.monotonic(), False
        body = {"data": data, "fn_index": self._functions[endpoint], "session_hash": self._session}
        async for _ in self._asking.send("POST", "/gradio_api/queue/join", body):
            pass
        # A message is one chunk, and the connection can be used again once all of them are read.
        async for chunk in self._listening.send("GET", f"/gradio_api/queue/data?session_hash={self._session}"):
            message = json.loads(chunk.removeprefix(b"data:"))
            if message["msg"] in ("process_starts", "process_generating", "process_completed"):
                is_completed = message["msg"] == "process_completed"
                yield message, time.monotonic() - start
        if not is_completed:
            raise ConnectionError(f"{endpoint}: the stream ended before the event did")

    async def call(self, endpoint: str, data: list[Any]) -> AsyncIterator[tuple[dict[str, Any], float]]:
        """As `messages`; an event that fails raises what the page would say."""
        async for message, seconds in self.messages(endpoint, data):
            yield message, seconds
            if message["msg"] == "process_completed" and not message["success"]:
                raise ConnectionError(f"{endpoint}: {message['output'].get('error')}")

    def close(self) -> None:
        """Closes the page in the middle of whatever it waits for."""
        self._asking.close()
        self._listening.close()


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


async def _type(page: Page, measured: Measurements, end: float, chance: random.Random) -> None:
    while time.monotonic() < end:
        name = chance.choice(NAMES)
        for length in range(1, len(name) + 1):
            await asyncio.sleep(chance.uniform(*KEYSTROKE_SECONDS))
            measured.answers.append(await asyncio.wait_for(_classify(page, name[:length]), ANSWER_TIMEOUT_SECONDS))


async def _press(page: Page, measured: Measurements, end: float, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, RAMP_UP_SECONDS))
    while time.monotonic() < end:
        await asyncio.wait_for(_generate(page, measured), ANSWER_TIMEOUT_SECONDS)
        await asyncio.sleep(chance.uniform(*READING_SECONDS))


async def _classroom(port: int, process: subprocess.Popen, students: int, seconds: float) -> dict[str, Any]:
    functions = await _started(port, process)
    measured, end = Measurements(), time.monotonic() + seconds
    doings = []
    for student in range(students):
        chance = random.Random(student)
        doings.append(_press(Page(port, functions), measured, end, chance))
        if student < students * TYPING_SHARE:
            doings.append(_type(Page(port, functions), measured, end, chance))

    async def watch_over(doing) -> None:
        try:
            await doing
        except (OSError, ValueError) as error:  # a student who is let down does not press again
            measured.errors.append(str(error) or type(error).__name__)

    running = asyncio.gather(*(watch_over(doing) for doing in doings))
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
    """Resident memory of a process and those it started, in MiB; None where there is no /proc, or they have ended."""
    status = Path(f"/proc/{pid}/status")
    if not status.exists():
        return None
    own = next((int(line.split()[1]) / 1024 for line in status.read_text().splitlines() if "VmRSS:" in line), 0.0)
    children = [child for file in Path(f"/proc/{pid}/task").glob("*/children") for child in file.read_text().split()]
    return own + sum(_resident_mb(int(child)) or 0.0 for child in children)


async def endpoints(port: int) -> dict[str, int]:
    """The named endpoints of the app on this machine's `port`, and the number that each has in its queue."""
    connection = Connection(port)
    try:
        config = json.loads(b"".join([piece async for piece in connection.send("GET", "/config")]))
    finally:
        connection.close()
    return {entry["api_name"]: entry["id"] for entry in config["dependencies"] if entry["api_name"]}


async def _started(port: int, process: subprocess.Popen) -> dict[str, int]:
    """Waits until the app answers; returns which number each endpoint has."""
    end = time.monotonic() + START_TIMEOUT_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            return await endpoints(port)
        except OSError:
            await asyncio.sleep(0.2)
    raise ValueError("The app did not start: run `python -m charplay app` to see why.")


def bench_load(students: int, seconds: float) -> dict[str, Any]:
    """Starts the app on a free port, lets `students` loose on it for `seconds`, and stops it again."""
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
