"""R-21: after a complete run, its secrets are nowhere to be found (law 11)."""

import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
import quotations
import secrets_hunt
import waiting
from visitor import Visitor

from devtools.odoo_server import data_dir

ATTEMPTS = 2  # a number of six digits may turn up by chance, but not in two runs
WRONG = 303, 422, 429, 404


def test_secrets(stand, caught, row, invariants):
    """R-21 secrets hunt."""
    for attempt in range(1, ATTEMPTS + 1):
        since, before = time.time(), secrets_hunt.words(_dump(stand))
        logs = {path: path.stat().st_size for path in _logs(stand)}
        visitors = _run(stand, caught)
        known = secrets_hunt.of_visitors(caught, visitors)
        # What the database held before they were drawn says nothing.
        known = secrets_hunt.Secrets(known.long, frozenset(code for code in known.codes if code.encode() not in before))
        _assert_hunt_works(known)
        found, places = {}, 0
        for place, content in _places(stand, logs, since):
            places += 1
            if hits := known.found_in(content):
                found[place] = hits
        invariants.check(*visitors)
        row(attempt, secrets=len(known.long), codes=len(known.codes), places=places, hits=len(found))
        only_codes = all(hit.startswith("code ") for hits in found.values() for hit in hits)
        if not found or not only_codes or attempt == ATTEMPTS:
            break
    assert not found


def _run(stand, mails) -> list[Visitor]:
    """Everything that handles secrets: links, codes right, wrong and not sent, answers, odd addresses, ways back in."""
    signing, declining, idling, failing = (Visitor(stand, mails, stand.send()) for _number in range(4))
    code = signing.ask_for_code()
    assert signing.post(f"{signing.page}/verify", code=quotations.another_code(code)).status_code == 422
    assert signing.post(f"{signing.page}/verify", code=code).status_code == 303
    signing.read_to_the_end()
    declining.enter()
    idling.ask_for_code()
    for path in ("", "/", "?a=1", "/nothing", "/code?code=1", "#x"):
        idling.http.get(idling.link + path, headers={"Referer": stand.url + idling.link})
    idling.http.get(idling.link.replace("/t/", "/%74/"))
    idling.http.request("PUT", idling.link)
    idling.http.post(f"{idling.link}/code", data={"csrf_token": "wrong"})
    _without_mail_server(stand, mails, failing)
    assert signing.sign().status_code == declining.decline().status_code == 303
    signing.get(signing.page)
    return [signing, declining, idling, failing, *_by_text_message(stand, mails), *_back_in(stand, mails)]


def _by_text_message(stand, mails) -> list[Visitor]:
    """A code on the phone, right, wrong and refused by the service; two codes in turn."""
    texting, both, refused = (Visitor(stand, mails, stand.send(channel)) for channel in ("sms", "both", "sms"))
    stand.forget_limits()  # these numbers differ in the last digits only, a sign of fraud
    right = _text_code(texting, lambda: texting.post(f"{texting.link}/code"))
    texting.post(f"{texting.page}/verify", code=quotations.another_code(right))
    texting.give_code(right)
    first = both.ask_for_code()
    second = _text_code(both, lambda: both.post(f"{both.page}/verify", code=first))
    both.give_code(second)
    both.read_to_the_end()
    assert both.sign(consents=["C1-BOTH", "C2"]).status_code == 303
    stand.forgiven.append("a text message could not be sent")
    stand.texts.state = "insufficient_credit"
    refused.get(refused.link)
    assert "no try was used" in refused.post(f"{refused.link}/code").text
    stand.texts.state = "success"
    return [texting, both, refused]


def _text_code(visitor: Visitor, ask) -> str:
    visitor.get(visitor.page or visitor.link)
    answer = ask()
    assert answer.status_code == 303 or "Now the code on your phone" in answer.text, answer.text
    visitor.page = visitor.page or httpx.URL(answer.headers["Location"]).path
    visitor.get(visitor.page)
    text = visitor.mails.wait_for(to=quotations.sms_address(visitor.quotation)).text
    return quotations.CODE.search(text)[0]


def _back_in(stand, mails) -> list[Visitor]:
    """Locked out, with a way out that is used and one that is not; a lost link."""
    unlocking, locked, lost = (Visitor(stand, mails, stand.send()) for _number in range(3))
    for visitor in (unlocking, locked):
        visitor.lock_out(visitor.ask_for_code())
    ways = [urlsplit(quotations.unlock_link(mails, visitor.quotation.email)).path for visitor in (unlocking, locked)]
    unlocking.get(ways[0])
    assert unlocking.post(ways[0]).status_code == 200
    assert unlocking.post(ways[0]).status_code == 404
    locked.get(f"{ways[1]}?a=1")
    locked.http.post(ways[1], data={"csrf_token": "wrong"})
    former = lost.link
    lost.get("/esign/again")
    assert lost.post("/esign/again", email=lost.quotation.email).status_code == 200
    stand.run_cron("ir_cron_wishes")
    waiting.until(lambda: lost.link != former, what="the new link")
    assert lost.get(former).status_code == 404
    lost.ask_for_code()
    return [unlocking, locked, lost]


def _without_mail_server(stand, mails, visitor: Visitor) -> None:
    """A code and an invitation that cannot be handed over: what is left of them is left for good."""
    stand.forgiven += [
        "could not be sent",
        "Mail delivery failed",
        "failed to send",
        "Connection refused",
        "mail server",
    ]
    visitor.get(visitor.link)
    mails.fault = "refuse"
    visitor.post(f"{visitor.link}/code")
    stand.send()
    mails.fault = None


def _places(stand, logs: dict[Path, int], since: float):
    """What is searched: (name, content)."""
    for path in _logs(stand):
        with path.open("rb") as log:
            log.seek(logs.get(path, 0))
            yield str(path), log.read()
    yield "dump of the database", _dump(stand)
    for path in _files(stand.filestore):
        content = path.read_bytes()
        yield str(path), content
        if content.startswith(b"%PDF") and path.stat().st_mtime >= since:
            plain = subprocess.run(["qpdf", "--qdf", str(path), "-"], check=False, capture_output=True)
            assert plain.stdout, plain.stderr
            yield f"{path}, uncompressed", plain.stdout
    for path in _files(data_dir(stand.cluster) / "sessions"):
        if path.stat().st_mtime >= since:
            yield str(path), path.read_bytes()


def _logs(stand) -> list[Path]:
    """Of the servers, and of the database, which quotes statements that failed."""
    return [*(server.log_path for server in stand.servers), stand.cluster.log]


def _files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def _dump(stand) -> bytes:
    cluster = stand.cluster
    command = [
        cluster.binaries / "pg_dump",
        "--host",
        cluster.host,
        "--port",
        str(cluster.port),
        "--username",
        cluster.user,
    ]
    return subprocess.run([*map(str, command), stand.database], check=True, capture_output=True).stdout


def _assert_hunt_works(known: secrets_hunt.Secrets) -> None:
    """A hunter who is blind finds nothing, too."""
    assert len(known.long) >= 20 and len(known.codes) >= 8, "links, devices and codes of the run"
    for secret in known.long:
        for form, text in secrets_hunt.forms(secret):
            assert known.found_in(b"left" + text + b"right"), form
    for code in known.codes:
        assert known.found_in(f"Your code: {code}.".encode())
        assert not known.found_in(f"2026-01-01 10:00:00.{code} #{code} a{code}".encode())


@pytest.mark.parametrize("text", [b"id 123456,", b"(123456)", b"123456", b"<b>123456</b>"])
def test_words(text):
    assert secrets_hunt.words(text) == {b"123456"}
