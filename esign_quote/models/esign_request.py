from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import SQL

from ..tools import chain, codes, events

STATES = [
    ("sent", "Waiting for the customer"),
    ("consented", "Accepted, being sealed"),
    ("signed", "Signed"),
    ("declined", "Declined"),
    ("expired", "Expired"),
    ("void", "Void"),
]
# A request in one of these states still binds the quotation.
OPEN_STATES = ("sent", "consented")


class EsignRequest(models.Model):
    _name = "esign.request"
    _description = "E-signature: signing procedure"
    _inherit = ["esign.transaction"]
    _order = "id desc"
    _rec_name = "reference"
    _check_company_auto = True

    reference = fields.Char(
        "Signature identifier", required=True, readonly=True, default=lambda self: codes.new_reference()
    )
    order_id = fields.Many2one(
        "sale.order", "Quotation", required=True, readonly=True, index=True, ondelete="restrict", check_company=True
    )
    company_id = fields.Many2one("res.company", required=True, readonly=True, index=True)
    user_id = fields.Many2one("res.users", "Salesperson", readonly=True)
    state = fields.Selection(STATES, default="sent", required=True, readonly=True, index=True)
    after_signature = fields.Selection(
        [("confirm", "Confirm the order"), ("check", "Leave it for a check")], readonly=True, required=True
    )
    seal_id = fields.Many2one("esign.seal", readonly=True, ondelete="restrict", check_company=True)
    signer_ids = fields.One2many("esign.signer", "request_id", readonly=True)
    document_ids = fields.One2many("esign.document", "request_id", readonly=True)
    event_ids = fields.One2many("esign.event", "request_id", "Journal", readonly=True)
    proof_ids = fields.One2many("esign.proof", "request_id", readonly=True)

    # What was frozen when the request was made.
    order_name = fields.Char("Number", readonly=True)
    fingerprint = fields.Char(readonly=True, help="SHA-256 of what the quotation says.")
    # Mail templates that were changed by hand, or are of former versions, ask for it here.
    recap = fields.Json("What the first signer was told", compute="_compute_recap")
    audience = fields.Selection([("consumer", "Consumer"), ("business", "Business")], readonly=True, required=True)

    # When each step was taken (naive UTC, the database's clock).
    sent_on = fields.Datetime(readonly=True)
    opened_on = fields.Datetime("Code requested on", readonly=True)
    identified_on = fields.Datetime("Code accepted on", readonly=True)
    read_on = fields.Datetime(readonly=True)
    answered_on = fields.Datetime(readonly=True)
    sealed_on = fields.Datetime(readonly=True)
    expires_on = fields.Datetime(readonly=True)
    closing_reason = fields.Char(readonly=True)

    # What is still to be done once the customer has answered; a cron resumes it.
    told = fields.Boolean(readonly=True, copy=False)
    applied = fields.Boolean(readonly=True, copy=False)
    lease_until = fields.Datetime(readonly=True, groups="base.group_system")
    journal_seq = fields.Integer(readonly=True, default=0)
    journal_head = fields.Char(readonly=True)

    _reference_unique = models.Constraint("UNIQUE(reference)", "A signature identifier is given once.")
    _one_open = models.UniqueIndex(
        "(order_id) WHERE state IN ('sent', 'consented')",
        "A signing procedure is already open for this quotation.",
    )
    _unfinished = models.Index(
        "(id) WHERE state = 'consented' OR (state IN ('signed', 'declined') AND NOT (told AND applied))"
        " OR (state = 'expired' AND told IS NOT TRUE) OR (state = 'sent' AND to_invite)"
    )

    @api.depends("signer_ids.recap")
    def _compute_recap(self):
        for request in self:
            request.recap = request.signer_ids[:1].recap

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(self.env._("A signing procedure is kept; it can be cancelled, not deleted."))

    # === STATE === #

    def _move(self, target, sources=("sent",), at_turn=None, **values):
        """Move to ``target`` when the state is one of ``sources``: compare and set.

        The only place where a state changes. Two clicks, tabs or servers: one of them gets
        True. Under READ COMMITTED the loser waits and gets False; under REPEATABLE READ it
        gets a serialization failure, and Odoo repeats the request.

        :param str target: a key of :data:`STATES`
        :param int at_turn: only as long as it is this signer's turn
        :param values: further columns to set in the same statement
        :rtype: bool
        """
        self.ensure_one()
        self.env.flush_all()
        columns = SQL(", ").join(
            SQL("%s = %s", SQL.identifier(name), value) for name, value in {"state": target, **values}.items()
        )
        self.env.cr.execute(
            SQL(
                "UPDATE esign_request SET %s, write_date = now() AT TIME ZONE 'UTC' WHERE id = %s AND state IN %s%s RETURNING id",
                columns,
                self.id,
                tuple(sources),
                SQL(" AND turn = %s", at_turn) if at_turn else SQL(),
            )
        )
        moved = bool(self.env.cr.fetchone())
        self.invalidate_recordset(["state", "write_date", *values])
        return moved

    def _set_void(self, reason, detail):
        """Close an open request because the ground it stood on is gone (law 1).

        :param str reason: a word for the journal: ``quote_changed``, ``order_confirmed``,
            ``order_cancelled`` or ``cancelled_by_company``
        :param str detail: the same for people
        """
        for request in self:
            if request._move("void", closing_reason=detail, answered_on=request._now()):
                request._log([("request.voided", {"reason": reason, "by": self.env.user.login or ""})])
                request._tell_who_signed()

    def _set_expired(self):
        """Close an open request whose date has passed."""
        if self._move("expired", answered_on=self._now()):
            self._log([("request.expired", {})])

    def _is_open(self):
        return self.state in OPEN_STATES

    def _covers(self, order):
        """Tell whether this is the signature of what the quotation says now."""
        return self.state == "signed" and (order.state == "sale" or order._esign_fingerprint() == self.fingerprint)

    def _tells_of_order(self):
        """Tell whether the quotation still says what it said, where that will be asked again."""
        asked = self.state == "signed" or self._is_open()
        return asked and self.order_id._esign_fingerprint() == self.fingerprint

    def _follow_merged_contacts(self):
        """Keep up with contacts that became one, so that the quotation is not taken for another one."""
        for request in self:
            before, request.fingerprint = request.fingerprint, request.order_id._esign_fingerprint()
            request._log([("order.contact_merged", {"before": before, "after": request.fingerprint})])

    # === JOURNAL === #

    def _log(self, entries, actor=None):
        """Append entries to the journal of this request, in order, in this transaction.

        The row lock makes the sequence gapless: whoever comes second sees the new head, or is
        repeated by Odoo.

        What is personal and ends sooner (full user agent, most addresses, whatever stands under
        ``private``) does not get into the journal but beside it (`tools.events.separate`).

        :param list entries: tuples ``(type, payload dict without floats)``; types of `tools.events.EVENTS`
        :param str actor: who did it; by default the company's user or the system
        :raise ValueError: a type that is not in the list
        """
        self.ensure_one()
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT r.journal_seq, r.journal_head, r.company_id,
                      to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                      clock_timestamp() AT TIME ZONE 'UTC' + make_interval(months => c.esign_private_months)
                 FROM esign_request r JOIN res_company c ON c.id = r.company_id
                WHERE r.id = %s FOR UPDATE OF r""",
            [self.id],
        )
        seq, head, company_id, moment, keep_until = self.env.cr.fetchone()
        head = head or chain.start(self.reference)
        rows, apart = [], []
        for kind, everything in entries:
            payload, private = events.separate(events.check(kind), everything)
            if private:
                values, commitment = self.env["esign.event.private"]._values(private, keep_until)
                apart.append((len(rows), values))
                payload |= commitment
            seq += 1
            entry = {
                "seq": seq,
                "type": kind,
                "at": moment,
                "actor": actor or self._actor(),
                "payload_sha256": chain.payload_hash(payload),
            }
            head = chain.link(head, entry)
            rows.append({**entry, "payload": payload, "hash": head, "request_id": self.id})
        # With the company said, Odoo need not read the whole user to find out.
        journal = self.env["esign.event"].sudo().with_context(allowed_company_ids=[company_id])
        created = journal.create(rows)
        if apart:
            journal.env["esign.event.private"].create(
                [{**values, "event_id": created[index].id, "request_id": self.id} for index, values in apart]
            )
        self.env.cr.execute(
            "UPDATE esign_request SET journal_seq = %s, journal_head = %s WHERE id = %s", [seq, head, self.id]
        )
        self.invalidate_recordset(["journal_seq", "journal_head", "event_ids"])

    def _actor(self):
        user = self.env.user
        return f"user:{user.login}" if user._is_internal() and not user._is_superuser() else "system"

    # === ACTIONS === #

    def action_cancel(self):
        """Cancel the procedure: the customer's link stops working, nothing is signed."""
        for request in self:
            request.order_id.check_access("write")
            if not request._is_open() or request.state == "consented":
                raise UserError(self.env._("This signing procedure is not open any more."))
            # Rights were checked on the quotation; the request itself is nobody's to write.
            request.sudo()._set_void("cancelled_by_company", self.env._("Cancelled by %s", self.env.user.name))

    def action_open_order(self):
        """Open the quotation."""
        self.ensure_one()
        return self.order_id.get_formview_action()

    # === CRON === #

    @api.model
    def _cron_expire(self):
        """Close the requests whose date has passed; one commit each."""
        overdue = self.sudo().search([("state", "=", "sent"), ("expires_on", "<", self._now())])
        self.env["ir.cron"]._commit_progress(remaining=len(overdue))
        for request in overdue:
            request = request[0]  # no prefetch across commits
            request._set_expired()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    # === PROGRESS === #

    def _progress_steps(self):
        """Return the steps of the procedure for the quotation's form.

        :return: dicts with ``label``, ``moment`` (datetime or False) and ``status``: ``done``,
            ``current``, ``todo`` or ``failed``
        :rtype: list
        """
        self.ensure_one()
        _ = self.env._
        last = {
            "declined": (_("Declined"), self.answered_on),
            "expired": (_("Expired"), self.answered_on),
            "void": (_("Void"), self.answered_on),
        }
        moments = [
            (_("Code requested"), self.opened_on),
            (_("Code accepted"), self.identified_on),
            (_("Read"), self.read_on),
        ]
        earlier = [self._step(label, moment) for label, moment in self._earlier_answers()]
        invitation = self._invitation_step()
        if self.state in last:
            steps = [self._step(label, moment) for label, moment in moments if moment]
            return [*earlier, invitation, *steps, self._step(*last[self.state], status="failed")]
        moments += [*self._later_answers(), (_("Accepted"), self.answered_on), (_("Signed and sealed"), self.sealed_on)]
        steps = [invitation, *(self._step(label, moment) for label, moment in moments)]
        waiting = next((step for step in steps if step["status"] == "todo"), None)
        if waiting and invitation["status"] == "done":
            waiting["status"] = "current"
        return [*earlier, *steps]

    def _step(self, label, moment, status=None):
        return {"label": label, "moment": moment, "status": status or ("done" if moment else "todo")}

    # === TOOLS === #

    def _document(self, kind):
        """Return the document of a kind, the newest if there are several."""
        return self.document_ids.filtered(lambda document: document.kind == kind)[-1:]

    def _verify_url(self):
        """Return the public address that the QR code of the stamp leads to."""
        return f"{self.order_id.get_base_url()}/esign/verify/{self.reference}"
