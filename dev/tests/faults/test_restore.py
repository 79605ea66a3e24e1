"""R-18: evidence outlives the machine, the version of the addon and the key that it was made with.

A backup (dump and files) is restored into an empty database on another machine, whose secret for sealing keys is
another one, too. A database of the version before is upgraded. In between, keys are rotated.
"""

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import httpx
import machine
import pytest
import quotations
import waiting
from invariants import Invariants
from scale import DURABLE, SCALE
from visitor import Visitor

from devtools import backup, paths
from devtools.odoo_server import run_odoo
from devtools.rpc import RpcError

ANSWERED = 303
# The last commit of version 19.0.1.1.0, whose databases are in use.
OLD_COMMIT = "f3d4c22"
OWN_WORDS = "<p>In our own words</p>"
TEMPLATE = "SELECT res_id FROM ir_model_data WHERE module = 'esign_quote' AND name = %s"
EXPIRE = """UPDATE esign_request SET expires_on = clock_timestamp() AT TIME ZONE 'UTC' - interval '1 minute'
             WHERE order_id = %s"""
SEALED_BY = "SELECT s.fingerprint FROM esign_request r JOIN esign_seal s ON s.id = r.seal_id WHERE r.order_id = %s"
SIGNED = """
    SELECT r.reference, d.uid, d.sha256 FROM esign_request r JOIN esign_document d ON d.request_id = r.id
     WHERE r.order_id = %s AND d.kind = 'signed'"""


@pytest.mark.stands(DURABLE)
def test_restore(stand, caught, row, databases, logs):
    """R-18 a backup restored elsewhere."""
    visitors = _answers(stand, caught)
    Invariants(stand, caught).check(*visitors)
    folder = backup.take(stand.databases, stand.database, logs / "restore")
    name = f"own_restored_{os.getpid()}"
    backup.restore(databases, name, folder)
    secret = {"ESIGN_QUOTE_SEAL_SECRET": machine.OTHER_SECRET}
    try:
        with machine.started(databases, name, caught, logs / "restored", variables=secret) as elsewhere:
            Invariants(elsewhere, caught).check(*visitors)
            references = _look_up(elsewhere, visitors)
            _get_again(elsewhere, caught, visitors[0], logs / "restored")
            _refuses_to_seal(elsewhere)
            visitors.append(_sign_with_new_key(elsewhere, caught))
            Invariants(elsewhere, caught).check(*visitors)
            row(1, requests=len(visitors), looked_up=references, keys=_keys(elsewhere), proofs_lost=0)
    finally:
        databases.drop(name)


@pytest.mark.skipif(not SCALE.upgrade, reason="two minutes: dev/faults and dev/faults --full do it")
def test_upgrade(caught, row, databases, logs):
    """R-18 a database of the version before."""
    old = _old_checkout(logs / "old")
    name = databases.create_own("upgrade", with_addon=False)
    log = logs / "upgrade"
    log.mkdir(exist_ok=True)
    try:
        addons = ",".join(str(folder) for folder in [*paths.odoo_addons(), old])
        arguments = ["--addons-path", addons, "--init", paths.ADDON_NAME]
        run_odoo(databases.cluster, name, *arguments, log_path=log / "install.log").check()
        with machine.started(databases, name, caught, log / "before", addon=old) as before:
            quotations.create_products(before.admin)
            _change_template(before)
            before.admin.call("ir.config_parameter", "set_param", "report.print_delay", "0")
            visitors = _answers(before, caught)
            waiting.until(
                lambda: not before.sql("SELECT id FROM mail_mail WHERE esign_request_id != 0"), what="mails sent"
            )
        evidence = _evidence(databases, name)
        run_odoo(databases.cluster, name, "--update", paths.ADDON_NAME, log_path=log / "update.log").check()
        assert _evidence(databases, name) == evidence, "the upgrade changed evidence"
        with machine.started(databases, name, caught, log / "after") as after:
            _assert_templates(after)
            Invariants(after, caught, old=True).check(*visitors)
            references = _look_up(after, visitors)
            _get_again(after, caught, visitors[0], log)
            newer = [_sign_with_new_key(after, caught)]
            Invariants(after, caught).check(*newer)
            Invariants(after, caught, old=True).check(*visitors)
            row(1, requests=len(visitors), looked_up=references, keys=_keys(after), proofs_lost=0)
    finally:
        databases.drop(name)


def _change_template(place) -> None:
    ((found,),) = place.sql(TEMPLATE, ["mail_template_declined_company"])
    place.admin.write("mail.template", found, {"body_html": OWN_WORDS})


