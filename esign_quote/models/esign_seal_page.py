from odoo import api, models

MAX_KEYS = 500


class EsignSeal(models.Model):
    """What anybody may know of keys: the public page ``/esign/keys``."""

    _inherit = "esign.seal"

    @api.model
    def _public_keys(self):
        """Return the keys of every company that has some, newest first.

        :return: dicts with ``company`` (its name) and ``keys``
        :rtype: list[dict]
        """
        found = self.sudo().with_context(active_test=False).search([], limit=MAX_KEYS)
        groups = found.grouped("company_id").items()
        return [
            {"company": company.name, "keys": [record._public_facts() for record in records]}
            for company, records in sorted(groups, key=lambda item: item[0].id)
        ]

    def _public_facts(self):
        return {
            "holder": self.subject,
            "fingerprint": self.fingerprint,
            "from": self.valid_from,
            "to": self.valid_to,
            "state": self.state,
            "retired_on": self.retired_on,
            "revoked_since": self.revoked_since,
            "revoked_reason": self.revoked_reason,
        }

    @api.model
    def _public_certificate(self, fingerprint):
        """Return the certificate with that SHA-256 as DER, or None.

        :rtype: bytes | None
        """
        domain = [("fingerprint", "=", (fingerprint or "").lower())]
        found = self.sudo().with_context(active_test=False).search(domain, limit=1)
        return found._certificate_der() if found else None
