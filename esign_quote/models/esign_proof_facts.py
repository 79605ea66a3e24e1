import base64
from datetime import UTC, timedelta
from zoneinfo import ZoneInfo

from odoo import models, release
from odoo.modules.module import get_manifest

from ..tools import browsers, certificate_facts
from ..tools.hashing import canonical_json, sha256_hex
from .esign_otp import DIGITS
from .esign_proof import KINDS

FORMAT = "esign_quote/proof/2"
NOT_RECORDED = "not recorded"
CHANNEL_NAMES = {"mail": "e-mail", "sms": "SMS", "both": "e-mail, then SMS"}
# No more than that: a code is not an identity (SECURITY 1.1).
SHOWN_BY = {
    "mail": "control of the mailbox that received the code",
    "sms": "control of the phone that received the code",
    "both": "control of the mailbox and of the phone that received the codes",
}
LEVELS = {
    "signature": "simple electronic signature (Regulation (EU) No 910/2014, article 3(10))",
    "refusal": "none: the quotation was declined, nothing was signed",
    "expiry": "none: the date passed without an answer, nothing was signed",
}
PARTLY = "none: not everybody signed, nothing was concluded"
CLOCK = "clock of the company's database server"
CHAIN_RULE = (
    "h_0 = SHA-256(signature identifier); h_n = SHA-256(0x00 || h_(n-1) || JCS({seq, type, at, actor, payload_sha256}))"
    " (RFC 8785); the head is the last hash"
)
ANCHOR_RULE = (
    "each night one Merkle root (RFC 6962) is made over the heads of all journals that moved, mailed to the company and"
    " time-stamped where it has an authority; the path from this journal to the root is in the dispute pack"
)
WITHDRAWAL_DAYS = 14


