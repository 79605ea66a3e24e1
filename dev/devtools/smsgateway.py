"""A double of Odoo's SMS service (IAP): takes texts as the real one does, and can misbehave on demand.

What it takes lands in the mail catcher as a mail to ``<number>@sms``, so that a person finds it on the page of mails::

    with MailCatcher() as mails, SmsGateway(mails) as texts:
        ...                                   # config parameter sms.endpoint = texts.url
        texts.wait_for("+33612345678").text
        texts.state = "insufficient_credit"   # "success" heals it
"""

import json
import threading
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from .mailcatcher import MailCatcher, Message

ADDRESS = "127.0.0.1"
SEND_PATH = "/api/sms/3/send"
DOMAIN = "sms"


class SmsGateway:
    """The server, running in threads of its own. Usable as a context manager."""

    def __init__(self, mails: MailCatcher, port: int = 0):
        self.mails = mails
        self.state = "success"
        gateway = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                results = gateway.take(self.path, body.get("params") or {})
                answer = json.dumps({"jsonrpc": "2.0", "id": body.get("id"), "result": results}).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_args):
                """Say nothing: texts hold codes."""

        self._server = ThreadingHTTPServer((ADDRESS, port), Handler)
        self.url = f"http://{ADDRESS}:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="smsgateway", daemon=True)

    def __enter__(self) -> "SmsGateway":
        self._thread.start()
        return self

    def __exit__(self, *exc_info) -> None:
        self._server.shutdown()
        self._server.server_close()

    def wait_for(self, number: str, timeout: float = 60) -> Message:
        """The newest text to a number (E.164), waiting for it if need be."""
        return self.mails.wait_for(to=f"{number}@{DOMAIN}", timeout=timeout)

    def take(self, path: str, params: dict) -> list[dict]:
        """Do what the service does with one call."""
        if path != SEND_PATH:
            return []
        return [
            self._take_one(number, message["content"])
            for message in params.get("messages", ())
            for number in message["numbers"]
        ]

    def _take_one(self, number: dict, text: str) -> dict:
        if self.state == "success":
            mail = EmailMessage()
            mail["From"], mail["To"], mail["Subject"] = f"SMS <gateway@{DOMAIN}>", f"{number['number']}@{DOMAIN}", "SMS"
            mail.set_content(text)
            self.mails.add(f"gateway@{DOMAIN}", [f"{number['number']}@{DOMAIN}"], mail.as_bytes())
        return {"uuid": number["uuid"], "state": self.state, "credit": 1}
