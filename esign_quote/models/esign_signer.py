from odoo import api, fields, models
from odoo.tools import email_normalize

from ..tools import appearance, codes, fonts, masking
from ..tools.geometry import Placement

# In stored mails a mark stands for the personal link; the link itself is made when a mail
# is handed to the mail server, so that nobody can read it in the database (law 3).
LINK_MARK = "esign-link-"
# What the journal calls the download of a file; all others are annexes.
DOWNLOADS = {
    "quote": "document.downloaded",
    "preview": "document.downloaded",
    "signed": "document.downloaded",
    "proof": "proof.viewed",
}


class EsignSigner(models.Model):
    _name = "esign.signer"
    _description = "E-signature: person asked to sign"
    _inherit = ["esign.transaction"]
    _order = "sequence, id"

    request_id = fields.Many2one("esign.request", required=True, readonly=True, index=True, ondelete="restrict")
    sequence = fields.Integer("Turn", default=1, readonly=True)
    journal_turn = fields.Integer(readonly=True, help="The turn, as the journal tells it; 0: the only signer.")
    uid = fields.Char(required=True, readonly=True, index="btree_not_null", default=lambda self: codes.new_uid())
    message_id = fields.Many2one(
        "mail.message", "Invitation", readonly=True, index="btree_not_null", ondelete="set null"
    )
    ticket_ids = fields.One2many("esign.ticket", "signer_id", readonly=True)

    # Frozen at sending.
    partner_id = fields.Many2one("res.partner", "Contact", readonly=True, index=True, ondelete="set null")
    name = fields.Char(required=True, readonly=True)
    email = fields.Char(required=True, readonly=True)
    phone = fields.Char(readonly=True, help="E.164; only when codes are sent by text message.")
    lang = fields.Char(readonly=True)
    tz = fields.Char(readonly=True)
    customer_name = fields.Char("Company", readonly=True)
    customer_registration = fields.Char("Company number", readonly=True)
    capacity_default = fields.Char(readonly=True)
    identity_facts = fields.Json(readonly=True, help="What the company knew of this customer at sending.")
    recap = fields.Json(readonly=True, help="Lines and totals as texts, in the signer's language.")
    consents = fields.Json(readonly=True, help="The sentences to agree to, word for word.")
    placement = fields.Json(readonly=True, help="Where the stamp goes.")

    # Made when it is the signer's turn: the quotation with the stamps of those who signed before.
    preview_id = fields.Many2one("esign.document", "Shown with earlier stamps", readonly=True, ondelete="set null")

    # Reading, as reported by the signer's browser.
    read_sha256 = fields.Char(readonly=True)
    last_page_on = fields.Datetime("Last page shown on", readonly=True)
    downloaded_on = fields.Datetime(readonly=True)

    # The answer.
    answer = fields.Selection([("signed", "Signed"), ("declined", "Declined")], readonly=True)
    answered_on = fields.Datetime(readonly=True)
    declared_name = fields.Char(readonly=True)
    latin_name = fields.Char(
        "Name in Latin letters", readonly=True, help="Drawn on the stamp when no font of the server has the exact name."
    )
    capacity = fields.Char("Position", readonly=True)
    signature_kind = fields.Selection([("typed", "Typed"), ("drawn", "Drawn")], readonly=True)
    signature_strokes = fields.Text(readonly=True)
    consents_given = fields.Json(readonly=True)
    comment = fields.Text("Reason for declining", readonly=True)
    ip = fields.Char("IP address seen by the server", readonly=True)
    user_agent = fields.Char(readonly=True)

    # What was filled in before a session ended; gone with the answer.
    draft = fields.Json(copy=False, groups=fields.NO_ACCESS)

    masked_email = fields.Char(compute="_compute_masked_email")
    masked_phone = fields.Char(compute="_compute_masked_phone")

    @api.depends("email")
    def _compute_masked_email(self):
        for signer in self:
            signer.masked_email = masking.mask_email(signer.email)

    @api.depends("phone")
    def _compute_masked_phone(self):
        for signer in self:
            signer.masked_phone = masking.mask_phone(signer.phone) if signer.phone else ""

    # === PERSONAL LINK === #

    def _link_mark(self):
        """Return what stands for the personal link in stored mails."""
        self.ensure_one()
        return f"{self._link_base()}{LINK_MARK}{self.uid}"

    def _link_base(self):
        return f"{self._base_url()}/esign/t/"

    def _may_get_link(self, mail, email):
        """Tell whether the personal link may be put into this outgoing mail.

        Only into a mail of the invitation itself that goes to the frozen address and to nobody
        else: a mark pasted into another mail stays a mark (law 3).

        :param mail: `mail.mail`
        :param dict email: one entry of ``mail.mail._prepare_outgoing_list``
        :rtype: bool
        """
        self.ensure_one()
        return (
            mail.mail_message_id == self.message_id
            and bool(self.message_id)
            and email.get("email_to_normalized") == [email_normalize(self.email)]
            and not email.get("email_cc")
            and not email.get("email_bcc")
        )

    def _new_link(self):
        """Issue a ticket and return the personal link; earlier links stop working.

        In a commit of its own: a link that is out must open something, whatever becomes of the
        transaction that sends it, and nothing stays locked while the mail server is slow.

        :rtype: str
        """
        self.ensure_one()
        self.env.flush_all()  # the block drops what is cached
        with self._own_transaction() as this:
            secret = this.env["esign.ticket"]._issue(this)
        return self._link_base() + secret

    # === JOURNAL === #

    def _log(self, entries, actor=None):
        """Append entries that concern this signer; where several sign, they say whose turn they belong to.

        :param list entries: as `esign.request._log` takes them
        """
        self.ensure_one()
        self.fetch(["request_id", "journal_turn"])  # no more than that: the wording is long
        if self.journal_turn:
            entries = [(kind, {**payload, "signer": self.journal_turn}) for kind, payload in entries]
        self.request_id._log(entries, actor)

    # === NAME === #

    def _needs_latin_name(self, name):
        """Tell whether the stamp cannot show a name: its owner is asked for it in Latin letters, too."""
        return not fonts.can_draw(name or "")

    def _stamp_name(self):
        """Return the name as the stamp shows it; journal and proof have it exactly as it was given."""
        return self.latin_name or self.declared_name

    def _stamp(self):
        """Return where this signer's stamp goes, and the stamp as a PDF of one page."""
        return Placement.from_dict(self.placement), appearance.draw_stamp(self.request_id._stamp_content(self))

    # === TURN === #

    def _is_due(self):
        """Tell whether this signer's answer is awaited now."""
        self.ensure_one()
        request = self.request_id
        return request.state == "sent" and request.turn == self.sequence and not request.to_invite

    def _was_asked(self):
        """Tell whether an invitation went out, or is about to."""
        request = self.request_id
        return self.sequence < request.turn or (self.sequence == request.turn and not request.to_invite)

    # === READING === #

    def _shown_document(self):
        """Return what this signer is asked to read: the quotation, with the stamps so far where others signed before."""
        return self.preview_id or self.request_id._document("quote")

    def _may_sign(self):
        """Signing opens once the last page was shown or the file was downloaded."""
        return bool(self.last_page_on or self.downloaded_on)

    def _record_last_page(self, sha256):
        """Note that the browser showed the last page of the file with this hash.

        :param str sha256: what the browser computed of the bytes that it shows
        :return: whether that is the frozen document (law 1)
        :rtype: bool
        """
        self.ensure_one()
        shown = self._shown_document()
        if not codes.same(sha256, shown.sha256):
            self._log([("document.mismatch", {"reported_sha256": str(sha256)[:64]})], actor="signer")
            return False
        if not self.last_page_on:
            now = self._now()
            self.write({"read_sha256": sha256, "last_page_on": now})
            self.request_id.read_on = self.request_id.read_on or now
            self._log([("document.read_to_end", {"reported_sha256": sha256, "pages": shown.pages})], actor="signer")
        return True

    def _record_download(self, document):
        """Note that a file of the request was downloaded."""
        self.ensure_one()
        if document == self._shown_document() and not self.downloaded_on:
            now = self._now()
            self.downloaded_on = now
            self.request_id.read_on = self.request_id.read_on or now
        kind = DOWNLOADS.get(document.kind, "annex.downloaded")
        self._log([(kind, {"name": document.name, "sha256": document.sha256})], actor="signer")
