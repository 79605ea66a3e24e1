"""Faults that come true inside the attacked Odoo, at a named point of its code.

A test arms one fault (:class:`Faults`): a file that the server's processes look at whenever they pass a point. The
first one that meets its conditions takes the file away, so each fault comes true once. The code under test stays as
it is: its functions are called from wrappers.

    kill    the process ends itself with SIGKILL, as if the kernel had done it
    cut     the connection to the database that is in use at the point ends, as when a network fails
    broken  the point raises the error of a broken or full disk
    sql     the n-th writing statement of a request fails as PostgreSQL lets it fail for the loser of a race: by an
            error that PostgreSQL itself raises, so that the transaction is as dead as in life
"""

import functools
import importlib
import itertools
import json
import os
import re
import signal
import socket
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

ADDON = "odoo.addons.esign_quote"
ARMED, TAKEN = "armed.json", "taken.json"
SQL_STATES = {"serialization": "40001", "deadlock": "40P01"}
WRITING = re.compile(r"^\s*(INSERT|UPDATE|DELETE)\b|\bFOR (NO KEY )?UPDATE\b", re.IGNORECASE)


@dataclass(frozen=True)
class Point:
    """A function of the addon or of Odoo; ``only`` tells which of its calls are meant."""

    module: str
    path: str
    only: Callable | None = None


def _moves_to(state: str) -> Callable:
    return lambda _self, target, *_args, **_values: target == state


def _freezes(wanted: str) -> Callable:
    return lambda _self, _request, kind, *_args, **_values: kind == wanted


def _is_ours(mail, *_args, **_kwargs) -> bool:
    return mail._esign_is_ours()


def _awaits_answer(mail_server, *_args, **_kwargs) -> bool:
    return mail_server.env.context.get("esign_awaited") is not None


REQUEST = f"{ADDON}.models.esign_request"
ANCHOR = f"{ADDON}.models.esign_anchor"
# In the order in which a signature passes them.
POINTS = {
    "consent compare-and-set": Point(REQUEST, "EsignRequest._move", _moves_to("consented")),
    "consent": Point(f"{REQUEST}_answer", "EsignRequest._consent"),
    "turn compare-and-set": Point(REQUEST, "EsignRequest._move", _moves_to("sent")),
    "next signer": Point(f"{REQUEST}_turns", "EsignRequest._pass_on"),
    "preview": Point(f"{ADDON}.models.esign_document", "EsignDocument._freeze", _freezes("preview")),
    "invitation": Point(f"{REQUEST}_turns", "EsignRequest._invite"),
    "completion": Point(f"{REQUEST}_answer", "EsignRequest._complete_or_leave_it"),
    "stamp": Point(f"{ADDON}.tools.appearance", "draw_stamp"),
    "seal": Point(f"{ADDON}.tools.seal", "seal_pdf"),
    "self-check": Point(f"{ADDON}.tools.verify", "verify_strict"),
    "time-stamp": Point(f"{ADDON}.tools.timestamp", "Service.stamp"),
    "file kept": Point(f"{REQUEST}_completion", "EsignRequest._keep_signed"),
    "signed compare-and-set": Point(REQUEST, "EsignRequest._move", _moves_to("signed")),
    "signed file": Point(f"{ADDON}.models.esign_document", "EsignDocument._freeze", _freezes("signed")),
    "fsync": Point(f"{ADDON}.tools.durable", "sync"),
    "rename": Point(f"{ADDON}.tools.durable", "rename"),
    "fsync of the folder": Point(f"{ADDON}.tools.durable", "sync_folder"),
    "proof drafted": Point(f"{ADDON}.models.esign_proof", "EsignProof._draft"),
    "proof sealed": Point(f"{ADDON}.models.esign_proof", "ProofDraft.seal"),
    "proof": Point(f"{ADDON}.models.esign_proof", "EsignProof._keep"),
    "proof file": Point(f"{ADDON}.models.esign_document", "EsignDocument._freeze", _freezes("proof")),
    "mails queued": Point(f"{REQUEST}_telling", "EsignRequest._queue_mails"),
    "final commit": Point(f"{REQUEST}_completion", "EsignRequest._finish_signed"),
    "order": Point(f"{REQUEST}_completion", "EsignRequest._apply_to_order"),
    "order confirmation": Point(f"{ADDON}.models.sale_order", "SaleOrder._esign_apply"),
    "mail": Point(f"{ADDON}.models.mail_mail", "MailMail._esign_send_again"),
    "mail prepared": Point(f"{ADDON}.models.mail_mail", "MailMail._prepare_outgoing_list", _is_ours),
    "mail to the server": Point(f"{ADDON}.models.ir_mail_server", "IrMailServer.send_email", _awaits_answer),
    "mail noted": Point(f"{ADDON}.models.esign_delivery", "EsignDelivery._note"),
    "late time-stamp": Point(f"{ADDON}.models.esign_timestamp", "EsignTimestamp._obtain"),
    "late time-stamp kept": Point(f"{REQUEST}_timestamp", "EsignRequest._keep_timestamp"),
    "refusal compare-and-set": Point(REQUEST, "EsignRequest._move", _moves_to("declined")),
    "end proved": Point(f"{REQUEST}_closing", "EsignRequest._finish_end"),
    "expiry compare-and-set": Point(REQUEST, "EsignRequest._move", _moves_to("expired")),
    "expiry": Point(REQUEST, "EsignRequest._set_expired"),
    "root made": Point(ANCHOR, "EsignAnchor._make_now"),
    "root": Point(ANCHOR, "EsignAnchor._make"),
    "root mailed": Point(ANCHOR, "EsignAnchor._mail"),
    "roots mailed": Point(ANCHOR, "EsignAnchor._mail_missing"),
    "evidence checked": Point(f"{REQUEST}_integrity", "EsignRequest._check_integrity"),
    "time-stamps checked": Point(f"{REQUEST}_integrity", "EsignRequest._check_timestamps"),
    "damage noted": Point(f"{REQUEST}_integrity", "EsignRequest._note_integrity"),
    "damage told": Point(f"{REQUEST}_integrity", "EsignRequest._tell_damage"),
    "purge": Point(f"{REQUEST}_purge", "EsignRequest._purge"),
    "evidence destroyed": Point(f"{REQUEST}_purge", "EsignRequest._destroy_evidence"),
    "personal data destroyed": Point(f"{REQUEST}_purge", "EsignRequest._destroy_personal_data"),
    "purges": Point(f"{REQUEST}_purge", "EsignRequest._run_each"),
}


