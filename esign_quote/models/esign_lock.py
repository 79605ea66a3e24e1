from odoo import api, fields, models


class EsignLock(models.Model):
    _name = "esign.lock"
    _description = "E-signature: wrong codes counted for one scope"
    _rec_name = "scope"

    scope = fields.Char(required=True, readonly=True)
    failures = fields.Integer(readonly=True, default=0)
    locked_until = fields.Datetime(readonly=True)

    _scope_unique = models.Constraint("UNIQUE(scope)", "One counter a scope.")

    @api.model
    def _take_try(self, scope, tries, days):
        """Use up one try of a scope, before anything is compared (law 5).

        One statement counts and decides, so of any number of parallel guesses ``tries`` get
        through. The caller commits before it compares. When a lock has run out, counting
        starts again at one.

        :param str scope: what is guessed at, such as ``link:12``
        :param int tries: wrong codes until the lock
        :param int days: length of the lock, in days of 24 hours
        :return: how many tries are used up with this one; None when the scope is locked
        :rtype: int | None
        """
        self.env.cr.execute(
            """INSERT INTO esign_lock AS lock (scope, failures, locked_until)
               VALUES (%(scope)s, 1, CASE WHEN %(tries)s <= 1 THEN %(until)s END)
               ON CONFLICT (scope) DO UPDATE SET
                   failures = CASE WHEN lock.locked_until IS NULL THEN lock.failures + 1 ELSE 1 END,
                   locked_until = CASE
                       WHEN (CASE WHEN lock.locked_until IS NULL THEN lock.failures + 1 ELSE 1 END) >= %(tries)s
                       THEN %(until)s END
               WHERE lock.locked_until IS NULL OR lock.locked_until <= %(now)s
               RETURNING failures""",
            {"scope": scope, "tries": tries, **self._moments(days)},
        )
        row = self.env.cr.fetchone()
        self.invalidate_model()
        return row[0] if row else None

    def _moments(self, days):
        self.env.cr.execute(
            "SELECT clock_timestamp() AT TIME ZONE 'UTC', (clock_timestamp() + make_interval(days => %s)) AT TIME ZONE 'UTC'",
            [days],
        )
        now, until = self.env.cr.fetchone()
        return {"now": now, "until": until}

    @api.model
    def _clear(self, scope):
        """Forget the wrong codes of a scope: the right one was given."""
        self.env.cr.execute("UPDATE esign_lock SET failures = 0, locked_until = NULL WHERE scope = %s", [scope])
        self.invalidate_model()

    @api.model
    def _locked_until(self, scope):
        """Return until when the scope is locked (naive UTC), or None.

        :rtype: datetime | None
        """
        self.env.cr.execute(
            "SELECT locked_until FROM esign_lock WHERE scope = %s AND locked_until > clock_timestamp() AT TIME ZONE 'UTC'",
            [scope],
        )
        row = self.env.cr.fetchone()
        return row[0] if row else None
