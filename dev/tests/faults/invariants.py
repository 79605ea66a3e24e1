"""The one checker of SECURITY.md 4: what must hold whatever was done to the servers.

    I1  signed <=> one proof, one signed file, one proof file; the files are there, their SHA-256 is the recorded
        one, the seal is valid and nothing follows it; a refusal and an expiry have one proof each, of their kind
    I2  an order is confirmed through a signature only
    I3  no scope saw more than three comparisons in a row that failed
    I4  a code lets in once
    I5  the journal's chain verifies, without a gap, up to the recorded head
        and so do the common hashes of the days, over heads that stand in the journals
    I6  one set of mails for an answer
    I7  no code, link or device secret in clear in the database
    I8  consent <= seal <= time-stamp + 5 s, by the times in the database and by those in the sealed file

Everything is read with SQL and from the disk, nothing through the addon's models; of the addon only its pure tools
are used (the strict verifier and the chain), which pyHanko does the work of.
"""

import base64
import hashlib
import io
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import authority
import rfc8785
import secrets_hunt
import waiting
from pyhanko.pdf_utils.reader import PdfFileReader
from tools import chain, merkle, verify
from tools.exceptions import ChainBroken

TRIES = 3
TOLERANCE = timedelta(seconds=5)  # between two clocks
OVER = ("code.validated", "scope.unlocked")  # then counting starts again
REQUEST = """
    SELECT r.id, r.order_id, r.reference, r.state, r.told, r.applied, r.after_signature,
           r.sealed_on >= r.answered_on, r.answered_on, o.state, s.certificate, array_agg(sg.email), r.order_name
      FROM esign_request r
      JOIN sale_order o ON o.id = r.order_id JOIN esign_seal s ON s.id = r.seal_id
      JOIN esign_signer sg ON sg.request_id = r.id
     WHERE r.order_id = ANY(%s)
     GROUP BY r.id, o.state, s.certificate"""
UNFINISHED = """
    SELECT id FROM esign_request WHERE order_id = ANY(%s)
       AND (state = 'consented' OR state IN ('signed', 'declined') AND NOT (COALESCE(told, FALSE) AND COALESCE(applied, FALSE)))"""
# How a request ends, and what its proof is then.
PROOFS = {"signed": "signature", "declined": "refusal", "expired": "expiry"}
# How the subjects of the mails about it begin, and how many files go to the customer and to the company.
ANNOUNCED = {"signed": ("Signed", 2, 2), "declined": ("Declined", 1, 1), "expired": ("Expired", 0, 1)}
HAS_KINDS = "SELECT 1 FROM information_schema.columns WHERE table_name = 'esign_proof' AND column_name = 'kind'"
UNPROVED = """
    SELECT id FROM esign_request r WHERE order_id = ANY(%s) AND state IN ('declined', 'expired')
       AND NOT EXISTS (SELECT FROM esign_proof p WHERE p.request_id = r.id)"""
FILES = """
    SELECT d.kind, d.sha256, d.size, a.store_fname FROM esign_document d
      LEFT JOIN ir_attachment a ON a.res_model = 'esign.document' AND a.res_id = d.id AND a.res_field = 'content'
     WHERE d.request_id = %s"""
ORPHANS = """
    SELECT 'attachment ' || a.id FROM ir_attachment a LEFT JOIN esign_document d ON d.id = a.res_id
     WHERE a.res_model = 'esign.document' AND d.id IS NULL
     UNION ALL
    SELECT 'document ' || d.id FROM esign_document d LEFT JOIN ir_attachment a
        ON a.res_model = 'esign.document' AND a.res_id = d.id AND a.res_field = 'content' WHERE a.id IS NULL
     UNION ALL
    SELECT 'document ' || d.id FROM esign_document d LEFT JOIN esign_proof p ON p.document_id = d.id
     WHERE d.kind = 'proof' AND p.id IS NULL
     UNION ALL
    SELECT 'mail ' || m.id FROM mail_mail m LEFT JOIN esign_request r ON r.id = m.esign_request_id
     WHERE m.esign_request_id != 0 AND r.id IS NULL"""
MESSAGE_ID = re.compile(rb"^Message-ID:\s*(<[^>]+>)", re.IGNORECASE | re.MULTILINE)
ANCHORS = """
    SELECT a.day::text, a.root, COALESCE(a.previous, ''), a.count, json_agg(json_build_object(
               'journal', r.reference, 'seq', l.seq, 'head', l.head) ORDER BY l.position), bool_and(e.hash = l.head)
      FROM esign_anchor a JOIN esign_anchor_leaf l ON l.anchor_id = a.id JOIN esign_request r ON r.id = l.request_id
      LEFT JOIN esign_event e ON e.request_id = l.request_id AND e.seq = l.seq
     GROUP BY a.id ORDER BY a.day, a.id"""