# ------------------------------------------------------------------------------------------------------ for tests


class Faults:
    """What is armed for the servers that look into ``folder``."""

    _numbers = itertools.count(1)

    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        self.disarm()

    def arm(self, kind: str, **order) -> None:
        """Let a fault come true once; see the module's text for the kinds.

        ``kill``, ``cut`` and ``broken`` want ``point`` and ``when`` (``before``, ``after``), and take ``nth``, the
        number of the call that is meant; ``cut`` takes methods of models only, ``broken`` wants ``errno``. ``sql`` wants
        ``path`` (end of the request's address), ``error`` (:data:`SQL_STATES`) and ``nth``, and takes ``times``: how
        often in a row.
        """
        self.disarm()
        content = {"id": f"{os.getpid()}-{next(self._numbers)}", "kind": kind, "nth": 1, "times": 1, **order}
        building = self.folder / "building"
        building.write_text(json.dumps(content))
        building.rename(self.folder / ARMED)

    @property
    def taken(self) -> bool:
        """Whether the fault has come true."""
        return (self.folder / TAKEN).exists()

    def disarm(self) -> None:
        for name in (ARMED, TAKEN):
            (self.folder / name).unlink(missing_ok=True)


# -------------------------------------------------------------------------------------------------- in the servers


def install(folder: str) -> None:
    """Wrap all points; a point that is not there (any more) stops the server, and so fails the tests."""
    armed = _Armed(folder)
    for name, point in POINTS.items():
        owner = importlib.import_module(point.module)
        *classes, attribute = point.path.split(".")
        for part in classes:
            owner = getattr(owner, part)
        setattr(owner, attribute, _passing(getattr(owner, attribute), name, point, armed))
    _wrap_cursor(armed)


class _Armed:
    """The fault that is armed now, as one process of the server sees it."""

    def __init__(self, folder: str):
        self._file = os.path.join(folder, ARMED)
        self._taken = os.path.join(folder, TAKEN)
        self._calls = Counter()
        self._lock = threading.Lock()

    def read(self) -> dict | None:
        try:
            with open(self._file) as stream:
                return json.load(stream)
        except FileNotFoundError:
            return None

    def is_due(self, order: dict) -> bool:
        """Count a call that meets the conditions; whether it is the one that is meant, and nobody was faster."""
        with self._lock:
            self._calls[order["id"]] += 1
            if self._calls[order["id"]] != order["nth"]:
                return False
            if order["times"] > 1:  # again at the next try of this request
                self._calls[order["id"]] = 0
                with open(self._file, "w") as stream:
                    json.dump({**order, "times": order["times"] - 1}, stream)
                return True
            try:
                os.rename(self._file, self._taken)
            except FileNotFoundError:
                return False
            return True


def _passing(function, name: str, point: Point, armed: _Armed):
    def meet(when: str, args, kwargs) -> None:
        order = armed.read()
        if not order or order.get("point") != name or order["when"] != when:
            return
        if (point.only and not point.only(*args, **kwargs)) or not armed.is_due(order):
            return
        if order["kind"] == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if order["kind"] == "cut":
            _cut(args[0].env.cr)
            return
        raise OSError(order["errno"], os.strerror(order["errno"]))

    @functools.wraps(function)
    def passed(*args, **kwargs):
        meet("before", args, kwargs)
        result = function(*args, **kwargs)
        meet("after", args, kwargs)
        return result

    return passed


def _cut(cursor) -> None:
    """Let nothing pass any more on the connection of a cursor; both sides will notice."""
    with socket.socket(fileno=os.dup(cursor.connection.fileno())) as line:
        line.shutdown(socket.SHUT_RDWR)


def _wrap_cursor(armed: _Armed) -> None:
    from odoo.http import request
    from odoo.sql_db import Cursor

    execute = Cursor.execute

    @functools.wraps(execute)
    def executed(self, query, params=None, log_exceptions=True):
        text = query.decode() if isinstance(query, bytes) else getattr(query, "code", query)
        if WRITING.search(text) and request:
            order = armed.read()
            if order and order["kind"] == "sql" and request.httprequest.path.endswith(order["path"]):
                if armed.is_due(order):
                    failure = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{}', MESSAGE = 'could not serialize access: {} of a test'; END $$"
                    execute(self, failure.format(SQL_STATES[order["error"]], order["error"]), None, log_exceptions)
        return execute(self, query, params, log_exceptions)

    Cursor.execute = executed
