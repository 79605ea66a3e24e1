import hashlib
import hmac

from odoo import api, fields, models
from odoo.tools import SQL

from ..tools.throttle import recent_moments, seconds_to_wait

MAX_WINDOW_HOURS = 24


class EsignThrottle(models.Model):
    _name = "esign.throttle"
    _description = "E-signature: how often something happened lately"
    _inherit = ["esign.transaction"]
    _rec_name = "key"

    key = fields.Char(required=True, readonly=True, help="A digest: the table holds no addresses.")
    moments = fields.Json(readonly=True, help="Seconds since 1970 (UTC), the database's clock.")

    _key_unique = models.Constraint("UNIQUE(key)", "One row a key.")

    @api.model
    def _take(self, rules):
        """Let something happen once more, unless one of the limits on it is reached.

        The rows are locked in the order of their keys: of parallel askers, as many get through
        as the limits allow, on any number of servers. The caller's transaction has to be
        READ COMMITTED (`_own_transaction`).

        :param dict rules: for each name (such as ``code:mail:jane@example.com``) a list of
            :class:`tools.throttle.Rule`
        :return: 0 when it may happen (it is counted), else the seconds to wait (not counted)
        :rtype: int
        """
        by_key = dict(zip(self._digests(rules), rules.values(), strict=True))
        now = self._epoch()
        # A flood is turned away here, without a write and without waiting for a lock.
        wait = self._wait(by_key, self._moments(by_key), now)
        if wait:
            return wait
        self.env.cr.execute_values(
            "INSERT INTO esign_throttle (key, moments, write_date) VALUES %s ON CONFLICT (key) DO NOTHING",
            [(key,) for key in sorted(by_key)],
            template="(%s, '[]'::jsonb, now() AT TIME ZONE 'UTC')",
        )
        kept = self._moments(by_key, lock=True)
        now = self._epoch()
        wait = self._wait(by_key, kept, now)
        if not wait:
            for key, limits in by_key.items():
                self._store(key, [*recent_moments(kept[key], limits, now), now])
        return wait

    @api.model
    def _give_back(self, names):
        """Forget the last time: it did not happen after all (a mail that could not be sent)."""
        for key, moments in self._moments(self._digests(names), lock=True).items():
            self._store(key, sorted(moments)[:-1])

    def _moments(self, keys, lock=False):
        self.env.cr.execute(
            SQL(
                "SELECT key, moments FROM esign_throttle WHERE key = ANY(%s) ORDER BY key %s",
                list(keys),
                SQL("FOR UPDATE") if lock else SQL(),
            )
        )
        return {key: moments or [] for key, moments in self.env.cr.fetchall()}

    def _wait(self, by_key, kept, now):
        seconds = max(seconds_to_wait(kept.get(key, ()), limits, now) for key, limits in by_key.items())
        return int(seconds) + 1 if seconds > 0 else 0

    def _store(self, key, moments):
        self.env.cr.execute(
            "UPDATE esign_throttle SET moments = %s::jsonb, write_date = now() AT TIME ZONE 'UTC' WHERE key = %s",
            [str(moments), key],
        )

    def _epoch(self):
        self.env.cr.execute("SELECT extract(epoch FROM clock_timestamp())::float8")
        return self.env.cr.fetchone()[0]

    def _digests(self, names):
        pepper = self.env["esign.vault"]._derive("throttle")
        return [hmac.new(pepper, name.encode(), hashlib.sha256).hexdigest()[:40] for name in names]

    @api.autovacuum
    def _gc_old(self):
        """Delete the rows that no limit looks at any more."""
        self.env.cr.execute(
            "DELETE FROM esign_throttle WHERE write_date < now() AT TIME ZONE 'UTC' - make_interval(hours => %s)",
            [MAX_WINDOW_HOURS],
        )
