import base64
import logging
from datetime import timedelta

import psycopg2.errors
from odoo import api, fields, models
from odoo.tools import format_date

from ..tools import merkle
from ..tools.exceptions import TimestampError
from ..tools.hashing import canonical_json

_logger = logging.getLogger(__name__)

FORMAT = "esign_quote/anchor/1"
COPY_FORMAT = "esign_quote/anchor-copy/1"
# A root without a time-stamp is asked for again for a month; after that a later one, which holds it, dates it too.
STAMP_DAYS = 30
# The mail waits that long for the time-stamp, and is made up for that long after a fault.
WAIT_DAYS, MAIL_DAYS = 2, 7


class EsignAnchor(models.Model):
    """One hash a day over the heads of all journals that moved, and over the hash of the day before.

    Mailed to the companies, it is out of reach of whoever could rewrite this database.
    """

    _name = "esign.anchor"
    _description = "E-signature: common hash of a day's journals"
    _inherit = ["esign.immutable", "esign.transaction"]
    _order = "id desc"
    _rec_name = "day"

    day = fields.Date(required=True, readonly=True)
    root = fields.Char("Root (SHA-256)", required=True, readonly=True, help="Of a Merkle tree as in RFC 6962.")
    previous = fields.Char("Root before", readonly=True, help="Empty: this is the first one.")
    count = fields.Integer("Size", required=True, readonly=True, help="The journals, and one for day and root before.")
    leaf_ids = fields.One2many("esign.anchor.leaf", "anchor_id", readonly=True, groups=fields.NO_ACCESS)
    leaves = fields.Json(compute="_compute_leaves", groups=fields.NO_ACCESS)
    copy_ids = fields.One2many("esign.anchor.copy", "anchor_id", "Mailed to", readonly=True)
    timestamp_ids = fields.One2many("esign.timestamp", "anchor_id", "Time-stamps", readonly=True)

    _day_unique = models.UniqueIndex("(day)", "There is one common hash a day.")
    _previous_unique = models.UniqueIndex("(previous)", "A common hash has one successor.")

    def _compute_leaves(self):
        for anchor in self:
            anchor.leaves = anchor._leaves()

    # === MAKING === #

    @api.model
    def _cron_anchor(self):
        """Make the day's root, have it time-stamped and mailed; what is missing of earlier days is made up for."""
        self._make()
        self._catch_up()  # it was made beside this transaction
        self._stamp_missing()
        self._catch_up()
        self._mail_missing()

    @api.model
    def _make(self, day=None):
        """Put the journals that moved since they were last in a root under a new one.

        One statement reads them all: a snapshot, without locks that a running signature would wait for.
        What is logged meanwhile is in the next one.

        :param date day: today by default
        :return: the new record, or an empty recordset: nothing moved, or there is one of this day
        :rtype: recordset of `esign.anchor`
        """
        self.env.flush_all()  # the block drops what is cached
        try:
            with self._own_transaction(read_committed=False) as this:
                made = this._make_now(day or this._now().date())
        except psycopg2.errors.UniqueViolation:
            _logger.info("esign_quote: another server has just made the common hash of the day")
            made = self
        return self.browse(made.ids)

    def _make_now(self, day):
        if self.search_count([("day", "=", day)], limit=1):
            return self.browse()
        moved = self._moved_journals()
        if not moved:
            return self.browse()
        previous = self.search([], limit=1).root or ""
        hashes = [_hash(_first_leaf(day, previous))]
        hashes += [_hash(_leaf(reference, seq, head)) for _id, reference, seq, head in moved]
        root = merkle.root(hashes).hex()
        anchor = self.create({"day": day, "root": root, "previous": previous, "count": len(hashes)})
        anchor._add_leaves(moved)
        return anchor

    def _moved_journals(self):
        """Return ``(request id, reference, seq, head)`` of the journals that have entries in no root yet."""
        self.env.flush_all()
        self.env.cr.execute(
            """SELECT r.id, r.reference, e.seq, e.hash
                 FROM esign_request r
                 JOIN LATERAL (SELECT seq, hash FROM esign_event
                                WHERE request_id = r.id ORDER BY seq DESC LIMIT 1) e ON TRUE
                 LEFT JOIN LATERAL (SELECT seq FROM esign_anchor_leaf
                                     WHERE request_id = r.id ORDER BY seq DESC LIMIT 1) l ON TRUE
                WHERE e.seq > COALESCE(l.seq, 0)
                ORDER BY r.id"""
        )
        return self.env.cr.fetchall()

    def _add_leaves(self, moved):
        self.env.flush_all()
        requests, _references, seqs, heads = (list(column) for column in zip(*moved, strict=True))
        self.env.cr.execute(
            """INSERT INTO esign_anchor_leaf (anchor_id, position, request_id, seq, head)
               SELECT %s, position, request_id, seq, head
                 FROM unnest(%s, %s, %s::varchar[]) WITH ORDINALITY AS moved (request_id, seq, head, position)""",
            [self.id, requests, seqs, heads],
        )
        self.invalidate_recordset(["leaf_ids", "leaves"])

    # === READING === #

    def _leaves(self):
        """Return what stands in the tree, in its order.

        :rtype: list[dict]
        """
        self.ensure_one()
        self.env.cr.execute(
            """SELECT r.reference, l.seq, l.head FROM esign_anchor_leaf l JOIN esign_request r ON r.id = l.request_id
                WHERE l.anchor_id = %s ORDER BY l.position""",
            [self.id],
        )
        rows = self.env.cr.fetchall()
        return [_first_leaf(self.day, self.previous or ""), *(_leaf(*row) for row in rows)]

    def _manifest(self):
        """Return what is time-stamped of a root."""
        self.ensure_one()
        return {"format": FORMAT, "day": self.day.isoformat(), "root": self.root, "count": self.count}

    def _token(self):
        """Return the time-stamp of this root, an empty recordset if there is none yet."""
        return self.sudo().timestamp_ids[:1]

    def _problems(self):
        """Compare this root with its leaves and with the journals as they are now.

        :return: as :meth:`_root_problems`, and ``head`` with the identifier of the journal whose entry of then is not
            there any more
        :rtype: list[tuple[str, str]]
        """
        problems = self._root_problems()
        self.env.cr.execute(
            """SELECT r.reference FROM esign_anchor_leaf l JOIN esign_request r ON r.id = l.request_id
                 LEFT JOIN esign_event e ON e.request_id = l.request_id AND e.seq = l.seq
                WHERE l.anchor_id = %s AND e.hash IS DISTINCT FROM l.head ORDER BY l.position""",
            [self.id],
        )
        return [*problems, *(("head", reference) for (reference,) in self.env.cr.fetchall())]

    def _root_problems(self):
        """Compute this root again from its leaves; compare it with the one before and with its time-stamp.

        :return: pairs: ``root``, ``previous`` or ``timestamp``, and the day
        :rtype: list[tuple[str, str]]
        """
        self.ensure_one()
        this = self.sudo()
        leaves, day = this._leaves(), this.day.isoformat()
        before = this.search([("id", "<", this.id)], limit=1)
        is_whole = len(leaves) == this.count and merkle.root([_hash(leaf) for leaf in leaves]).hex() == this.root
        found = {
            "root": not is_whole,
            "previous": (before.root or "") != (this.previous or ""),
            "timestamp": not this._is_dated(),
        }
        return [(kind, day) for kind, broken in found.items() if broken]

    def _is_dated(self):
        """Tell whether the time-stamps, if there are any, are of this root."""
        manifest = canonical_json(self._manifest()).decode()
        try:
            for stamp in self.timestamp_ids:
                stamp._check()
        except TimestampError:
            return False
        return all(stamp.manifest == manifest for stamp in self.timestamp_ids)

    def action_check(self):
        """Compare this root with the journals as they are now, and say what was found."""
        self.ensure_one()
        self.check_access("read")
        problems = self._problems()
        if problems:
            names = ", ".join(name for _kind, name in problems[:10])
            text = self.env._("History was changed: %s. Compare with the copies that were mailed.", names)
        else:
            text = self.env._("Every journal still holds what it held on that day: %s journals.", self.count - 1)
        return {
            "type": "ir.actions.client",
            "tag": "display_notification",
            "params": {"message": text, "type": "danger" if problems else "success", "sticky": bool(problems)},
        }

    # === TIME-STAMP === #

    @api.model
    def _stamp_missing(self):
        """Have roots time-stamped that have no token yet, as soon as a company has an authority."""
        company = next((item for item in self.env["res.company"].sudo().search([]) if item._esign_has_tsa()), None)
        if not company:
            return
        since = fields.Date.subtract(self._now().date(), days=STAMP_DAYS)
        for anchor in self.sudo().search([("day", ">=", since), ("timestamp_ids", "=", False)], order="id"):
            try:
                self.env["esign.timestamp"].sudo()._obtain(company, "anchor", anchor._manifest(), anchor=anchor)
            except TimestampError as error:
                _logger.warning("esign_quote: no time-stamp for the common hash of %s: %s", anchor.day, error)
                break

    # === MAIL === #

    @api.model
    def _mail_missing(self):
        """Queue one mail to each company whose journals are under a root that it was not told of."""
        self.env.flush_all()
        today = self._now().date()
        stamped = any(company._esign_has_tsa() for company in self.env["res.company"].sudo().search([]))
        recent = self.sudo().search([("day", ">", today - timedelta(days=MAIL_DAYS))], order="id")
        for anchor in recent:
            if stamped and not anchor._token() and anchor.day > today - timedelta(days=WAIT_DAYS):
                continue
            for company in anchor._companies() - anchor.copy_ids.company_id:
                with anchor._own_transaction() as this:
                    this._mail(company.with_env(this.env))

    def _companies(self):
        self.env.cr.execute(
            """SELECT DISTINCT r.company_id FROM esign_anchor_leaf l JOIN esign_request r ON r.id = l.request_id
                WHERE l.anchor_id = %s ORDER BY 1""",
            [self.id],
        )
        return self.env["res.company"].browse(company for (company,) in self.env.cr.fetchall())

    def _mail(self, company):
        """Queue the mail to one company, with the root and with the heads of its own journals."""
        addresses = self._addresses(company)
        if not addresses:
            return
        self.env["esign.anchor.copy"].create(
            {"anchor_id": self.id, "company_id": company.id, "addresses": ", ".join(addresses)}
        )
        files = self._files(company)
        template = self.env.ref("esign_quote.mail_template_anchor").with_company(company)
        template = template.with_context(
            esign_company=company.name,
            esign_day=format_date(self.env, self.day, lang_code=company.partner_id.lang),
            esign_journals=len(self._own_leaves(company)),
            esign_token=self._token_text(),
            lang=company.partner_id.lang,
        )
        values = template._generate_template([self.id], ("subject", "body_html"))[self.id]
        mail = self.env["mail.mail"].create(
            {
                "subject": values["subject"],
                "body_html": values["body_html"],
                "email_from": company.email_formatted or self.env.user.email_formatted,
                "email_to": ", ".join(addresses),
                "auto_delete": template.auto_delete,
                "model": False,
                "message_type": "email_outgoing",
            }
        )
        mail.attachment_ids = self.env["ir.attachment"].create(
            [
                {
                    "name": name,
                    "raw": content,
                    "mimetype": mimetype,
                    "res_model": "mail.message",
                    "res_id": mail.mail_message_id.id,
                }
                for name, content, mimetype in files
            ]
        )

    def _addresses(self, company):
        managers = self.env.ref("esign_quote.esign_quote_group_manager").all_user_ids
        managers = managers.filtered(lambda user: user.active and not user.share and company in user.company_ids)
        found = [company.email, *managers.mapped("email")]
        return list(dict.fromkeys(address for address in found if address))

    def _own_leaves(self, company):
        self.env.cr.execute(
            """SELECT l.position, r.reference, l.seq, l.head
                 FROM esign_anchor_leaf l JOIN esign_request r ON r.id = l.request_id
                WHERE l.anchor_id = %s AND r.company_id = %s ORDER BY l.position""",
            [self.id, company.id],
        )
        return [{"index": position, **_leaf(*leaf)} for position, *leaf in self.env.cr.fetchall()]

    def _files(self, company):
        content = canonical_json(
            {
                "format": COPY_FORMAT,
                "manifest": self._manifest(),
                "previous": self.previous or "",
                "company": company.name,
                "journals": self._own_leaves(company),
            }
        )
        stem = f"anchor-{self.day.isoformat()}"
        files = [(f"{stem}.json", content, "application/json")]
        token = self._token()
        if token:
            files.append(
                (f"{stem}.tsr", base64.b64decode(token.with_context(bin_size=False).token), "application/octet-stream")
            )
            files.append((f"{stem}-stamped.json", token.manifest.encode(), "application/json"))
        return files

    def _token_text(self):
        token = self._token()
        return f"{token.authority}, {token.gen_time.isoformat()}Z" if token else ""


def _first_leaf(day, previous):
    return {"day": day.isoformat(), "previous": previous}


def _leaf(reference, seq, head):
    return {"journal": reference, "seq": seq, "head": head}


def _hash(leaf):
    return merkle.leaf_hash(canonical_json(leaf))
