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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOST = "127.0.0.1"
LENGTH = 300  # characters of each generation
ALL_PRESS_WITHIN = 2.0  # seconds
PAUSES = (2.0, 8.0)  # seconds between reading one text and asking for the next
KEYSTROKES = (0.15, 0.35)  # seconds between two letters
TYPISTS = 0.25  # share of the students who also type names
STARTS_WITHIN = 60.0  # seconds
ANSWERS_WITHIN = 60.0
NAMES = ("Costa", "Kowalczyk", "Nguyen", "O'Brien", "Papadopoulos", "Yamamoto")


@dataclass
class Measured:
    """What the students saw."""

    errors: list[str] = field(default_factory=list)
    first_texts: list[float] = field(default_factory=list)  # seconds from pressing to the first text
    speeds: list[float] = field(default_factory=list)  # characters a second of a whole stream, from pressing on
    answers: list[float] = field(default_factory=list)  # seconds from a letter to its probabilities


@dataclass(frozen=True)
class Server:
    """The app under load."""

    port: int
    functions: dict[str, int]  # endpoint -> its number in the queue

    async def _send(self, method: str, path: str, body: Any = None) -> tuple[asyncio.StreamReader, Any]:
        """One request; HTTP/1.0, so that the answer is lines until the connection closes."""
        reader, writer = await asyncio.open_connection(HOST, self.port, limit=2**20)
        content = json.dumps(body).encode() if body is not None else b""
        head = f"{method} {path} HTTP/1.0\r\nHost: {HOST}:{self.port}\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
        writer.write(head.encode() + content)
        await writer.drain()
        _, _, status = (await reader.readline()).partition(b" ")
        while (await reader.readline()).strip():  # headers
            pass
        if not status.startswith(b"200"):
            writer.close()
            raise ConnectionError(f"{method} {path.split('?')[0]} answered {status.decode().strip() or 'nothing'}")
        return reader, writer

    async def call(self, endpoint: str, data: list[Any]):
        """Joins the queue and yields (message, seconds since joining) until the event has completed."""
        session, start = uuid.uuid4().hex, time.monotonic()
        body = {"data": data, "fn_index": self.functions[endpoint], "session_hash": session}
        reader, writer = await self._send("POST", "/gradio_api/queue/join", body)
        await reader.read()
        writer.close()
        reader, writer = await self._send("GET", f"/gradio_api/queue/data?session_hash={session}")
        try:
            while line := await reader.readline():
                if line.startswith(b"data:"):
                    message = json.loads(line[5:])
                    yield message, time.monotonic() - start
                    if message["msg"] == "process_completed":
                        if not message["success"]:
                            raise ConnectionError(f"{endpoint}: {message['output'].get('error')}")
                        return
            raise ConnectionError(f"{endpoint}: the stream ended before the event did")
        finally:
            writer.close()


async def _generate(server: Server, measured: Measured) -> None:
    first = None
    async for message, seconds in server.call("generate", ["My fellow Americans, ", 0.8, LENGTH, None, 0, None]):
        if first is None and message["msg"] == "process_generating":
            first = seconds
        last = seconds
    measured.first_texts.append(first if first is not None else last)
    measured.speeds.append(LENGTH / last)


async def _classify(server: Server, name: str) -> float:
    async for _, seconds in server.call("classify", [name, "data"]):
        last = seconds
    return last


async def _type(server: Server, measured: Measured, end: float, chance: random.Random) -> None:
    while time.monotonic() < end:
        name = chance.choice(NAMES)
        for length in range(1, len(name) + 1):
            await asyncio.sleep(chance.uniform(*KEYSTROKES))
            measured.answers.append(await asyncio.wait_for(_classify(server, name[:length]), ANSWERS_WITHIN))


async def _press(server: Server, measured: Measured, end: float, chance: random.Random) -> None:
    await asyncio.sleep(chance.uniform(0, ALL_PRESS_WITHIN))
    while time.monotonic() < end:
        await asyncio.wait_for(_generate(server, measured), ANSWERS_WITHIN)
        await asyncio.sleep(chance.uniform(*PAUSES))


async def _classroom(server: Server, process: subprocess.Popen, students: int, seconds: float) -> dict[str, Any]:
    measured, end = Measured(), time.monotonic() + seconds
    doings = []
    for student in range(students):
        chance = random.Random(student)
        doings.append(_press(server, measured, end, chance))
        if student < students * TYPISTS:
            doings.append(_type(server, measured, end, chance))

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
    """Resident memory of a process in MiB; None where the system has no /proc, or the process has ended."""
    status = Path(f"/proc/{pid}/status")
    lines = status.read_text().splitlines() if status.exists() else []
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("VmRSS:")), None)


async def _started(port: int, process: subprocess.Popen) -> Server:
    """Waits until the app answers, and reads which number each endpoint has."""
    end = time.monotonic() + STARTS_WITHIN
    while time.monotonic() < end and process.poll() is None:
        try:
            reader, writer = await Server(port, {})._send("GET", "/config")
        except OSError:
            await asyncio.sleep(0.2)
            continue
        config = json.loads(await reader.read())
        writer.close()
        named = {entry["api_name"]: entry["id"] for entry in config["dependencies"] if entry["api_name"]}
        return Server(port, {name: named[name] for name in ("generate", "classify")})
    raise ValueError("The app did not start: run `python app.py` to see why.")


def bench_load(students: int, seconds: float) -> dict[str, Any]:
    """Starts the app on a free port, lets `students` loose on it for `seconds`, and stops it again."""
    with socket.socket() as free:
        free.bind((HOST, 0))
        port = free.getsockname()[1]
    app = Path(__file__).resolve().parent.parent / "app.py"
    with subprocess.Popen(
        [sys.executable, str(app), "--no-browser", "--host", HOST, "--port", str(port)],
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            return asyncio.run(_load(port, process, students, seconds))
        finally:
            process.terminate()


async def _load(port: int, process: subprocess.Popen, students: int, seconds: float) -> dict[str, Any]:
    return await _classroom(await _started(port, process), process, students, seconds)
