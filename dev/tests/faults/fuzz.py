"""Requests that no browser would send (R-12): made by chance, from a seed that repeats them."""

import json
import random
import re
from dataclasses import dataclass
from urllib.parse import quote_from_bytes

from routes import Route

MEGABYTE = 1024 * 1024
FORM, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data; boundary=b0undary"
PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
# What the forms of the pages carry, and names that mean something to Python, Odoo or werkzeug.
FIELDS = ("code", "sha256", "name", "capacity", "kind", "strokes", "consents", "comment", "email", "step")
NAMES = (*("self", "args", "kwargs", "uid", "secret", "document_uid", "db", "debug", "context", "lang", "_method"), "")
DEEP = 1000
VALUES = (
    *(b"", b"0", b"-1", b"123456", b"NaN", b"Infinity", b"1e999", b"null", b"true", b"[]", b"{}", b"typed", b"drawn"),
    *(b"\0", b"a\0b", b"\xff\xfe", b"\xed\xa0\x80", b"\xf0\x9f\x98\x80" * 50, b"%", b"%s%n%(x)s", b"{0.__class__}"),
    *(b"\xe2\x80\xae\xe2\x80\x8b\xef\xbb\xbf", b"\xd9\xa1\xd9\xa2\xd9\xa3\xd9\xa4\xd9\xa5\xd9\xa6", b"1" * 5000),
    *(b"'; DROP TABLE res_users; --", b"<script>alert(1)</script>", b"{{7*7}}", b"../../etc/passwd", b"\r\nX: y"),
    *(b"9" * 400, b"x" * 70_000, b"a" * 64, b"0" * 64, b"C1", b"C2", b"Jane Doe", b"Z\xcd\xa5" * 200),
    *(b"[" * DEEP, b"[" * DEEP + b"]" * DEEP, b'{"a":' * DEEP + b"1" + b"}" * DEEP, b'"\\ud800"', b'{"a":1,"a":2}'),
)
STROKES = (
    *(
        {"w": 600, "h": 200, "strokes": strokes}
        for strokes in ([], [[]], [[[1]]], [[[1, 2, 3]]], [[[None, 2]]], None, "x")
    ),
    *(
        {"w": side, "h": 200, "strokes": [[[1, 2], [300, 150]]]}
        for side in (float("nan"), -1, 10**400, "6", None, [], True)
    ),
    {"w": 600, "h": 200, "strokes": [[[float("inf"), 2], [3, 4]]]},
    {"w": 600, "h": 200, "strokes": [[[n % 600, n % 200] for n in range(40_000)]]},
    *(5, "text", [], {"strokes": {}}, {"w": {}, "h": [], "strokes": 1}),
)
HEADERS = (
    *(
        {"Cookie": cookie}
        for cookie in ("", "=", ";;;", "a=b; a=c", "session_id=../../x", "x" * 9000, "k=\udcff\udcfe")
    ),
    *({"Cookie": f"session_id={session}"} for session in ("0", "a" * 84, "%00", "\udcff")),
    *({"User-Agent": agent} for agent in ("", "\udcff\udcfe", "x" * 9000, "{}%s")),
    *({"Accept-Language": language} for language in ("", "xx-YY;q=z", "*", "\udcff", "fr" * 2000)),
    *(
        {"X-Forwarded-For": address}
        for address in ("", "not an address", "::1", "fe80::1%eth0", "1.2.3.4, 5", "9" * 500, "\udcff")
    ),
    # Not X-Forwarded-Host: the proxy writes it, and Odoo trusts it before any addon is asked.
    *({"X-Forwarded-Proto": scheme} for scheme in ("https", "ftp", "", "javascript")),
    *(
        {"Content-Type": kind}
        for kind in ("", "x", f"{FORM}; charset=utf-7", f"{FORM}; charset=bogus", "multipart/form-data")
    ),
    *({"Content-Length": length} for length in ("-1", "x", "0")),
    *(
        {"Accept": "application/json"},
        {"Origin": "https://evil.example"},
        {"Host": "evil.example"},
        {"Range": "bytes=9-1"},
    ),
    *(
        {"If-None-Match": "*"},
        {"Transfer-Encoding": "bogus"},
        {"Expect": "100-continue"},
        {"X-HTTP-Method-Override": "PUT"},
    ),
)
QUERIES = (
    "?step=sign",
    "?debug=assets",
    "?db=postgres",
    "?%FF=%FE",
    "?self=1&uid=2",
    "?" + "a=b&" * 500,
    "?csrf_token=x",
    "?step[]=a",
)


