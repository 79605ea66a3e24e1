"""A server that runs in a thread of its own, with an event loop of its own."""

import asyncio
import threading
from typing import Self

PATIENCE = 60  # seconds that the loop may need for a call


class LoopThread:
    """Starts and stops such a server; usable as a context manager.

    A subclass says what listening and closing are, and begins with ``super().__init__(name)``.
    """

    def __init__(self, name: str):
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name=name, daemon=True)

    def start(self) -> Self:
        self._thread.start()
        self._call(self._listen())
        return self

    def stop(self) -> None:
        self._call(self._close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *exc_info) -> None:
        self.stop()

    def _call(self, coroutine) -> None:
        """Wait in any thread until the loop has done this."""
        asyncio.run_coroutine_threadsafe(coroutine, self._loop).result(PATIENCE)

    async def _listen(self) -> None:
        raise NotImplementedError

    async def _close(self) -> None:
        raise NotImplementedError
