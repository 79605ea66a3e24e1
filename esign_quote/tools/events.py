"""What a journal can tell, and which part of it is personal data that ends sooner (SECURITY 5.1, 5.2).

The list is fixed: a checker of another time and place can say what each entry means.
"""

from . import browsers

EVENTS = {
    # === Sending === #
    "request.created": "the quotation was frozen for signature",
    "document.frozen": "a file was frozen: its bytes are the ones with this SHA-256",
    "recipient.frozen": "name, address and way of the code were frozen",
    "contact.changed_recently": "name, address or phone of the contact was changed within the week before",
    "contact.corrected": "the address or number was corrected while the request was open; the old link died",
    "mail.queued": "a message waits to be sent",
    "mail.sent": "the mail server took a message",
    "mail.failed": "the mail server did not take a message",
    "mail.bounced": "a message came back",
    "order.contact_merged": "two contacts of the company's list became one: the quotation's customer has another number there",
    # === Identification === #
    "link.issued": "a personal link was made; earlier ones died",
    "link.opened": "the personal link was opened, perhaps by a mail filter",
    "code.requested": "a one-time code was asked for",
    "code.sent": "a code was handed over to the mail server or SMS provider",
    "code.send_failed": "a code could not be sent",
    "code.refused": "a wrong code was typed",
    "code.validated": "the right code was typed",
    "scope.locked": "entry of codes was locked after too many wrong ones",
    "scope.unlocked": "entry of codes was unlocked",
    "session.started": "a browser got access, having given the code",
    "session.ended": "the signer left",
    "session.timeout": "a session ran out",
    # === Reading === #
    "document.served": "a file was handed, whole, to the signer's browser",
    "document.mismatch": "the browser reported another SHA-256 than the frozen one",
    "document.read_to_end": "the browser reported that the last page was shown",
    "document.downloaded": "the quotation was downloaded",
    "annex.downloaded": "another file was downloaded",
    # === Answer === #
    "recap.shown": "lines, total and statements were shown above the button",
    "consent.ticked": "a statement was ticked when the button was pressed",
    "consent.unticked": "an optional statement was not ticked when the button was pressed",
    "signature.typed": "the signature is the typed name",
    "signature.drawn": "the signature was drawn",
    "sign.confirmed": "the button was pressed: the consent",
    "decline.confirmed": "the quotation was declined",
    # === Sealing === #
    "document.stamped": "a signer's stamp was put into the preview",
    "document.sealed": "the signed file was sealed",
    "timestamp.obtained": "a time-stamp of an authority was obtained",
    "timestamp.pending": "no time-stamp could be had yet",
    "seal.failed": "sealing failed; it is tried again",
    "seal.revoked": "the key of the sending is not to be relied on any more",
    "seal.replaced": "the key of the sending could not seal any more: the company's present one does",
    "self_check.ok": "the sealed file was checked before it was kept",
    "request.signed": "the quotation is signed and sealed",
    "proof.issued": "the proof was written and sealed",
    "copies.queued": "the copies for customer and company wait to be sent",
    # === Ends without a signature === #
    "request.voided": "the ground of the request is gone",
    "request.expired": "the date passed without an answer",
    "request.superseded": "another request took the place of this one",
    # === After the answer === #
    "order.confirmed": "the order was confirmed by the signature",
    "order.not_updated": "the order could not be updated; somebody does it by hand",
    "delivery.recorded": "the day on which the contract was performed",
    "proof.viewed": "somebody opened the proof",
    "pack.downloaded": "somebody downloaded the dispute pack",
    "payment.blocked_until": "nothing may be paid before this day",
    "payment.recorded": "a payment was recorded",
    "withdrawal.started": "the customer began to withdraw",
    "withdrawal.confirmed": "the customer withdrew",
    "withdrawal.receipt_sent": "the receipt of the withdrawal was sent",
    # === Care over the years === #
    "lta.renewed": "the time-stamp was renewed before its certificate ended",
    "integrity.checked": "files, journal and seals were checked",
    "integrity.failed": "a check found something that is not as it was",
    "integrity.restored": "what a check had found is again as it was recorded",
    "hold.set": "nothing of this request may be deleted, whatever its term",
    "hold.lifted": "the usual terms apply again",
    "private.erased": "personal data of the technical log was destroyed at its term",
    "document.removed": "the signed file was removed: both sides have it, and it is not to be archived",
    "retention.purged": "the term is over: files, proof and personal data were destroyed",
    "admin.override": "an administrator did by hand what the addon does by itself",
}

# The three acts that are worth nothing in court without the address they came from (SECURITY 5.1, item 14).
WITH_ADDRESS = frozenset(("code.validated", "sign.confirmed", "decline.confirmed"))


def check(kind: str) -> str:
    """Return ``kind``.

    :raise ValueError: it is not in the list
    """
    if kind not in EVENTS:
        raise ValueError(f"unknown event: {kind}")
    return kind


def separate(kind: str, payload: dict) -> tuple[dict, dict]:
    """Part what is kept as long as the proof from what is kept as long as a technical log.

    :param payload: may hold ``private`` (dict), ``user_agent`` and ``ip``
    :return: the public part, with family and system of the browser in the place of its full name,
        and the private part, which may be empty
    """
    public = dict(payload)
    private = dict(public.pop("private", None) or {})
    if "user_agent" in public:
        agent = public.pop("user_agent") or ""
        private["user_agent"] = agent
        public |= browsers.describe(agent)
    if "ip" in public and kind not in WITH_ADDRESS:
        private["ip"] = public.pop("ip")
    return public, private