@dataclass(frozen=True)
class Attack:
    """One request, and what is needed to say which."""

    path: str
    headers: dict[str, str]
    body: bytes

    def __str__(self) -> str:
        return f"POST {self.path[:200]} {self.headers} {self.body[:300]!r} ({len(self.body)} bytes)"


class Fuzzer:
    """Makes attacks; the same from the same seed."""

    def __init__(self, seed: int):
        self.chance = random.Random(seed)

    def attack(self, route: Route, places: dict[str, str], token: str) -> Attack:
        """A request to a route, broken in one place or several.

        :param places: what stands in the path, such as ``{"uid": …}``
        :param token: the browser's CSRF token: without it Odoo refuses before the addon is asked
        """
        path = PARAMETER.sub(lambda match: self._place(places.get(match[1], "x")), route.path)
        path += self.chance.choice(QUERIES) if self._sometimes(0.1) else ""
        headers, body = self._content(route, token)
        if self._sometimes(0.25):
            headers |= self.chance.choice(HEADERS)
        return Attack(path, headers, body)

    def _sometimes(self, share: float) -> bool:
        return self.chance.random() < share

    def _place(self, right: str) -> str:
        if self._sometimes(0.9):
            return right
        wrong = self.chance.choice(
            [value for value in VALUES if len(value) < 8000 and value not in (b"", b"../../etc/passwd")]
        )
        return self.chance.choice([right[:-1], right.upper(), quote_from_bytes(wrong, safe="")])

    def _content(self, route: Route, token: str) -> tuple[dict[str, str], bytes]:
        kind = self.chance.random()
        fields = self._fields(route, token)
        if kind < 0.6:
            return {"Content-Type": FORM}, _form(fields)
        if kind < 0.85:
            return {"Content-Type": MULTIPART}, self._multipart(fields)
        if kind < 0.9:
            json_body = b"".join([b'{"jsonrpc": "2.0", "params": ', self._value(), b"}"])
            return {"Content-Type": "application/json"}, json_body
        if kind < 0.98:
            content_type = self.chance.choice(["text/plain", "text/xml", "application/octet-stream", FORM, MULTIPART])
            return {"Content-Type": content_type}, self.chance.randbytes(self.chance.choice([0, 1, 100, 5000]))
        return {"Content-Type": FORM}, self._huge(token)

    def _fields(self, route: Route, token: str) -> list[tuple[bytes, bytes]]:
        fields = [(b"csrf_token", token.encode())] if self._sometimes(0.95) else []
        wanted = [name for name in (*route.fields, *FIELDS) if self._sometimes(0.5)]
        if self._sometimes(0.15):
            wanted += self.chance.sample(NAMES, 2)
        fields += [(name.encode(), self._strokes() if name == "strokes" else self._value()) for name in wanted]
        if self._sometimes(0.1):
            fields += fields  # every key twice
        if self._sometimes(0.02):
            fields += [(b"extra%d" % number, b"x") for number in range(3000)]
        return fields

    def _value(self) -> bytes:
        if self._sometimes(0.8):
            return self.chance.choice(VALUES)
        return self.chance.randbytes(self.chance.randrange(40))

    def _strokes(self) -> bytes:
        return json.dumps(self.chance.choice(STROKES)).encode() if self._sometimes(0.7) else self._value()

    def _multipart(self, fields: list[tuple[bytes, bytes]]) -> bytes:
        parts = []
        # A file where a text is expected.
        place = self.chance.randrange(len(fields)) if fields and self._sometimes(0.3) else None
        for number, (name, value) in enumerate(fields):
            file = b'; filename="a.txt"\r\nContent-Type: text/plain' if number == place else b""
            parts.append(
                b'--b0undary\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (name, file, value)
            )
        body = b"".join([*parts, b"--b0undary--\r\n"])
        return body[: self.chance.randrange(len(body))] if self._sometimes(0.1) else body

    def _huge(self, token: str) -> bytes:
        size = self.chance.choice([MEGABYTE - 200, MEGABYTE + 1, 10 * MEGABYTE])
        return _form([(b"csrf_token", token.encode()), (self.chance.choice(FIELDS).encode(), b"x" * size)])


def _form(fields: list[tuple[bytes, bytes]]) -> bytes:
    return b"&".join(
        quote_from_bytes(name).encode() + b"=" + quote_from_bytes(value).encode() for name, value in fields
    )
