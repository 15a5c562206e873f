"""A browser's page without a browser: its events are sent in the wire format of Gradio's own client.

Which events there are, what they read and what follows them stands in the page's `/config`, as for a browser. Nothing
here knows what a tab computes: a student of `bench.classroom` sets components and triggers events.
"""

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from typing import Any

HOST = "127.0.0.1"

Event = dict[str, Any]  # a dependency, as `/config` states it


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


class PageConfig:
    """The components and events of a page."""

    def __init__(self, config: dict[str, Any]):
        """`config` is what `/config` answers."""
        self.events: list[Event] = config["dependencies"]
        self.endpoints = {event["api_name"]: event for event in self.events if event["api_name"]}
        components = {each["id"]: each for each in config["components"]}
        self.values = {each: component["props"].get("value") for each, component in components.items()}
        self.types = {each: component["type"] for each, component in components.items()}
        element_ids = ((component["props"].get("elem_id"), each) for each, component in components.items())
        self.components = {element_id: each for element_id, each in element_ids if element_id}  # elem_id -> id

    def triggered_by(self, component: int, trigger: str) -> list[Event]:
        """The events of a component's trigger, such as "change"."""
        return [event for event in self.events if [component, trigger] in event["targets"]]

    def after(self, event: Event) -> list[Event]:
        """The events that follow one that has succeeded, of those that the server answers."""
        return [each for each in self.events if each["trigger_after"] == event["id"] and each["backend_fn"]]


async def read_config(port: int) -> PageConfig:
    """The configuration of the app on this machine's `port`."""
    connection = Connection(port)
    try:
        return PageConfig(json.loads(b"".join([chunk async for chunk in connection.send("GET", "/config")])))
    finally:
        connection.close()


class Page:
    """One open page: a session that sends its next events after the answers to the last."""

    def __init__(self, port: int, config: PageConfig):
        self.config, self.values = config, dict(config.values)  # id of a component -> what it holds
        self.received_bytes = 0
        self.session = uuid.uuid4().hex  # by which the app knows the page
        self._requests, self._updates = Connection(port), Connection(port)

    def set(self, element_id: str, value: Any) -> None:
        """Sets a component, as by a visitor's input; `triggered` says what that starts."""
        self.values[self.config.components[element_id]] = value

    def triggered(self, element_id: str, trigger: str) -> list[Event]:
        """The events that the server has to answer after a component's trigger."""
        return self._follow(self.config.components[element_id], trigger)

    def _follow(self, component: int, trigger: str) -> list[Event]:
        """As `triggered`; an event of JavaScript alone checks a box or counts, unless a box that it reads is empty."""
        found = []
        for event in self.config.triggered_by(component, trigger):
            if event["backend_fn"]:
                found.append(event)
                continue
            if any(self.config.types[each] == "checkbox" and not self.values[each] for each in event["inputs"]):
                continue
            for output in event["outputs"]:
                if self.config.types[output] == "checkbox":
                    self.values[output] = trigger == "expand"
                elif self.config.types[output] == "number":
                    self.values[output] += 1
                    found += self._follow(output, "change")
        return found

    async def run(self, events: Sequence[Event]) -> AsyncIterator[tuple[dict[str, Any], float]]:
        """Joins the queue with the components' values; yields (message, seconds since) until all have completed.

        Raises:
            ConnectionError: an event failed, or the stream ended before the events did.
        """
        data = [[self.values[each] for each in event["inputs"]] for event in events]
        async for message, seconds in self.join(events, data):
            yield message, seconds
            if message["msg"] == "process_completed" and not message["success"]:
                raise ConnectionError(f"{events[0]['api_name']}: {message['output'].get('error')}")

    async def messages(self, endpoint: str, data: list[Any]) -> AsyncIterator[tuple[dict[str, Any], float]]:
        """As `run` for one named endpoint; its failure is a message."""
        async for message, seconds in self.join([self.config.endpoints[endpoint]], [data]):
            yield message, seconds

    async def join(
        self, events: Sequence[Event], data: Sequence[list[Any]]
    ) -> AsyncIterator[tuple[dict[str, Any], float]]:
        """As `run`, each event with data of its own; its failure is a message."""
        start, uncompleted = time.monotonic(), len(events)
        for event, values in zip(events, data, strict=True):
            await self.post(event, values)
        async for message in self.updates():
            if message["msg"] in ("process_starts", "process_generating", "process_completed"):
                uncompleted -= message["msg"] == "process_completed"
                yield message, time.monotonic() - start
        if uncompleted:
            raise ConnectionError(f"{events[0]['api_name']}: the stream ended before the event did")

    async def post(self, event: Event, values: list[Any], connection: Connection | None = None) -> None:
        """Sends an event to the queue, over the page's own connection or another one."""
        trigger = event["targets"][0][0] if event["targets"] else None
        body = {"data": values, "event_data": None, "fn_index": event["id"], "trigger_id": trigger}
        body["session_hash"] = self.session
        async for _ in (connection or self._requests).send("POST", "/gradio_api/queue/join", body):
            pass

    async def updates(self) -> AsyncIterator[dict[str, Any]]:
        """The messages about all events that have been sent, until these are completed."""
        path = f"/gradio_api/queue/data?session_hash={self.session}&stream={uuid.uuid4().hex}"
        # A message is one chunk, and the connection can be used again once all of them are read.
        async for chunk in self._updates.send("GET", path):
            self.received_bytes += len(chunk)
            yield json.loads(chunk.removeprefix(b"data:"))

    def close(self) -> None:
        """Closes the page, even while it waits for an answer."""
        self._requests.close()
        self._updates.close()
