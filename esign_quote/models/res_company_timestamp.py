import base64
from datetime import UTC
from urllib.parse import urlsplit

from odoo import api, fields, models
from odoo.exceptions import ValidationError

from ..tools import download, timestamp, vault
from ..tools.certificate_chain import read_certificates
from ..tools.exceptions import DownloadError, SealError, TimestampError, VaultError


class ResCompany(models.Model):
    """Companies: who stamps the time (RFC 3161)."""

    _inherit = "res.company"

    esign_tsa_url = fields.Char("Address of the time-stamp authority")
    esign_tsa_second_url = fields.Char("Second address", help="Asked when the first one does not answer.")
    esign_tsa_user = fields.Char("User name")
    # Encrypted under the server's secret, bound to the addresses it was given for, and out of every user's reach.
    esign_tsa_password_vault = fields.Binary(attachment=False, copy=False, groups=fields.NO_ACCESS)
    esign_tsa_policy = fields.Char(
        "Policy", help="Number of the authority's policy, such as 1.3.6.1.4.1.1; tokens of others are then refused."
    )
    esign_tsa_roots = fields.Binary(
        "Trusted root certificates",
        attachment=False,
        help="PEM or DER. Without them, whoever answers at the address is believed.",
    )
    esign_tsa_roots_name = fields.Char()
    esign_tsa_when_unavailable = fields.Selection(
        [("wait", "Wait for it: the acceptance is kept, the sealed file comes later"), ("without", "Seal without")],
        "When it does not answer",
        default="wait",
        required=True,
    )

    @api.constrains("esign_tsa_url", "esign_tsa_second_url", "esign_tsa_policy", "esign_tsa_roots")
    def _check_esign_tsa(self):
        for company in self:
            for url in filter(None, (company.esign_tsa_url, company.esign_tsa_second_url)):
                try:
                    download.check_address(url)
                except DownloadError as error:
                    raise ValidationError(company._esign_explain_timestamp(error.reason)) from error
            if company.esign_tsa_policy and not timestamp.is_policy(company.esign_tsa_policy):
                raise ValidationError(
                    self.env._("A policy is a number with dots, such as 1.3.6.1.4.1.1; the authority tells it.")
                )
            try:
                company._esign_tsa_root_certificates()
            except SealError as error:
                raise ValidationError(self.env._("This file holds no certificate (PEM or DER).")) from error

    def write(self, vals):
        """Ask an authority at once again when its settings change."""
        result = super().write(vals)
        if any(name.startswith("esign_tsa_") for name in vals):
            for company in self:
                self.env["esign.authority"].sudo()._forget_pause(company)
        return result

    # === AUTHORITY === #

    def _esign_has_tsa(self):
        """Tell whether an authority stamps the time of this company's files."""
        self.ensure_one()
        return bool(self.sudo().esign_tsa_url)

    def _esign_timestamp_service(self):
        """Return what is needed to ask the authority, as plain values: no transaction need be open meanwhile.

        :rtype: tools.timestamp.Service
        :raise TimestampError: ``none`` without an authority, ``password_lost``
        """
        self.ensure_one()
        this = self.sudo().with_context(bin_size=False)
        if not this._esign_has_tsa():
            raise TimestampError("none")
        user, password = this.esign_tsa_user or "", this._esign_tsa_password()
        urls = list(filter(None, (this.esign_tsa_url, this.esign_tsa_second_url)))
        if self.env["esign.authority"]._takes_detour(self):
            urls.reverse()
        now = self.env["esign.authority"]._now().replace(tzinfo=UTC)
        return timestamp.Service(
            tuple(timestamp.Authority(url.strip(), user, password) for url in urls),
            roots=this._esign_tsa_root_certificates(),
            policy=this.esign_tsa_policy or None,
            revoked=self.env["esign.revocation"]._revoked_of(self),
            # The database's clock, the one clock of all servers.
            clock=timestamp.running_clock(now),
        )

    def _esign_tsa_root_certificates(self):
        content = base64.b64decode(self.with_context(bin_size=False).esign_tsa_roots or b"")
        return tuple(read_certificates(content)) if content else ()

    # === PASSWORD === #

    def _esign_keep_tsa_password(self, password):
        """Keep the authority's password, or forget it when it is empty."""
        self.ensure_one()
        this = self.sudo()
        master = self.env["esign.vault"]._master()
        kept = vault.encrypt(password.encode(), master, this._esign_tsa_context()) if password else b""
        this.esign_tsa_password_vault = base64.b64encode(kept) or False

    def _esign_tsa_password(self):
        kept = self.sudo().with_context(bin_size=False).esign_tsa_password_vault
        if not kept:
            return ""
        try:
            master = self.env["esign.vault"]._master()
            return vault.decrypt(base64.b64decode(kept), master, self._esign_tsa_context()).decode()
        except VaultError as error:
            raise TimestampError("password_lost") from error

    def _esign_tsa_password_state(self):
        """Return ``none``, ``kept`` or ``lost``: it was kept for other addresses."""
        try:
            return "kept" if self._esign_tsa_password() else "none"
        except TimestampError:
            return "lost"

    def _esign_tsa_context(self):
        # Whoever changes an address must type the password again: else it could be sent anywhere.
        places = sorted(urlsplit(url.strip()).netloc for url in (self.esign_tsa_url, self.esign_tsa_second_url) if url)
        return f"time-stamp authority of company {self.id} at {' '.join(places)}"

    # === WORDS === #

    def _esign_explain_timestamp(self, reason):
        """Return a sentence for people about a failure.

        :param str reason: a key of `tools.timestamp.REASONS`, ``none`` or ``password_lost``
        :rtype: str
        """
        _ = self.env._
        texts = {
            "none": _("No time-stamp authority is set."),
            "password_lost": _(
                "The password of the time-stamp authority must be typed again: it was kept for another address, or under another secret of the server."
            ),
            "bad_address": _("The address of a time-stamp authority begins with https:// or http://."),
            "insecure_password": _("A password is sent over https only: correct the authority's address."),
            "unreachable": _("The time-stamp authority cannot be reached."),
            "timeout": _("The time-stamp authority does not answer in time."),
            "http_status": _("The time-stamp authority refuses the connection; user name and password may be wrong."),
            "rejected": _("The time-stamp authority refuses to stamp."),
            "policy": _("The time-stamp authority answers under another policy than the one that is set."),
            "expired": _("The time-stamp authority uses a certificate that is out of date."),
            "untrusted": _("The time-stamp authority's certificate was not issued by a trusted root."),
            "revoked": _("The time-stamp authority's certificate is revoked."),
            "clock": _(
                "The time-stamp authority's clock and this server's are more than a minute apart: one of them is wrong."
            ),
        }
        return texts.get(reason) or _(
            "The time-stamp authority's answer cannot be relied on (reason for its support: %s).", reason
        )
