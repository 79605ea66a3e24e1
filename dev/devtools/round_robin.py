"""A load balancer for tests: each new connection goes to the next server.

In a test::

    with RoundRobin([(host, port_a), (host, port_b)]) as proxy:
        ...                                   # visit proxy.url
"""

import asyncio
import contextlib
import itertools

from .loop_thread import LoopThread

ADDRESS = "127.0.0.1"
BACKLOG = 1024  # whoever comes is let in: only the servers behind may be short of places
CHUNK = 65536


class RoundRobin(LoopThread):
    """Carries bytes, knows nothing of HTTP; runs in a thread of its own. Usable as a context manager.

    The socket listens from the start, so that ``url`` may be told to servers that are not up yet.
    """

    def __init__(self, servers: list[tuple[str, int]]):
        super().__init__("round robin")
        self._turns = itertools.cycle(servers)
        self._listener: asyncio.Server | None = None
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self.port}"

    async def _listen(self) -> None:
        self._listener = await asyncio.start_server(self._serve, ADDRESS, 0, backlog=BACKLOG)
        self.port = self._listener.sockets[0].getsockname()[1]

    async def _close(self) -> None:
        self._listener.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.closing(writer), contextlib.suppress(OSError):
            behind_reader, behind_writer = await asyncio.open_connection(*next(self._turns))
            with contextlib.closing(behind_writer):
                asking = asyncio.create_task(_carry(reader, behind_writer))
                # Odoo closes after each answer: then all is said.
                await _carry(behind_reader, writer)
                asking.cancel()


async def _carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
        if writer.can_write_eof():
            writer.write_eof()
