"""HTTP written by hand: many requests at the very same instant, and requests that no library would send."""

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

CONNECT_SECONDS = 1  # then the server's queue is full, and another socket may have more luck
# A full queue of the kernel's may also swallow a request without a word.
ANSWER_SECONDS = 120
PATIENCE = 180  # seconds in all until a request must have been answered


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]  # names in lower case; of a header that comes twice, the last
    body: bytes
    seconds: float  # from the last byte sent to the last one received

    @property
    def text(self) -> str:
        return self.body.decode(errors="replace")


class NoAnswer(Exception):
    """The connection broke before a status line came."""


def compose(method: str, path: str, headers: dict[str, str], body: bytes = b"") -> bytes:
    """The bytes of a request."""
    lines = [f"{method} {path} HTTP/1.1", "Connection: close", *(f"{name}: {value}" for name, value in headers.items())]
    if (body or method == "POST") and "Content-Length" not in headers:
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("utf-8", "surrogateescape") + body


def at_once(url: str, requests: list[bytes]) -> list[Answer]:
    """Send all requests at the same instant, and again until each is answered; answers in their order.

    Everything but the last byte of each goes out before: the servers stand ready with as many as they can take. The
    others find a full queue and are refused by the kernel, as a browser would be; they knock again.
    """
    return asyncio.run(_at_once(_address(url), requests))


def send(url: str, request: bytes) -> Answer:
    """Send one request once."""
    return asyncio.run(_exchange(_address(url), request))


async def exchange(url: str, request: bytes) -> Answer:
    """Send one request once, within a loop of the caller's own."""
    return await _exchange(_address(url), request)


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname, parts.port


async def _at_once(address: tuple[str, int], requests: list[bytes]) -> list[Answer]:
    gate, ready = asyncio.Event(), asyncio.Semaphore(0)

    async def one(request: bytes) -> Answer:
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return await _exchange(address, request, gate, ready)
            except (OSError, NoAnswer):
                if time.monotonic() > deadline:
                    raise
                if not gate.is_set():
                    ready.release()
                    await gate.wait()

    tasks = [asyncio.create_task(one(request)) for request in requests]
    for _request in requests:
        await ready.acquire()
    gate.set()
    return await asyncio.gather(*tasks)


async def _exchange(address, request: bytes, gate=None, ready=None) -> Answer:
    reader, writer = await asyncio.wait_for(asyncio.open_connection(*address), CONNECT_SECONDS)
    try:
        if gate and not gate.is_set():
            writer.write(request[:-1])
            ready.release()
            await gate.wait()
            request = request[-1:]
        started = time.monotonic()
        writer.write(request)
        content = await asyncio.wait_for(reader.read(-1), ANSWER_SECONDS)
        return _parse(content, time.monotonic() - started)
    finally:
        writer.close()


def _parse(content: bytes, seconds: float) -> Answer:
    head, separator, body = content.partition(b"\r\n\r\n")
    while head.startswith(b"HTTP/1.1 100 "):  # "go on", then the answer
        head, separator, body = body.partition(b"\r\n\r\n")
    if not separator or not head.startswith(b"HTTP/"):
        raise NoAnswer(repr(content[:200]))
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.split(": ", 1) for line in lines if ": " in line)
    return Answer(int(status.split()[1]), {name.lower(): value for name, value in headers.items()}, body, seconds)