class EsignProof(models.Model):
    """The facts of a proof: the numbers are those of the list in `tools.proof_items` (SECURITY 5.1).

    Only what the database holds; what it does not know is "not recorded" or None.
    """

    _inherit = "esign.proof"

    def _facts(self, request, signer):
        """Return the record: plain values without floats, for the canonical form.

        :param signer: `esign.signer`, the first one; what it tells of him it tells of the others under
            ``further_signers``
        :rtype: dict
        """
        kind = KINDS[request.state]
        journal = self.env["esign.event"]._journal(request)
        further = [self._person(request, other, journal) for other in request.signer_ids - signer]
        return {
            "format": FORMAT,
            "kind": kind,
            "application": self._application(request),  # 1
            "company": self._company(request.company_id),
            "signature": self._signature(request, signer, kind),  # 2, 3
            "documents": [self._document(item) for item in request.document_ids],  # 4
            **self._person(request, signer, journal),  # 5 to 12, 14
            **({"further_signers": further} if further else {}),
            "times": self._times(request, signer),  # 13
            "seal": self._seal(request, kind),  # 15
            "journal": self._chain(request, journal),  # 16
            "rules": self._rules(request, kind),  # 17
            "retention": request._retention_facts(),  # 18
            "how_to_verify": self._how_to_verify(request, signer, kind),
        }

    def _person(self, request, signer, journal):
        """Return what is told of one signer."""
        mine = [entry for entry in journal if entry["payload"].get("signer", signer.sequence) == signer.sequence]
        return {
            "signer": self._signer(request, signer),  # 5
            "identification": self._identification(request, signer, mine),  # 6
            "invitation": request._invitation_facts(signer),  # 7
            "authentication": self._authentication(request, signer, mine),  # 8
            "device": self._device(signer, mine),  # 9
            "reading": self._reading(signer, mine),  # 10
            "consent": self._consent(request, signer, mine) if signer.answer == "signed" else None,  # 11
            "act": self._act(request, signer, mine),  # 12
            "network": self._network(signer, mine),  # 14
        }

    def _application(self, request):
        manifest = get_manifest("esign_quote")
        return {
            "name": "esign_quote",
            "version": manifest["version"],
            "platform": f"Odoo {release.version}",
            "operator": NOT_RECORDED,
            "runs_at": request.order_id.get_base_url(),
        }

    def _company(self, company):
        return {
            "name": company.name,
            "registration": company.company_registry or company.vat or "",
            "vat": company.vat or "",
            "email": company.email or "",
            "phone": company.phone or "",
            "address": " ".join((company.partner_id.contact_address or "").split()),
        }

    def _signature(self, request, signer, kind):
        return {
            "identifier": request.reference,
            "request": request.id,
            "quotation": request.order_name,
            "title": request._document("quote").name,
            "level": PARTLY if request._is_partly_signed() else LEVELS[kind],
            "not_claimed": "advanced or qualified signature, qualified time-stamp",
            "kind": signer.signature_kind or "",
            "at": _iso(request.answered_on),
            "clock": CLOCK,
            "verify_at": request._verify_url(),
            "total": signer.recap["total_value"],
            "currency": signer.recap["currency"],
        }

    def _document(self, document):
        return {
            "kind": document.kind,
            "name": document.name,
            "pages": document.pages,
            "bytes": document.size,
            "sha256": document.sha256,
        }

    # === WHO === #

    def _signer(self, request, signer):
        return {
            **({"turn": signer.journal_turn} if signer.journal_turn else {}),
            "name_on_file": signer.name,
            "name_declared": signer.declared_name or "",
            **({"name_in_latin_letters": signer.latin_name} if signer.latin_name else {}),
            "email": signer.email,
            **signer._phone_facts(),
            "capacity": signer.capacity or "",
            "acts_for": "the company named here" if request.audience == "business" else "own name",
            "company": signer.customer_name or "",
            "company_registration": signer.customer_registration or "",
            "ip_at_consent": signer.ip or "",
            "audience": request.audience,
        }

    def _identification(self, request, signer, journal):
        known = {"recorded": [], "company_number": {"number": "", "check": NOT_RECORDED}}
        return {
            **known,  # requests that were sent by former versions knew less
            **(signer.identity_facts or {}),
            "known_at": _iso(request.sent_on),
            "corrected": [
                {"at": entry["at"], "by": entry["actor"]} for entry in journal if entry["type"] == "contact.corrected"
            ],
            "paid_before": self._paid_before(request),
        }

    def _paid_before(self, request):
        """Return the online payments of this order that were there when the customer answered."""
        transactions = request.order_id.sudo().transaction_ids.filtered(
            lambda item: (
                item.state in ("authorized", "done")
                and (item.last_state_change or item.create_date) <= request.answered_on
            )
        )
        return [
            {
                "provider": item.provider_id.name,
                "reference": item.provider_reference or item.reference,
                "amount": str(item.currency_id.round(item.amount)),
                "currency": item.currency_id.name,
                "name_matches": NOT_RECORDED,
            }
            for item in transactions
        ]

    def _authentication(self, request, signer, journal):
        company = request.company_id
        return {
            "what_it_shows": SHOWN_BY[request.channel],
            "channel": CHANNEL_NAMES[request.channel],
            "address_masked": signer.masked_phone if request.channel == "sms" else signer.masked_email,
            "code_digits": DIGITS,
            "code_minutes": company.esign_code_minutes,
            "tries": company.esign_code_tries,
            "code_kept": False,
            "wrong_codes": sum(entry["type"] == "code.refused" for entry in journal),
            "device": "secret cookie of the browser that gave the code, kept as SHA-256",
            "sent_and_validated": [
                {
                    "type": entry["type"],
                    "at": entry["at"],
                    "channel": entry["payload"].get("channel", ""),
                    "to": entry["payload"].get("to", ""),
                }
                for entry in journal
                if entry["type"]
                in ("code.requested", "code.sent", "code.send_failed", "code.refused", "code.validated")
            ],
        }

    def _device(self, signer, journal):
        """Return which browser had access: the one that gave the last right code."""
        proved = _last(journal, "code.validated")
        if not proved:
            return None
        browser = {key: proved[key] for key in ("browser", "system") if key in proved}
        return {
            "ticket": proved.get("ticket", ""),
            "secret_sha256": proved.get("device_sha256", ""),
            **(browser or browsers.describe(signer.user_agent or "")),
            "browser_says": "browser and system are what the browser says of itself",
        }

    def _network(self, signer, journal):
        return {
            "at_code": [entry["payload"].get("ip", "") for entry in journal if entry["type"] == "code.validated"],
            "at_answer": signer.ip or "",
            "seen_by": "the server",
        }

    # === READING, CONSENT, ACT === #

    def _reading(self, signer, journal):
        # What came from an address that was corrected counts no more.
        corrections = [number for number, entry in enumerate(journal, 1) if entry["type"] == "contact.corrected"]
        present = journal[corrections[-1] :] if corrections else journal
        ends = [entry["payload"] for entry in journal if entry["type"] == "document.read_to_end"]
        return {
            "reported_by": "the signer's browser",
            "link_opened_at": [entry["at"] for entry in journal if entry["type"] == "link.opened"],
            "link_opened_note": "may be a mail filter",
            "code_requested_at": _first(present, "code.requested"),
            "code_accepted_at": _first(present, "session.started"),
            "served": [
                {"at": entry["at"], **{key: entry["payload"].get(key) for key in ("name", "sha256")}}
                for entry in journal
                if entry["type"] == "document.served"
            ],
            "pages_shown": ends[-1].get("pages") if ends else None,
            "last_page_shown_at": _iso(signer.last_page_on),
            "downloaded_at": _iso(signer.downloaded_on),
            "downloads": [
                {"at": entry["at"], **{key: entry["payload"].get(key) for key in ("name", "sha256")}}
                for entry in journal
                if entry["type"] in ("document.downloaded", "annex.downloaded")
            ],
            "sha256_of_what_was_shown": signer.read_sha256 or None,
        }

    def _consent(self, request, signer, journal):
        ticked = {entry["payload"]["code"]: entry["at"] for entry in journal if entry["type"] == "consent.ticked"}
        return {
            "button": request._button_text(signer.lang),
            "language": signer.lang,
            "recap": {
                "text": request._recap_text(signer),
                "untaxed": signer.recap["untaxed"],
                "tax": signer.recap["tax"],
                "total": signer.recap["total"],
                "sha256": sha256_hex(canonical_json(signer.recap)),
            },
            "statements": [
                {**item, "ticked": item["code"] in signer.consents_given, "at": ticked.get(item["code"])}
                for item in signer.consents
            ],
        }

    def _act(self, request, signer, journal):
        at = _iso(signer.answered_on or request.answered_on)
        if not signer.answer:
            unasked = {} if signer._was_asked() else {"asked": False}
            return {"kind": "none", "until": _iso(request.expires_on), "at": at, "picture_sha256": None, **unasked}
        if signer.answer == "declined":
            comment = signer.comment or ""
            return {
                "kind": "refusal",
                "at": at,
                "picture_sha256": None,
                "document_sha256": request._document("quote").sha256,
                "button": request._refusal_button_text(signer.lang),
                "comment": comment,
                "comment_sha256": sha256_hex(comment.encode()),
            }
        picture = _last(journal, f"signature.{signer.signature_kind}") or {}
        drawn = signer.signature_kind == "drawn"
        return {
            "kind": signer.signature_kind,
            "at": at,
            "picture_sha256": picture.get("sha256"),
            "picture_is": "the strokes, without speed and pressure" if drawn else "the name as it was typed, in UTF-8",
            "document_sha256": request._document("quote").sha256,
        }

    # === TIMES AND SEAL === #

    def _times(self, request, signer):
        stamped = request._timestamp_facts()["timestamp"]
        local = request.answered_on.replace(tzinfo=UTC).astimezone(ZoneInfo(signer.tz))
        return {
            "answered_at": _iso(request.answered_on),
            "local": local.isoformat(timespec="milliseconds"),
            "time_zone": signer.tz,
            "sent_at": _iso(request.sent_on),
            "open_until": _iso(request.expires_on),
            "sealed_at": _iso(request.sealed_on),
            "source": CLOCK,
            "drift_ms": stamped["drift_ms"] if stamped else None,
            "drift_against": stamped["authority"] if stamped else "not measured: no time-stamp yet",
            "tokens": [stamped] if stamped else [],
        }

    def _seal(self, request, kind):
        record = request.seal_id.with_context(bin_size=False)
        certificates = [record.certificate, *(item.encode() for item in record.chain or ())]
        own, *issuers = (certificate_facts.describe(base64.b64decode(item)) for item in certificates)
        stamped = request._timestamp_facts()
        # The signed file was sealed before this was written; of a refusal or an expiry nothing is sealed but the proof.
        level = stamped["level"] if kind == "signature" else "stated by the seal of the proof itself"
        return {
            "standard": "PAdES (ETSI EN 319 142-1), ETSI.CAdES.detached, DocMDP P=1",
            "level": level,
            "docmdp": 1,
            "of": "the signed file and this proof" if kind == "signature" else "this proof",
            "certificate_sha256": record.fingerprint,
            "subject": record.subject,
            **{key: own[key] for key in ("issuer", "serial", "key_id", "algorithm", "valid_from", "self_signed")},
            "valid_to": str(record.valid_to.date()),
            "key_origin": record.origin,
            "chain": [{key: item[key] for key in ("subject", "serial", "sha256")} for item in issuers],
            "meaning": "protects the file; it is the company's seal, not the customer's signature",
            "original_is_prefix": kind == "signature",
            "timestamp": stamped,
        }

    def _chain(self, request, journal):
        leaves = self.env["esign.anchor.leaf"].sudo().search([("request_id", "=", request.id)], order="seq")
        return {
            "head": request.journal_head,
            "entries": journal,
            "rule": CHAIN_RULE,
            "anchored": ANCHOR_RULE,
            "anchors": [{"day": leaf.anchor_id.day.isoformat(), "root": leaf.anchor_id.root} for leaf in leaves],
        }

    # === RULES === #

    def _rules(self, request, kind):
        """Return what the database knows of the rules for consumers; the place of the contract it does not know."""
        order = request.order_id.sudo()
        return {
            "audience": request.audience,
            "country_of_the_company": request.company_id.country_id.code or NOT_RECORDED,
            "place_of_contract": NOT_RECORDED,
            "withdrawal": self._withdrawal(request, kind),
            "payment": {
                "asked_online": bool(order.require_payment),
                "share": f"{order.prepayment_percent:.0%}" if order.require_payment else "",
                "seven_day_rule": self._seven_days(request),
            },
        }

    def _withdrawal(self, request, kind):
        if kind != "signature":
            return {"last_day": "none: nothing was concluded"}
        if request.audience != "consumer" or not self._in_union(request.company_id.country_id):
            return {"last_day": NOT_RECORDED}
        # A longer period, a later start and the move to a working day only make it later.
        return {
            "days": WITHDRAWAL_DAYS,
            "last_day": NOT_RECORDED,
            "not_before": (request.answered_on.date() + timedelta(days=WITHDRAWAL_DAYS)).isoformat(),
            "why": "where there is a right to withdraw (Directive 2011/83/EU, article 9: distance and off-premises"
            " contracts), the days run from the contract for services and from the receipt for goods",
        }

    def _seven_days(self, request):
        if request.audience != "consumer" or request.company_id.country_id.code != "FR":
            return NOT_RECORDED
        return "not recorded: off-premises, nothing may be paid for 7 days (Code de la consommation, L221-10)"

    def _in_union(self, country):
        union = self.env.ref("base.europe", raise_if_not_found=False)
        return bool(union and country in union.sudo().country_ids)

    # === HOW TO CHECK === #

    def _how_to_verify(self, request, signer, kind):
        quote, signed = request._document("quote"), request._document("signed")
        commands = [{"command": "sha256sum quotation.pdf", "gives": quote.sha256}]
        if signed:
            commands = [
                {"command": "sha256sum signed.pdf", "gives": signed.sha256},
                {"command": f"head -c {quote.size} signed.pdf | sha256sum", "gives": quote.sha256},
            ]
        company = request.company_id
        return {
            "page": request._verify_url(),
            "steps": [
                "compute the SHA-256 of the file and compare it with the one in documents",
                "check the seal of the file, and that its certificate has the SHA-256 in seal",
                "compute the chain of the journal up to its head",
            ],
            "commands": commands,
            "checker": "python3 check.py, or check.html in a browser: both in the dispute pack, both without a network",
            "sha256": "a SHA-256 is a fingerprint of 64 characters, computed from a file: change one letter of the file"
            " and the fingerprint is another one",
            "contact": [item for item in (company.name, company.email, company.phone) if item],
            "notice": self.with_context(lang=signer.lang)._notice(kind),
        }


def _iso(moment):
    """Return a moment (naive UTC) in ISO 8601 with milliseconds, or None."""
    return moment.isoformat(timespec="milliseconds") + "Z" if moment else None


def _first(journal, kind):
    """Return when the first entry of a type was made, or None."""
    return next((entry["at"] for entry in journal if entry["type"] == kind), None)


def _last(journal, kind):
    """Return the payload of the newest entry of a type, or None."""
    return next((entry["payload"] for entry in reversed(journal) if entry["type"] == kind), None)
