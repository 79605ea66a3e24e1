"""One small answer of a server on the network, with limits on everything: time, size, address."""

import ipaddress
import queue
import socket
import threading
from urllib.parse import urlsplit

import requests
from requests.utils import get_environ_proxies

from .exceptions import DownloadError

__all__ = ["check_address", "fetch", "is_loopback"]

_CHUNK = 16_384


def fetch(
    url: str,
    body: bytes | None = None,
    *,
    content_type: str | None = None,
    credentials: tuple[str, str] | None = None,
    seconds: float = 5,
    max_bytes: int = 1 << 20,
    public_only: bool = False,
) -> bytes:
    """Get ``url``, or post ``body`` to it, and return the answer's bytes.

    The time covers everything: a name that does not resolve, headers that drip in. No redirection is
    followed: what an address was allowed for would not hold for the next one.

    :param str url: http or https
    :param bytes body: to be posted; None to get
    :param credentials: (user, password) for basic authentication (RFC 7617)
    :param float seconds: for the whole exchange
    :param int max_bytes: of the answer
    :param bool public_only: refuse hosts of internal networks (addresses that come out of certificates)
    :raises DownloadError: ``bad_address``, ``private_address``, ``unreachable``, ``timeout``,
        ``http_status`` (``detail['status']``), ``too_large``
    """
    check_address(url)
    answers = queue.SimpleQueue()

    def work():
        try:
            answers.put(_exchange(url, body, content_type, credentials, seconds, max_bytes, public_only))
        except Exception as error:  # noqa: BLE001  it is raised again, in the thread that waits
            answers.put(error)

    # A thread of its own, left behind when it is late: the time-outs of sockets hold for each read only.
    threading.Thread(target=work, name="esign-download", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise DownloadError("timeout") from None
    if isinstance(answer, DownloadError):
        raise answer
    if isinstance(answer, requests.Timeout):
        raise DownloadError("timeout") from answer
    if isinstance(answer, Exception):
        raise DownloadError("unreachable", cause=type(answer).__name__) from answer
    return answer


def check_address(url: str) -> None:
    """:raises DownloadError: ``bad_address`` when ``url`` is no address of http or https"""
    try:
        parts = urlsplit(url)
        valid = parts.scheme in ("http", "https") and parts.hostname and not parts.username and parts.port != 0
    except ValueError:
        valid = False
    if not valid:
        raise DownloadError("bad_address")


def is_loopback(url: str) -> bool:
    """Tell whether ``url`` leads to this very machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _exchange(url, body, content_type, credentials, seconds, max_bytes, public_only) -> bytes:
    headers = {"Content-Type": content_type} if content_type else {}
    if public_only:
        url, headers["Host"] = _pinned(url)
    with (
        requests.Session() as session,
        session.request(
            "GET" if body is None else "POST",
            url,
            data=body,
            headers=headers,
            auth=credentials,
            timeout=seconds,
            stream=True,
            allow_redirects=False,
        ) as response,
    ):
        if response.status_code != requests.codes.ok:
            raise DownloadError("http_status", status=response.status_code)
        content = bytearray()
        for chunk in response.iter_content(_CHUNK):
            content += chunk
            if len(content) > max_bytes:
                raise DownloadError("too_large")
        return bytes(content)


def _pinned(url: str) -> tuple[str, str]:
    """Return the address with the host's number instead of its name, once that is known to be public, and the name.

    The number that was checked is the one that is asked: a second look-up could give another.
    """
    parts = urlsplit(url)
    if get_environ_proxies(url):
        return url, parts.netloc  # only the proxy looks names up, and its rules hold
    if parts.scheme != "http":
        # Certificates name plain http (RFC 5280 4.2.2.1, 4.2.1.13): what is fetched is signed.
        raise DownloadError("bad_address")
    found = socket.getaddrinfo(parts.hostname, parts.port or 80, type=socket.SOCK_STREAM)
    numbers = [ipaddress.ip_address(item[4][0].split("%")[0]) for item in found]
    if not numbers or not all(number.is_global and not number.is_multicast for number in numbers):
        raise DownloadError("private_address")
    host = f"[{numbers[0]}]" if numbers[0].version == 6 else str(numbers[0])
    port = f":{parts.port}" if parts.port else ""
    return parts._replace(netloc=host + port).geturl(), parts.netloc
