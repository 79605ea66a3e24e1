import logging
from datetime import timedelta

from odoo import models

from ..tools import signature
from ..tools.exceptions import SignatureRefused
from ..tools.hashing import canonical_json, sha256_hex

_logger = logging.getLogger(__name__)

LEASE_MINUTES = 2
MAX_CAPACITY = 100
MAX_COMMENT = 2000


class EsignRequest(models.Model):
    _inherit = "esign.request"

    def _sign(self, signer_id, answer, origin):
        """Take the customer's acceptance, then seal (law 6: the consent is committed first).

        :param int signer_id: whose acceptance; the caller proved it
        :param dict answer: ``name``, ``capacity``, ``consents`` (codes ticked), ``kind``
            (``typed`` or ``drawn``) and ``strokes`` (JSON text)
        :param dict origin: ``ip`` and ``user_agent`` as seen by the server
        :return: ``ok``; else ``errors`` ({field: sentence}) or ``reason``: ``closed``,
            ``expired`` or ``changed``
        :rtype: dict
        """
        self.ensure_one()
        with self._own_transaction() as this:
            outcome = this._consent(signer_id, answer, origin)
        if outcome["ok"]:
            self._complete_or_leave_it(lease_held=True)
        elif outcome.get("reason") == "changed":
            with self._own_transaction() as this:
                this._set_void("quote_changed", this.env._("The quotation was changed"))
        elif outcome.get("reason") == "expired":
            with self._own_transaction() as this:
                this._set_expired()
        return outcome

    def _consent(self, signer_id, answer, origin):
        signer = self.env["esign.signer"].browse(signer_id)
        now = self._now()
        refusal = self._closed_reason(signer, now)
        if refusal:
            return {"ok": False, "reason": refusal}
        values, errors = self._checked_answer(signer, answer)
        if errors:
            return {"ok": False, "errors": errors}
        # Before anything else is written: one of two clicks goes on (law 7).
        if not self._take_turn(signer, now):
            return {"ok": False, "reason": "closed"}
        signer.write({**values, **origin, "answer": "signed", "answered_on": now, "draft": False})
        signer._log(self._consent_entries(signer, origin), actor="signer")
        return {"ok": True}

    def _take_turn(self, signer, now):
        """Move on with the acceptance of the signer whose turn it is; the last one's is the acceptance of all.

        :return: False when somebody, or something, was faster
        :rtype: bool
        """
        moved = {"at_turn": signer.sequence, "lease_until": now + timedelta(minutes=LEASE_MINUTES)}
        if signer == self.signer_ids[-1:]:
            return self._move("consented", answered_on=now, **moved)
        return self._move("sent", turn=signer.sequence + 1, to_invite=True, **moved)

    def _closed_reason(self, signer, now):
        if self.state != "sent" or signer.sequence != self.turn:
            return "closed"
        if self.expires_on and self.expires_on < now:
            return "expired"
        # What a change of the quote did not void by itself (law 1).
        return "changed" if self.order_id._esign_fingerprint() != self.fingerprint else None

    def _checked_answer(self, signer, answer):
        """Return the values to keep and, for each bad field, a sentence."""
        errors = {}
        values = {"signature_kind": answer.get("kind") if answer.get("kind") in ("typed", "drawn") else "typed"}
        values.update(self._checked_names(signer, answer, errors))
        if values["signature_kind"] == "drawn":
            try:
                drawing = signature.parse_strokes(answer.get("strokes") or "")
                values["signature_strokes"] = drawing.canonical().decode()
            except SignatureRefused:
                errors["strokes"] = self.env._("Please draw your signature in the frame, or type your name instead.")
        values["capacity"] = (answer.get("capacity") or "").strip()[:MAX_CAPACITY] or False
        if self.audience == "business" and not values["capacity"]:
            errors["capacity"] = self.env._("Please say in which position you sign, for example “director”.")
        ticked = set(answer.get("consents") or ())
        values["consents_given"] = [item["code"] for item in signer.consents if item["code"] in ticked]
        if any(item["required"] and item["code"] not in ticked for item in signer.consents):
            errors["consents"] = self.env._(
                "Please tick the statements above: without them the quotation cannot be signed."
            )
        if not signer._may_sign():
            errors["read"] = self.env._("Please go to the end of the quotation, or download it, before you sign.")
        return values, errors

    def _checked_names(self, signer, answer, errors):
        """Return the name as given and, when no font of this server has it, in Latin letters."""
        try:
            name = signature.clean_typed_name(answer.get("name") or "")
        except SignatureRefused:
            errors["name"] = self.env._("Please write your first and last name.")
            return {}
        latin = False
        if signer._needs_latin_name(name):
            try:
                latin = signature.clean_latin_name(answer.get("latin_name") or "")
            except SignatureRefused:
                errors["latin_name"] = self.env._(
                    "The stamp cannot show all letters of your name. Please write it in Latin letters, too; the proof keeps both."
                )
        return {"declared_name": name, "latin_name": latin}

    def _consent_entries(self, signer, origin):
        # The recap stands on the page with the button: who sent its form had it before the eyes.
        entries = [("recap.shown", {"sha256": sha256_hex(canonical_json(signer.recap))})]
        for item in signer.consents:
            kind = "consent.ticked" if item["code"] in signer.consents_given else "consent.unticked"
            entries.append((kind, {"code": item["code"], "version": item["version"], "sha256": item["sha256"]}))
        drawn = signer.signature_kind == "drawn"
        picture = signer.signature_strokes if drawn else signer.declared_name
        entries.append((f"signature.{signer.signature_kind}", {"sha256": sha256_hex(picture.encode())}))
        confirmed = {
            "name": signer.declared_name,
            **({"latin_name": signer.latin_name} if signer.latin_name else {}),
            "capacity": signer.capacity or "",
            "document_sha256": self._document("quote").sha256,
            **({"shown_sha256": signer.preview_id.sha256} if signer.preview_id else {}),
            "button": self._button_text(signer.lang),
            **origin,
        }
        return [*entries, ("sign.confirmed", confirmed)]

    def _button_text(self, lang):
        """The words on the button; for consumers the law fixes their sense (L221-14)."""
        env = self.with_context(lang=lang).env
        if self.audience == "consumer":
            return env._("Sign and order with obligation to pay")
        return env._("Sign the quote")

    def _refusal_button_text(self, lang):
        return self.with_context(lang=lang).env._("Decline this quote")

    def _recap_text(self, signer):
        """Return the sentence above the button, which the proof quotes."""
        env = self.with_context(lang=signer.lang).env
        values = {"number": self.order_name, "company": self.company_id.name, "total": signer.recap["total"]}
        if self.audience == "consumer":
            return env._(
                "You are about to order: quotation %(number)s of %(company)s, %(total)s incl. taxes. You can go back and correct.",
                **values,
            )
        return env._("You are about to sign: quotation %(number)s of %(company)s, %(total)s incl. taxes.", **values)

    def _decline(self, signer_id, comment, origin):
        """Take the customer's refusal.

        :param str comment: optional reason, passed on to the company
        :return: ``ok``, else ``reason`` (``closed``)
        :rtype: dict
        """
        self.ensure_one()
        comment = (comment or "").strip()[:MAX_COMMENT]
        with self._own_transaction() as this:
            now = this._now()
            signer = this.env["esign.signer"].browse(signer_id)
            lease = now + timedelta(minutes=LEASE_MINUTES)
            if not this._move("declined", at_turn=signer.sequence, answered_on=now, lease_until=lease):
                return {"ok": False, "reason": "closed"}
            answer = {"answer": "declined", "answered_on": now, "comment": comment or False, "draft": False}
            signer.write({**origin, **answer})
            declined = {"comment_sha256": sha256_hex(comment.encode()), **origin}
            signer._log([("decline.confirmed", declined)], actor="signer")
        self._complete_or_leave_it(lease_held=True)
        return {"ok": True}

    def _complete_or_leave_it(self, lease_held=False):
        """The answer is committed: whatever fails now is for the cron, not for the customer."""
        try:
            self._complete(lease_held=lease_held)
        except Exception:
            _logger.exception("esign_quote: %s is answered, its completion failed", self.reference)