# In one statement: mails that go out meanwhile make the journal grow.
JOURNAL = """
    SELECT r.journal_seq, r.journal_head, json_agg(json_build_object(
               'seq', e.seq, 'type', e.type, 'at', e.at, 'actor', e.actor, 'payload', e.payload,
               'payload_sha256', e.payload_sha256, 'hash', e.hash) ORDER BY e.seq)
      FROM esign_request r JOIN esign_event e ON e.request_id = r.id WHERE r.id = %s GROUP BY r.id"""


@dataclass(frozen=True)
class Request:
    id: int
    order_id: int
    reference: str
    state: str
    told: bool
    applied: bool
    after_signature: str
    sealed_in_order: bool | None
    answered_on: datetime | None
    order_state: str
    certificate: bytes
    emails: list[str]  # of the signers
    order_name: str


class Invariants:
    """Of one stand. ``check(visitor, …)`` after each round."""

    def __init__(self, stand, mails, *, old: bool = False):
        """``old``: of the version before, where a refusal or an expiry had no proof of its own."""
        self.stand = stand
        self.mails = mails
        self.old = old
        self._drift = False

    def check(self, *visitors, repeats: bool = False, drift: bool = False) -> int:
        """Check everything about the quotations of these visitors.

        :param repeats: whether a mail may have been handed over twice, under the same Message-ID: whoever is killed
            between the mail server's answer and the note of it cannot know
        :param drift: whether the authority's clock is wrong on purpose (I8)
        :return: how many mails were handed over twice
        """
        orders = [visitor.quotation.id for visitor in visitors]
        # What a disturbed worker left, the cron finishes once the lease of two minutes is over.
        waiting.until(lambda: not self._unfinished(orders), timeout=240, what="answers completed")
        self._drift = drift
        repeated = sum(self._check_request(Request(*values), repeats) for values in self.stand.sql(REQUEST, [orders]))
        self._check_orders(orders)
        self._check_anchors()
        secrets_hunt.assert_not_in_tables(self.stand, secrets_hunt.of_visitors(self.mails, visitors))
        return repeated

    def check_nothing_left(self) -> None:
        """No row of the database, of whomever, is without what it belongs to."""
        orphans = [name for (name,) in self.stand.sql(ORPHANS)]
        assert not orphans, f"rows without an owner: {orphans}"

    def _check_request(self, request: Request, repeats: bool) -> int:
        kinds = [entry["type"] for entry in self._checked_journal(request)]
        self._check_evidence(request, kinds)
        self._check_codes(request, kinds)
        told = request.state in (("signed", "declined") if self.old else ANNOUNCED)
        return self._check_mails(request, kinds, repeats) if told else 0

    def _checked_journal(self, request: Request) -> list[dict]:
        ((length, head, journal),) = self.stand.sql(JOURNAL, [request.id])
        # Odoo stores an empty object as NULL.
        journal = [{**entry, "payload": entry["payload"] or {}} for entry in journal]
        try:
            chain.verify(request.reference, journal, head)
        except ChainBroken as broken:
            raise AssertionError(f"I5: {broken} in {journal}") from broken
        assert len(journal) == length, "I5: the end of the journal is missing"
        for (proof,) in self.stand.sql("SELECT json FROM esign_proof WHERE request_id = %s", [request.id]):
            told = json.loads(proof)["journal"]
            chain.verify(request.reference, told["entries"], told["head"])
        return journal

    def _check_evidence(self, request: Request, kinds: list[str]) -> None:
        files = self.stand.sql(FILES, [request.id])
        wanted = self._wanted_proofs(request)
        signed = request.state == "signed"
        count = {kind: sum(row[0] == kind for row in files) for kind in ("quote", "signed", "proof")}
        assert (self._proofs(request), count) == (wanted, {"quote": 1, "signed": int(signed), "proof": len(wanted)}), (
            f"I1: {request.state} with {self._proofs(request)} and {count}"
        )
        for kind, times in (("sign.confirmed", len(request.emails)), ("request.signed", 1), ("document.sealed", 1)):
            assert kinds.count(kind) == signed * times, f"I1: {request.state}, {kinds}"
        assert kinds.count("proof.issued") == len(wanted), f"I1: {request.state}, {kinds}"
        contents = {kind: self._content(*rest) for kind, *rest in files}
        certificate = base64.b64decode(request.certificate)
        for kind in ("signed", "proof"):
            if count[kind]:
                quote = contents["quote"] if kind == "signed" else None
                sha256, size = (hashlib.sha256(quote).hexdigest(), len(quote)) if quote else (None, None)
                verdict = verify.verify_strict(contents[kind], certificate, sha256, size)
                assert verdict.ok, f"I1: the {kind} file: {verdict.reason}"
        if signed:
            assert request.sealed_in_order, "I8: sealed before the consent"
            self._check_times(request, contents["signed"])

    def _wanted_proofs(self, request: Request) -> list[str]:
        """The kinds of proofs that a request in this state has."""
        proved = ("signed",) if self.old or not self._has_kinds() else tuple(PROOFS)
        return [PROOFS[request.state]] if request.state in proved else []

    def _proofs(self, request: Request) -> list[str]:
        kind = "kind" if self._has_kinds() else "'signature'"
        return [row[0] for row in self.stand.sql(f"SELECT {kind} FROM esign_proof WHERE request_id = %s", [request.id])]

    def _has_kinds(self) -> bool:
        """Whether refusals and expiries have proofs of their own in this database."""
        return bool(self.stand.sql(HAS_KINDS))

    def _unfinished(self, orders: list[int]) -> bool:
        unproved = not self.old and self._has_kinds() and self.stand.sql(UNPROVED, [orders])
        return bool(unproved or self.stand.sql(UNFINISHED, [orders]))

    def _check_times(self, request: Request, signed: bytes) -> None:
        """I8, by what is in the file: the time of the seal, the time of its time-stamp."""
        (signature,) = PdfFileReader(io.BytesIO(signed)).embedded_signatures
        sealed = signature.self_reported_timestamp
        # The seal's own time has no fractions of a second.
        answered = request.answered_on.replace(tzinfo=UTC, microsecond=0)
        assert answered <= sealed, f"I8: sealed at {sealed}, before the consent at {answered}"
        stamped = authority.time_of_stamp(signature)
        assert self._drift or not stamped or sealed <= stamped + TOLERANCE, f"I8: sealed {sealed}, stamped {stamped}"

    def _content(self, sha256: str, size: int, store_fname: str) -> bytes:
        content = (self.stand.filestore / store_fname).read_bytes()
        assert (hashlib.sha256(content).hexdigest(), len(content)) == (sha256, size), (
            "I1: a file is not the recorded one"
        )
        return content

    def _check_anchors(self) -> None:
        before = ""
        for day, root, previous, count, leaves, in_journals in self.stand.sql(ANCHORS):
            texts = [{"day": day, "previous": previous}, *leaves]
            hashes = [merkle.leaf_hash(rfc8785.dumps(text)) for text in texts]
            assert (merkle.root(hashes).hex(), len(hashes)) == (root, count), f"I5: the common hash of {day}"
            assert in_journals, f"I5: a head under the common hash of {day} is not in its journal"
            assert previous == before, f"I5: the common hash of {day} follows another one than the day before's"
            before = root

    def _check_orders(self, order_ids: list[int]) -> None:
        query = """
            SELECT o.name FROM sale_order o WHERE o.id = ANY(%s) AND o.state = 'sale' AND NOT EXISTS (
                SELECT FROM esign_request r JOIN esign_proof p ON p.request_id = r.id
                 WHERE r.order_id = o.id AND r.state = 'signed')"""
        unsigned = self.stand.sql(query, [order_ids])
        assert not unsigned, f"I2: confirmed without a signature: {unsigned}"

    def _check_codes(self, request: Request, kinds: list[str]) -> None:
        in_a_row = success = 0
        for kind in kinds:
            in_a_row = in_a_row + 1 if kind == "code.refused" else 0 if kind in OVER else in_a_row
            success = success + 1 if kind == "code.validated" else 0 if kind == "code.requested" else success
            assert in_a_row <= TRIES, f"I3: {kinds}"
            assert success <= 1, f"I4: {kinds}"
        compared = self.stand.comparisons(request.order_id)
        if compared is None:  # on another machine
            return
        assert sum(not found.matched for found in compared) == kinds.count("code.refused"), (
            "I3: journal and probe disagree"
        )
        assert sum(found.matched for found in compared) >= kinds.count("code.validated"), (
            "I4: let in without comparison"
        )

    def _check_mails(self, request: Request, kinds: list[str], repeats: bool) -> int:
        signers = len(request.emails)
        assert kinds.count("copies.queued") == signers, f"I6: {kinds}"
        word, to_customer, to_company = ANNOUNCED[request.state]
        number = request.order_name

        def answers() -> list:
            return [mail for mail in self.mails.messages if number in mail.subject and mail.subject.startswith(word)]

        self.mails.wait_for(lambda _mail: len(by_id(answers())) > signers)
        left = "SELECT id FROM mail_mail WHERE esign_request_id = %s"
        waiting.until(lambda: not self.stand.sql(left, [request.id]), what="I6: all mails handed over")
        copies = answers()
        found = list(by_id(copies).values())
        assert len(found) == signers + 1, f"I6: {[mail.subject for mail in found]}"
        assert repeats or len(copies) == len(found), f"I6: handed over twice: {[mail.subject for mail in copies]}"
        customers = [mail for mail in found if set(request.emails) & set(mail.envelope_to)]
        assert sorted(address for mail in customers for address in mail.envelope_to) == sorted(request.emails), "I6"
        if request.state == "signed" or not self.old:
            files = [len(mail.attachments) for mail in found if mail not in customers]
            assert files == [to_company], "I6: files to the company"
            assert {len(mail.attachments) for mail in customers} == {to_customer}, "I6: files to the customer"
        return len(copies) - len(found)


def by_id(mails: list) -> dict:
    """The mails, each once, by Message-ID."""
    return {MESSAGE_ID.search(mail.raw)[1]: mail for mail in mails}
