from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from ..tools.hashing import canonical_json, sha256_hex
from .esign_request import STATES
from .esign_request_turns import MAX_SIGNERS

# What the customer reads on a quotation. A change of any of these voids an open request.
ORDER_FIELDS = (
    *("name", "partner_id", "partner_invoice_id", "partner_shipping_id", "company_id", "currency_id"),
    *("date_order", "validity_date", "commitment_date", "client_order_ref", "note", "payment_term_id"),
    *("fiscal_position_id", "pricelist_id", "require_payment", "prepayment_percent", "amount_untaxed", "amount_tax"),
    *("amount_total",),
)
LINE_FIELDS = (
    *("sequence", "display_type", "product_id", "name", "product_uom_qty", "product_uom_id", "price_unit"),
    *("discount", "tax_ids", "price_subtotal", "price_total"),
)


class SaleOrder(models.Model):
    _inherit = "sale.order"

    esign_request_ids = fields.One2many("esign.request", "order_id", "Signing procedures", copy=False)
    esign_request_id = fields.Many2one("esign.request", "Signing procedure", compute="_compute_esign_request")
    esign_request_count = fields.Integer("Signing procedures (count)", compute="_compute_esign_request")
    esign_state = fields.Selection(STATES, "Electronic signature", compute="_compute_esign_request")
    esign_progress = fields.Html("Progress of the signature", compute="_compute_esign_progress", sanitize=False)

    @api.depends("esign_request_ids.state")
    def _compute_esign_request(self):
        for order in self:
            # Whoever reads a quotation may know how far its signature is.
            requests = order.sudo().esign_request_ids.sorted("id", reverse=True)
            order.esign_request_id = requests.sudo(False)[:1]
            order.esign_request_count = len(requests)
            order.esign_state = requests[:1].state

    @api.depends(
        "esign_request_ids.state",
        "esign_request_ids.opened_on",
        "esign_request_ids.identified_on",
        "esign_request_ids.read_on",
        "esign_request_ids.delivery_ids.state",
    )
    def _compute_esign_progress(self):
        for order in self:
            request = order.sudo().esign_request_id
            values = {"procedure": request, "steps": request._progress_steps()} if request else None
            order.esign_progress = self.env["ir.qweb"]._render("esign_quote.progress", values) if values else False

    # === CRUD === #

    def write(self, vals):
        """Void the open signing procedure of an order whose content changes (law 1)."""
        result = super().write(vals)
        self._esign_content_changed()
        return result

    # === ACTIONS === #

    def action_esign_send(self):
        """Open the mail composer with "Send the quote for signature" ticked.

        :raise UserError: whatever would prevent the signature, before anything is written
        """
        self.ensure_one()
        self._esign_check_sendable()
        if not self.partner_id.email_normalized:
            raise UserError(
                self.env._(
                    "%s has no valid e-mail address: the personal link and the code are sent there.",
                    self.partner_id.display_name,
                )
            )
        self.env["esign.seal"]._active_for(self.company_id)
        return self.with_context(esign_send=True).action_quotation_send()

    def action_quotation_send(self):
        """Override of `sale`: tell the composer whether to send for signature, and of what state.

        The quotation's PDF is rendered when the composer opens, with its style sheets inlined
        (`esign_offline_assets`): on a server with few workers a rendering that calls back for
        them waits for itself.
        """
        action = super().action_quotation_send()
        composer = action if action.get("res_model") == "mail.compose.message" else None
        if composer and len(self) == 1 and not self.env.context.get("proforma"):
            ticked = self.env.context.get("esign_send") or (
                self.company_id.esign_always and self.state in ("draft", "sent") and not self._esign_open_request()
            )
            composer["context"] = {
                **composer["context"],
                "default_esign_send": bool(ticked),
                "default_esign_fingerprint": self._esign_fingerprint(),
                "default_esign_channel": self.company_id.esign_channel,
                "esign_offline_assets": True,
            }
        return action

    def action_esign_requests(self):
        """Open the signing procedures of the quotation."""
        self.ensure_one()
        action = self.env["ir.actions.act_window"]._for_xml_id("esign_quote.esign_request_action")
        action["domain"] = [("order_id", "=", self.id)]
        if self.esign_request_count == 1:
            action.update(res_id=self.esign_request_id.id, views=[(False, "form")])
        return action

    def action_esign_resend(self):
        """Open the window that sends the link again, to a corrected address if need be."""
        self.ensure_one()
        return self._esign_open_request().sudo(False).action_resend()

    def action_esign_cancel(self):
        """Cancel the open signing procedure."""
        self.esign_request_ids.filtered(lambda request: request._is_open()).action_cancel()

    # === SENDING === #

    def _esign_check_sendable(self):
        """Refuse, each in its own words, what cannot be sent for signature.

        :raise UserError:
        """
        self.ensure_one()
        request = self.sudo().esign_request_ids.filtered(lambda item: item._is_open() or item._covers(self))[:1]
        if not self.partner_id:
            raise UserError(self.env._("This quotation has no contact."))
        if request.state == "signed":
            raise UserError(self.env._("This quotation is already signed (%s).", request.reference))
        if request:
            raise UserError(
                self.env._(
                    "A signing procedure is already open for this quotation (%s). Cancel it before you send another one.",
                    request.reference,
                )
            )
        if self.state == "cancel":
            raise UserError(self.env._("This quotation is cancelled."))
        if self.state not in ("draft", "sent"):
            raise UserError(self.env._("This order is confirmed already: there is nothing to sign."))
        if not self.order_line.filtered(lambda line: not line.display_type):
            raise UserError(self.env._("This quotation is empty: add at least one product."))
        # The day of the user, and the one in UTC, at the end of which the request expires.
        today = max(fields.Date.context_today(self), fields.Date.today())
        if self.validity_date and self.validity_date < today:
            raise UserError(
                self.env._("This quotation expired on %s. Extend its expiration date first.", self.validity_date)
            )

    def _esign_signer_partner(self, recipients):
        """Return who is asked to sign: the quotation's contact, else a recipient of that customer.

        :param recipients: `res.partner`, the recipients of the mail
        :rtype: recordset of `res.partner`, one
        :raise UserError: nobody of the customer, or without an e-mail address
        """
        self.ensure_one()
        partner = (
            self.partner_id
            if self.partner_id in recipients
            else recipients.filtered(lambda item: item.commercial_partner_id == self.partner_id.commercial_partner_id)[
                :1
            ]
        )
        if not recipients:
            raise UserError(self.env._("Nobody is among the recipients: add the customer's contact who is to sign."))
        if not partner:
            raise UserError(
                self.env._(
                    "%s is not among the recipients: the contact of the quotation is who signs.",
                    self.partner_id.display_name,
                )
            )
        if not partner.email_normalized:
            raise UserError(
                self.env._(
                    "%s has no valid e-mail address: the personal link and the code are sent there.",
                    partner.display_name,
                )
            )
        return partner

    def _esign_signer_partners(self, recipients, others):
        """Return who is asked to sign, in turn.

        :param recipients: `res.partner`, the recipients of the mail; see `_esign_signer_partner`
        :param others: `res.partner`, who sign after the first one
        :rtype: list of `res.partner`, each one record
        :raise UserError: somebody without an e-mail address, or twice, or too many
        """
        first = self._esign_signer_partner(recipients)
        for partner in others:
            if not partner.email_normalized:
                raise UserError(
                    self.env._(
                        "%s has no valid e-mail address: the personal link and the code are sent there.",
                        partner.display_name,
                    )
                )
        partners = [first, *others]
        addresses = [partner.email_normalized for partner in partners]
        twice = next((address for address in addresses if addresses.count(address) > 1), None)
        if twice:
            raise UserError(
                self.env._("Two signers have the same e-mail address (%s): each needs a mailbox of their own.", twice)
            )
        if len(partners) > MAX_SIGNERS:
            raise UserError(self.env._("At most %s persons can sign one after the other.", MAX_SIGNERS))
        return partners

    def _esign_signer_phone(self, partner, channel):
        """Return the number that codes go to (E.164), or False when none goes by text message.

        :raise UserError: no number, or not one that a text message may be sent to
        """
        if channel == "mail":
            return False
        return self.env["esign.request"]._parse_mobile(self.company_id, partner.phone, partner)

    def _message_post_after_hook(self, message, msg_vals):
        """Override of `mail`: open the signing procedure before anybody is notified."""
        order = self.with_context(esign_open=None)
        wanted = self.env.context.get("esign_open")
        # The context of a public route is the caller's: only staff open procedures.
        if wanted and self.env.user._is_internal() and message.message_type == "comment" and len(self) == 1:
            attachment = message.attachment_ids.filtered(lambda item: item.id == wanted.get("attachment_id"))
            if not attachment:
                raise UserError(
                    self.env._(
                        "The quotation's PDF is missing from the mail. Close it and click “Send for signature” again."
                    )
                )
            if wanted.get("fingerprint") and wanted["fingerprint"] != self._esign_fingerprint():
                raise UserError(
                    self.env._(
                        "The quotation was changed after its PDF was made. Close the mail and click “Send for signature” again."
                    )
                )
            # `/mail/message/post` posts as superuser: the rights are those of who is logged in.
            self.sudo(False).check_access("write")
            channel = wanted.get("channel") or order.company_id.esign_channel
            others = self.env["res.partner"].browse(wanted.get("others") or ()).exists()
            self.env["esign.request"]._open(order, message, attachment, channel, others)
        return super(SaleOrder, order)._message_post_after_hook(message, msg_vals)

    def _notify_get_recipients_groups(self, message, model_description, msg_vals=False):
        """Override of `sale`: the signer's mail has the personal link as its button."""
        groups = super()._notify_get_recipients_groups(message, model_description, msg_vals=msg_vals)
        # A mass mailing prepares its layout with a message that is never stored.
        if not self or not message.ids:
            return groups
        # The request was opened by this very message; nothing the caller says is trusted.
        signers = self.env["esign.signer"].sudo().search([("message_id", "=", message.id)])
        personal = [
            (
                f"esign_{signer.id}",
                lambda data, partner_id=signer.partner_id.id: data["id"] == partner_id,
                {
                    "active": True,
                    "has_button_access": True,
                    "button_access": {"url": signer._link_mark(), "title": self.env._("Read and sign the quotation")},
                },
            )
            for signer in signers
        ]
        return personal + groups

    def _esign_fingerprint(self):
        """Return the SHA-256 of what the quotation says.

        :rtype: str
        """
        self.ensure_one()
        order = self.sudo()
        lines = order.order_line.search_fetch([("order_id", "=", order.id)], LINE_FIELDS, order="id")
        content = {
            "order": {name: _plain(order, name) for name in ORDER_FIELDS},
            "lines": [{name: _plain(line, name) for name in LINE_FIELDS} for line in lines],
        }
        return sha256_hex(canonical_json(content))

    # === DOORS: closed while a request is open (law 2) === #

    def _esign_open_request(self):
        return self.sudo().esign_request_ids.filtered(lambda request: request._is_open())[:1]

    def _esign_is_answered(self):
        return any(request._covers(self) for request in self.sudo().esign_request_ids)

    def _has_to_be_signed(self):
        """Override of `sale`: the personal link is the only way to sign, once it was sent."""
        return not self._esign_open_request() and not self._esign_is_answered() and super()._has_to_be_signed()

    def _has_to_be_paid(self):
        """Override of `sale`: first the signature, then the payment."""
        return not self._esign_open_request() and super()._has_to_be_paid()

    def _can_be_edited_on_portal(self):
        """Override of `sale`: what was sent for signature is not edited by its reader."""
        return not self._esign_open_request() and super()._can_be_edited_on_portal()

    def _confirmation_error_message(self):
        """Override of `sale`: the last gate against a confirmation from outside the company."""
        if self.env.user.share and self._esign_open_request():
            return self.env._(
                "This quotation waits for its electronic signature; it cannot be confirmed in another way."
            )
        return super()._confirmation_error_message()

    def _esign_content_changed(self):
        """Void the open request of each order that no longer says what was sent."""
        domain = Domain("order_id", "in", self.ids) & Domain("state", "in", ("sent", "consented"))
        for request in self.env["esign.request"].sudo().search(domain) if self.ids else ():
            order = request.order_id
            if order.state not in ("draft", "sent"):
                reason = "order_confirmed" if order.state == "sale" else "order_cancelled"
                request._set_void(reason, self.env._("The order was confirmed or cancelled by %s", self.env.user.name))
            elif order._esign_fingerprint() != request.fingerprint:
                if request.state == "consented":
                    raise UserError(
                        self.env._(
                            "The customer has just accepted this quotation; it cannot be changed while it is being sealed."
                        )
                    )
                request._set_void("quote_changed", self.env._("The quotation was changed by %s", self.env.user.name))

    # === AFTER THE ANSWER === #

    def _esign_apply(self, request):
        """Carry the customer's answer into the order, by the company's policy.

        :param request: `esign.request`, signed or declined
        :raise UserError: the order cannot follow; the signature stands
        """
        self.ensure_one()
        if request.state == "declined":
            if self.state in ("draft", "sent"):
                self._action_cancel()
            return
        if self._esign_fingerprint() != request.fingerprint:
            raise UserError(self.env._("the quotation was changed after the customer had accepted it"))
        self.write({"signed_by": request._signed_by(), "signed_on": request.answered_on})
        if request.after_signature == "confirm" and self.state in ("draft", "sent") and not self._esign_must_be_paid():
            self.action_confirm()

    def _esign_must_be_paid(self):
        """Tell whether a payment is still to come before the order is confirmed.

        Not `_has_to_be_paid`: that one also means that it may be paid online now, which ends with the validity date.
        """
        return self.require_payment and self.amount_total > 0 and not self._is_confirmation_amount_reached()


def _plain(record, name):
    """Return a field's value as it is hashed: texts and ids, no floats."""
    value = record[name]
    if isinstance(value, models.BaseModel):
        return value.ids
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, float):
        return f"{value:.6f}"
    return str(value)
