"""What a proof has to tell: the list of SECURITY 5.1, item by item, and where it stands in the record (form 2)."""

__all__ = ["ITEMS", "find"]

ITEMS = {
    1: ("format", "kind", "application.name", "application.version", "application.operator", "company.name",
        "company.registration", "company.address", "company.email"),
    2: ("signature.identifier", "signature.request", "signature.quotation", "signature.title"),
    3: ("signature.level", "signature.not_claimed"),
    4: ("documents", "signature.total", "signature.currency"),
    5: ("signer.name_on_file", "signer.name_declared", "signer.capacity", "signer.acts_for", "signer.email"),
    6: ("identification.customer_since", "identification.paid_invoices", "identification.recorded",
        "identification.company_number", "identification.paid_before"),
    7: ("invitation",),
    8: ("authentication.channel", "authentication.address_masked", "authentication.sent_and_validated",
        "authentication.wrong_codes", "authentication.code_digits", "authentication.code_minutes",
        "authentication.tries", "authentication.code_kept"),
    9: ("device.ticket", "device.secret_sha256", "device.browser", "device.system"),
    10: ("reading.reported_by", "reading.pages_shown", "reading.served", "reading.downloads",
         "reading.last_page_shown_at"),
    11: ("consent.statements", "consent.button", "consent.language", "consent.recap"),
    12: ("act.kind", "act.at", "act.picture_sha256"),
    13: ("times.answered_at", "times.local", "times.source", "times.drift_ms", "times.tokens"),
    14: ("network.at_code", "network.at_answer"),
    15: ("seal.certificate_sha256", "seal.serial", "seal.key_id", "seal.algorithm", "seal.level", "seal.docmdp",
         "seal.chain"),
    16: ("journal.head", "journal.entries", "journal.rule", "journal.anchored", "journal.anchors"),
    17: ("rules.audience", "rules.place_of_contract", "rules.withdrawal", "rules.payment"),
    18: ("how_to_verify.page", "how_to_verify.steps", "how_to_verify.commands", "how_to_verify.sha256",
         "how_to_verify.contact", "how_to_verify.notice", "retention.years", "retention.counted_from"),
}  # fmt: skip
"""Number of the item to paths of keys, from the top of the record."""


def find(record: dict, path: str):
    """Return the value at a path of :data:`ITEMS`.

    :raise KeyError: the record does not tell it
    """
    for key in path.split("."):
        if not isinstance(record, dict):
            raise KeyError(path)
        record = record[key]
    return record
