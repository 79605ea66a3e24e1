import base64
from datetime import UTC

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from ..tools import pkcs11_key, seal, vault
from ..tools.certificate_chain import read_certificates, sealing_chain
from ..tools.exceptions import SealError

VALIDITY_YEARS = 10


class EsignSeal(models.Model):
    """Where keys come from: generated, uploaded, or in a security module."""

    _inherit = "esign.seal"

    @api.model
    def _generate(self, company):
        """Generate a P-256 key and a self-signed certificate of ten years for ``company``.

        :return: the new active seal
        :rtype: recordset of `esign.seal`
        """
        key_der, certificate_der = seal.generate_certificate(
            common_name=company.name,
            organisation=company.name,
            country=company.country_id.code or None,
            now=fields.Datetime.now().replace(tzinfo=UTC),
            years=VALIDITY_YEARS,
        )
        key = seal.SealKey.load(key_der, certificate_der)
        return self._install(company, "generated", key, key_vault=self._encrypted(key, key_der))

    @api.model
    def _import_pkcs12(self, company, content, password):
        """Replace the company's key by the one of a PKCS#12 file.

        :param bytes content: the file (RFC 7292)
        :param str password: its password; not stored
        :raise UserError: wrong password, no key, unsupported key, or a certificate that is not to seal with
        """
        try:
            key_der, certificate_der, others = seal.read_pkcs12(content, password)
            chain = sealing_chain(certificate_der, others, self._now().replace(tzinfo=UTC))
            key = seal.SealKey.load(key_der, certificate_der, tuple(chain))
        except SealError as error:
            raise UserError(self._explain(error)) from error
        return self._install(company, "pkcs12", key, key_vault=self._encrypted(key, key_der))

    @api.model
    def _use_token(self, company, content=None):
        """Replace the company's key by the one in the security module that the server's configuration names.

        :param bytes content: the certificate, with its issuers if there are any (DER or PEM); by default the one
            that stands on the token
        :raise UserError: the module does not open, or a certificate that does not fit or is not to seal with
        """
        settings = self._token_settings()
        try:
            stored = None if content else pkcs11_key.read_token_certificate(settings)
            if not content and not stored:
                raise UserError(
                    self.env._("The security module holds no certificate of this key: please upload it here.")
                )
            certificate_der, *others = read_certificates(content or stored)
            chain = sealing_chain(certificate_der, others, self._now().replace(tzinfo=UTC))
            key = pkcs11_key.load_token_key(settings, certificate_der, tuple(chain))
        except SealError as error:
            raise UserError(self._explain(error)) from error
        return self._install(company, "pkcs11", key, token_key=settings.key)

    @api.model
    def _token_settings(self, key=None):
        """Return where the security module is: always from the server, the PIN is in no database.

        :param str key: label of a key that was installed before; by default the configured one
        """
        setting = self.env["esign.vault"]._setting
        names = ("pkcs11_module", "pkcs11_token", "pkcs11_key", "pkcs11_pin")
        module, token, configured, pin = map(setting, names)
        return pkcs11_key.TokenSettings(module, token, key or configured, pin)

    def _encrypted(self, key, key_der):
        return base64.b64encode(vault.encrypt(key_der, self.env["esign.vault"]._master(), key.fingerprint))

    def _install(self, company, origin, key, **values):
        # What follows is done with all rights; a form hides other companies, a request of one's own does not.
        if not self.env.su and company not in self.env.user.company_ids:
            raise AccessError(self.env._("You may not replace the sealing key of this company."))
        known = self.sudo().with_context(active_test=False).search([("fingerprint", "=", key.fingerprint)])
        if any(known.mapped("revoked_on")):
            raise UserError(self.env._("This key was revoked: it cannot be used again."))
        previous = self.sudo().search([("company_id", "=", company.id)])
        previous.write({"active": False, "retired_on": fields.Datetime.now()})
        self.env.flush_all()
        company.sudo().esign_key_alert_on = False
        return self.sudo().create(
            {
                "company_id": company.id,
                "origin": origin,
                "subject": key.subject,
                "fingerprint": key.fingerprint,
                "valid_from": _naive(key.not_before),
                "valid_to": _naive(key.not_after),
                "certificate": base64.b64encode(key.certificate),
                "chain": [base64.b64encode(item).decode() for item in key.chain],
                **values,
            }
        )

    def _explain(self, error):
        """Return a sentence for what is wrong with a key, a certificate or a security module."""
        texts = {
            "bad_password": self.env._("The password does not open this file."),
            "no_key": self.env._("This file holds no private key."),
            "key_unsupported": self.env._(
                "This kind of key cannot seal: RSA of at least 2048 bits, P-256 or P-384 is needed."
            ),
            "key_mismatch": self.env._("The private key and the certificate do not belong together."),
            "certificate_unreadable": self.env._("This is not a certificate in the form DER or PEM."),
            "certificate_expired": self.env._(
                "This certificate is not valid today: it ended on %s.", error.detail.get("not_after", "")[:10]
            ),
            "certificate_not_yet_valid": self.env._(
                "This certificate is not valid today: it begins on %s.", error.detail.get("not_before", "")[:10]
            ),
            "key_usage": self.env._(
                "This certificate may not be used for signatures (key usage): ask your certification authority for one for electronic seals or signatures."
            ),
            "is_authority": self.env._(
                "This is the certificate of a certification authority, which issues others: it is not one to seal documents with."
            ),
            "chain_foreign": self.env._(
                "None of the other certificates of this file issued this one. Ask your certification authority for the file with the right chain."
            ),
            "chain_expired": self.env._(
                "The certificate of the issuer %s is not valid today. Ask your certification authority for the current chain.",
                error.detail.get("subject", ""),
            ),
            **self._token_texts(),
        }
        return texts.get(error.reason) or self.env._("This is not a usable PKCS#12 file.")

    def _token_texts(self):
        return {
            "token_incomplete": self.env._(
                "The server's configuration does not say where the security module is: pkcs11_module, pkcs11_token, pkcs11_key and pkcs11_pin are needed (see README, “Sealing key”)."
            ),
            "token_package": self.env._(
                "The Python package python-pkcs11 is not installed on this server: without it no security module can be used."
            ),
            "token_module": self.env._("The library of the security module (pkcs11_module) cannot be loaded."),
            "token_missing": self.env._("The security module has no token with the configured label (pkcs11_token)."),
            "token_pin": self.env._(
                "The security module refuses the configured PIN (pkcs11_pin). It is not tried again before it is changed or Odoo is restarted, so that the token does not lock itself."
            ),
            "token_key": self.env._(
                "The token holds no private key, or several, with the configured label (pkcs11_key)."
            ),
            "token_failed": self.env._("The security module did not sign. Check that it is connected and switched on."),
        }


def _naive(moment):
    """Return an aware UTC ``datetime`` as Odoo stores it."""
    return moment.replace(tzinfo=None, microsecond=0)
