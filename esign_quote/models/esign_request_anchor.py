import base64

from odoo import models

from ..tools import merkle
from ..tools.hashing import canonical_json


class EsignRequest(models.Model):
    _inherit = "esign.request"

    def _anchor_facts(self):
        """Return each common hash that a head of this journal is under, oldest first, and the path to it.

        :return: dicts with ``day``, ``root``, ``count`` (leaves of the tree), ``leaf`` (what stands there, hashed in
            canonical JSON), ``index`` (its place from 0), ``path`` (hexadecimal, nearest first), ``manifest`` (text that
            is time-stamped) and ``token`` (base64 of the DER, empty when there is none)
        :rtype: list[dict]
        """
        self.ensure_one()
        found = self.env["esign.anchor.leaf"].sudo().search([("request_id", "=", self.id)], order="seq")
        return [self._anchor_fact(leaf.anchor_id, leaf.position) for leaf in found]

    def _anchor_fact(self, anchor, position):
        leaves, token = anchor._leaves(), anchor._token()
        hashes = [merkle.leaf_hash(canonical_json(leaf)) for leaf in leaves]
        manifest = token.manifest or canonical_json(anchor._manifest()).decode()
        return {
            "day": anchor.day.isoformat(),
            "root": anchor.root,
            "count": anchor.count,
            "leaf": leaves[position],
            "index": position,
            "path": [item.hex() for item in merkle.path(position, hashes)],
            "manifest": manifest,
            "token": base64.b64encode(token._der()).decode() if token else "",
        }

    def _check_anchors(self):
        """Compare the journal with the heads that were put under common hashes.

        A chain that was rewritten as a whole holds together; it does not hold what was seen of it at night.

        :return: findings as in `_integrity_found`: numbers of the entries that are not what they were, days of the
            common hashes that are not
        :rtype: list[dict]
        """
        self.env.cr.execute(
            """SELECT l.seq FROM esign_anchor_leaf l
                 LEFT JOIN esign_event e ON e.request_id = l.request_id AND e.seq = l.seq
                WHERE l.request_id = %s AND e.hash IS DISTINCT FROM l.head ORDER BY l.seq""",
            [self.id],
        )
        found = [{"what": "journal", "name": str(seq)} for (seq,) in self.env.cr.fetchall()]
        days = {day for anchor in self._led_anchors() for _kind, day in anchor._root_problems()}
        return found + [{"what": "root", "name": day} for day in sorted(days)]

    def _led_anchors(self):
        """Return the common hashes in which this journal comes first of those that are checked.

        So each is computed again once a night, and what is wrong with it is told once, not with each of its journals.
        """
        self.env.cr.execute(
            """SELECT l.anchor_id FROM esign_anchor_leaf l
                WHERE l.request_id = %s AND NOT EXISTS (
                      SELECT 1 FROM esign_anchor_leaf b JOIN esign_request r ON r.id = b.request_id
                       WHERE b.anchor_id = l.anchor_id AND b.position < l.position AND r.purged_on IS NULL)""",
            [self.id],
        )
        return self.env["esign.anchor"].browse(anchor for (anchor,) in self.env.cr.fetchall())
