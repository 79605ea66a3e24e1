from datetime import timedelta

from odoo import models

# SECURITY 5.1, item 6: a change this short before the sending is worth a look.
RECENT = timedelta(days=7)


class EsignRequest(models.Model):
    """What ties a mailbox to a customer beyond the code: courts ask for it. Facts of the database, frozen at sending."""

    _inherit = "esign.request"

    def _identity_facts(self, contact):
        """Return what the company knew of a contact when it sent the quotation.

        :param contact: `res.partner` that is asked to sign
        :rtype: dict
        """
        contact = contact.sudo()
        customer = contact.commercial_partner_id
        count, last = self._paid_invoices(customer)
        fields_used = ["email"] if self.channel == "mail" else ["email", "phone"]
        return {
            "customer_since": str(customer.create_date.date()),
            "contact_since": str(contact.create_date.date()),
            "paid_invoices": count,
            "last_paid_invoice": str(last) if last else None,
            "contact_changed_on": str(customer.write_date.date()),
            "recorded": [self._recorded(contact, name) for name in fields_used if contact[name]],
            "company_number": self._company_number_check(customer),
        }

    def _paid_invoices(self, customer):
        domain = [
            ("commercial_partner_id", "=", customer.id),
            ("move_type", "=", "out_invoice"),
            ("state", "=", "posted"),
            ("payment_state", "in", ("paid", "in_payment")),
        ]
        invoices = self.env["account.move"].sudo()
        return invoices._read_group(domain, aggregates=["__count", "invoice_date:max"])[0]

    def _recorded(self, contact, name):
        """Return who wrote down an address or number, and when: by the contact's log of changes, else by its creation."""
        domain = [
            ("field_id.model", "=", "res.partner"),
            ("field_id.name", "=", name),
            ("mail_message_id.model", "=", "res.partner"),
            ("mail_message_id.res_id", "=", contact.id),
        ]
        change = self.env["mail.tracking.value"].sudo().search(domain, order="id desc", limit=1)
        source = change or contact
        moment = source.create_date
        return {
            "what": name,
            "at": moment.isoformat(timespec="seconds") + "Z",
            "by": source.create_uid.login or "",
            "by_kind": self._kind_of_user(source.create_uid),
            "source": "log of changes" if change else "creation of the contact: the log tells of no later change",
            "within_7_days": self._now() - moment < RECENT,
        }

    def _kind_of_user(self, user):
        if not user or user._is_superuser():
            return "the system"
        if user._is_internal():
            return "staff of the company"
        return "the customer's log-in" if user._is_portal() else "a visitor of the website"

    def _company_number_check(self, customer):
        """Return what became of a check of the customer's number, if the database knows of one (`base_vat`: VIES)."""
        number = customer.vat or customer.company_registry or ""
        if not number:
            return {"number": "", "check": "no number recorded"}
        if customer.vat and "vies_valid" in customer._fields and self.company_id.sudo().vat_check_vies:
            return {"number": number, "check": "VIES: valid" if customer.vies_valid else "VIES: not confirmed"}
        return {"number": number, "check": "not recorded"}
