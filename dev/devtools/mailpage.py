"""A web page and a small JSON API on a :class:`~devtools.mailcatcher.MailCatcher`.

    GET    /                                   the page (mailpage.html)
    GET    /api/messages                       all mails, newest first
    DELETE /api/messages                       forget them
    GET    /api/fault, PUT /api/fault          {"fault": "451"}; null heals
    GET    /messages/<id>/html                 the HTML of a mail, without any right
    GET    /messages/<id>/attachments/<index>  an attachment
    GET    /messages/<id>/raw                  the mail as it came

Listens on this machine only.
"""

import json
import re
import threading
from html import escape
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote

from .mailcatcher import ADDRESS, MailCatcher, Message

PAGE = Path(__file__).with_name("mailpage.html")
# A mail is written by strangers: no scripts, no forms, no access to this page. Links open in a tab of their own.
MAIL_SECURITY = (
    "sandbox allow-popups allow-popups-to-escape-sandbox; "
    "default-src 'none'; img-src * data:; style-src 'unsafe-inline' *; font-src *"
)
# Types that a browser may show by itself; all others are downloaded.
SHOWN_TYPES = {"application/pdf", "image/png", "image/jpeg", "image/gif", "text/plain"}


class MailPage:
    """The web server, running in a thread of its own. Usable as a context manager."""

    def __init__(self, catcher: MailCatcher, port: int = 0):
        handler = type("Handler", (_Handler,), {"catcher": catcher})
        self._server = ThreadingHTTPServer((ADDRESS, port), handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://{ADDRESS}:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="mailpage", daemon=True)

    def start(self) -> "MailPage":
        self._thread.start()
        return self

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def __enter__(self) -> "MailPage":
        return self.start()

    def __exit__(self, *exc_info) -> None:
        self.stop()


def as_json(mail: Message) -> dict:
    return {
        "id": mail.id,
        "received": mail.received.isoformat(),
        "envelope_from": mail.envelope_from,
        "envelope_to": mail.envelope_to,
        "subject": mail.subject,
        "from": mail.sender,
        "to": mail.to,
        "cc": mail.cc,
        "reply_to": mail.reply_to,
        "text": mail.text,
        "html": mail.html,
        "links": mail.links,
        "attachments": [
            {
                "name": attachment.name,
                "type": attachment.type,
                "size": len(attachment.content),
                "url": f"/messages/{mail.id}/attachments/{index}",
            }
            for index, attachment in enumerate(mail.attachments)
        ],
    }


def html_page(mail: Message) -> str:
    """The HTML of a mail, its pictures found and its links made to open in a new tab."""
    html = mail.html or f"<pre style='white-space: pre-wrap'>{escape(mail.text)}</pre>"
    for index, attachment in enumerate(mail.attachments):
        if attachment.content_id:
            html = html.replace(f"cid:{attachment.content_id}", f"/messages/{mail.id}/attachments/{index}")
    return f'<!doctype html><meta charset="utf-8"><base target="_blank">{html}'


class _Handler(BaseHTTPRequestHandler):
    catcher: MailCatcher

    # http.server calls the next methods by these names.
    def do_GET(self):
        if self.path == "/":
            self._answer(PAGE.read_bytes(), "text/html; charset=utf-8")
        elif self.path == "/api/messages":
            self._answer_json([as_json(mail) for mail in reversed(self.catcher.messages)])
        elif self.path == "/api/fault":
            self._answer_json({"fault": self.catcher.fault})
        elif match := re.fullmatch(r"/messages/(\d+)/(html|raw|attachments/(\d+))", self.path):
            self._answer_part(int(match[1]), match[2], match[3])
        else:
            self.send_error(HTTPStatus.NOT_FOUND)

    def do_DELETE(self):
        if self.path != "/api/messages":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self.catcher.clear()
        self._answer_json({})

    def do_PUT(self):
        if self.path != "/api/fault":
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        try:
            self.catcher.fault = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["fault"]
        except (KeyError, TypeError, ValueError) as error:
            self.send_error(HTTPStatus.BAD_REQUEST, explain=str(error))
            return
        self._answer_json({"fault": self.catcher.fault})

    def _answer_part(self, number: int, part: str, index: str | None) -> None:
        mail = next((mail for mail in self.catcher.messages if mail.id == number), None)
        if not mail or (index is not None and int(index) >= len(mail.attachments)):
            self.send_error(HTTPStatus.NOT_FOUND)
        elif index is not None:
            attachment = mail.attachments[int(index)]
            shown = attachment.type in SHOWN_TYPES
            disposition = f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(attachment.name)}"
            content_type = attachment.type if shown else "application/octet-stream"
            self._answer(attachment.content, content_type, **{"Content-Disposition": disposition})
        elif part == "html":
            page = html_page(mail).encode()
            self._answer(page, "text/html; charset=utf-8", **{"Content-Security-Policy": MAIL_SECURITY})
        else:
            self._answer(mail.raw, "text/plain; charset=utf-8")

    def _answer_json(self, value) -> None:
        self._answer(json.dumps(value).encode(), "application/json")

    def _answer(self, content: bytes, content_type: str, **headers: str) -> None:
        self.send_response(HTTPStatus.OK)
        for name, value in {
            "Content-Type": content_type,
            "Content-Length": str(len(content)),
            "Cache-Control": "no-store",
            "X-Content-Type-Options": "nosniff",
            "Referrer-Policy": "no-referrer",
            **headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args) -> None:
        """Say nothing: the page asks every two seconds."""