def _assert_templates(place) -> None:
    """What nobody had changed speaks of several signers, in both languages; what somebody had is left alone."""
    ((found,),) = place.sql(TEMPLATE, ["mail_template_declined_customer"])
    ((body,),) = place.sql("SELECT body_html::text FROM mail_template WHERE id = %s", [found])
    assert "No contract was concluded" in body and "Nothing was signed" not in body
    assert "Aucun contrat n'a été conclu" in body and "Rien n'a été signé" not in body
    ((kept,),) = place.sql(TEMPLATE, ["mail_template_declined_company"])
    ((body,),) = place.sql("SELECT body_html->>'en_US' FROM mail_template WHERE id = %s", [kept])
    assert body == OWN_WORDS


def _answers(place, mails) -> list[Visitor]:
    """One request that was signed, one that was declined, one that has expired."""
    signing, declining, late = (Visitor(place, mails, place.send()) for _number in range(3))
    for visitor in (signing, declining):
        visitor.enter()
        visitor.read_to_the_end()
    assert signing.sign().status_code == declining.decline().status_code == ANSWERED
    place.sql(EXPIRE, [late.quotation.id])
    place.run_cron("ir_cron_expire")
    place.run_cron("ir_cron_complete")
    place.run_cron("ir_cron_mails")
    if place.sql("SELECT to_regclass('esign_anchor')") != [(None,)]:  # not in the version before
        place.run_cron("ir_cron_anchor")
    return [signing, declining, late]


def _look_up(place, visitors: list[Visitor]) -> int:
    """Ask the public page about each signature."""
    found = [row for visitor in visitors for row in place.sql(SIGNED, [visitor.quotation.id])]
    for reference, _uid, sha256 in found:
        answer = httpx.get(f"{place.url}/esign/verify/{reference}")
        assert answer.status_code == 200 and sha256 in answer.text, f"{reference} is not known"
    return len(found)


def _get_again(place, mails, visitor: Visitor, folder: Path) -> None:
    """The customer comes back by the link of then, and gets the file of then, and a pack that proves it to others."""
    ((_reference, uid, sha256),) = place.sql(SIGNED, [visitor.quotation.id])
    place.sql("DELETE FROM esign_throttle")
    again = Visitor(place, mails, visitor.quotation)
    path = again.link
    again.get(path)
    answer = again.post(f"{path}/code")
    assert answer.status_code == ANSWERED, answer.text
    again.page = httpx.URL(answer.headers["Location"]).path
    again.get(again.page)
    count = len(quotations.code_mails(mails, visitor.quotation.email))
    again.give_code(quotations.latest_code(mails, visitor.quotation.email, count=max(count, 2)))
    content = again.http.get(f"{again.page}/file/{uid}").content
    assert hashlib.sha256(content).hexdigest() == sha256
    pack = folder / "pack.zip"
    pack.write_bytes(again.http.get(f"{again.page}/pack").content)
    with zipfile.ZipFile(pack) as archive:
        archive.extract("check.py", folder)
    # By itself: nothing of Odoo, nothing of ours.
    # The fingerprint as the company publishes it: a proof of the first form is not bound to its record by itself.
    ((known,),) = place.sql(SEALED_BY, [visitor.quotation.id])
    command = [sys.executable, "-I", str(folder / "check.py"), str(pack), "--lang", "en", "--certificate", known]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def _refuses_to_seal(place) -> None:
    """The key was encrypted under the other machine's secret: said at sending, with nothing left behind."""
    count = "SELECT count(*) FROM esign_request"
    before = place.sql(count)
    with pytest.raises(RpcError) as refused:
        place.send()
    assert refused.value.name == "odoo.exceptions.UserError", refused.value
    assert place.sql(count) == before


def _sign_with_new_key(place, mails) -> Visitor:
    place.rotate_key()
    visitor = Visitor(place, mails, place.send())
    visitor.enter()
    visitor.read_to_the_end()
    assert visitor.sign().status_code == ANSWERED
    place.run_cron("ir_cron_mails")
    return visitor


def _keys(place) -> int:
    return place.sql("SELECT count(DISTINCT fingerprint) FROM esign_seal")[0][0]


def _evidence(databases, name: str) -> list[tuple]:
    """What must not change by an upgrade: journals, proofs, hashes."""
    queries = (
        "SELECT request_id, seq, type, at, actor, payload_sha256, hash FROM esign_event ORDER BY request_id, seq",
        "SELECT request_id, json, sha256 FROM esign_proof ORDER BY id",
        "SELECT request_id, kind, sha256, size FROM esign_document ORDER BY id",
        "SELECT fingerprint, encode(certificate, 'hex') FROM esign_seal ORDER BY id",
    )
    return [tuple(map(str, found)) for query in queries for found in databases.cluster.sql(name, query)]


def _old_checkout(folder: Path) -> Path:
    """The project as it was, from its own history."""
    command = ["git", "-C", str(paths.CHECKOUT), "archive", OLD_COMMIT, paths.ADDON_NAME]
    done = subprocess.run(command, check=False, capture_output=True)
    if done.returncode:
        pytest.skip(f"the history of this checkout does not reach back to {OLD_COMMIT}")
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder)  # noqa: S202  of our own history
    return folder
