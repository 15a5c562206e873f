"""A relay between a browser and the app, whose connections can be cut as a school's Wi-Fi cuts them."""

import asyncio
from contextlib import suppress


class Relay:
    """Forwards connections to a port of this machine; on an event loop that goes on."""

    def __init__(self, target: int):
        self._target = target
        self._server: asyncio.Server
        self._writers: set[asyncio.StreamWriter] = set()
        self._tasks: set[asyncio.Task] = set()
        self._is_cut = False
        self.port: int

    async def start(self) -> "Relay":
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def cut(self) -> None:
        """Breaks all connections, and refuses new ones."""
        self._is_cut = True
        for writer in list(self._writers):
            writer.transport.abort()

    async def restore(self) -> None:
        self._is_cut = False

    async def stop(self) -> None:
        self._server.close()
        await self.cut()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self._is_cut:
            writer.transport.abort()
            return
        self._tasks.add(asyncio.current_task())
        app_reader, app_writer = await asyncio.open_connection("127.0.0.1", self._target)
        writers = {writer, app_writer}
        self._writers |= writers
        try:
            await asyncio.gather(_copy(reader, app_writer), _copy(app_reader, writer))
        finally:
            self._writers -= writers
            self._tasks.discard(asyncio.current_task())


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while content := await reader.read(65_536):
            writer.write(content)
            await writer.drain()
    writer.close()
