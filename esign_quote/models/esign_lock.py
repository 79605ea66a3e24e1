from datetime import timedelta

from odoo import api, fields, models

from ..tools import codes

# A mailbox that somebody else keeps locking must not be flooded with ways out (SECURITY 2.1).
MAILBOX_UNLOCK_HOURS = 24


class EsignLock(models.Model):
    _name = "esign.lock"
    _description = "E-signature: wrong codes counted for one scope"
    _inherit = ["esign.transaction"]
    _rec_name = "scope"

    scope = fields.Char(required=True, readonly=True)
    signer_id = fields.Many2one("esign.signer", readonly=True, index="btree_not_null", ondelete="cascade")
    failures = fields.Integer(readonly=True, default=0)
    locked_until = fields.Datetime(readonly=True)
    # The company and the customer are told by a cron, which also makes the customer's way out.
    told = fields.Boolean(readonly=True, default=True)
    unlock_hash = fields.Char(copy=False, groups=fields.NO_ACCESS)
    unlock_sent_on = fields.Datetime(readonly=True)

    _scope_unique = models.Constraint("UNIQUE(scope)", "One counter a scope.")
    _unlock_index = models.UniqueIndex("(unlock_hash) WHERE unlock_hash IS NOT NULL")
    _untold = models.Index("(id) WHERE NOT told")

    # === COUNTING === #

    @api.model
    def _take_try(self, scope, tries, minutes, signer=None):
        """Use up one try of a scope, before anything is compared (law 5).

        One statement counts and decides, so of any number of parallel guesses ``tries`` get
        through. The caller commits before it compares. When a lock has run out, counting
        starts again at one.

        :param str scope: what is guessed at, such as ``link:12``
        :param int tries: wrong codes until the lock
        :param int minutes: length of the lock
        :param signer: `esign.signer` who is told of a lock, if any
        :return: how many tries are used up with this one; None when the scope is locked
        :rtype: int | None
        """
        self.env.cr.execute(
            """INSERT INTO esign_lock AS lock (scope, signer_id, failures, locked_until, told)
               VALUES (%(scope)s, %(signer)s, 1, CASE WHEN %(tries)s <= 1 THEN %(until)s END, %(tries)s > 1)
               ON CONFLICT (scope) DO UPDATE SET
                   failures = CASE WHEN lock.locked_until IS NULL THEN lock.failures + 1 ELSE 1 END,
                   locked_until = CASE
                       WHEN (CASE WHEN lock.locked_until IS NULL THEN lock.failures + 1 ELSE 1 END) >= %(tries)s
                       THEN %(until)s END,
                   told = (CASE WHEN lock.locked_until IS NULL THEN lock.failures + 1 ELSE 1 END) < %(tries)s
               WHERE lock.locked_until IS NULL OR lock.locked_until <= %(now)s
               RETURNING failures""",
            {"scope": scope, "signer": signer.id if signer else None, "tries": tries, **self._moments(minutes)},
        )
        row = self.env.cr.fetchone()
        self.invalidate_model()
        return row[0] if row else None

    def _moments(self, minutes):
        self.env.cr.execute(
            "SELECT clock_timestamp() AT TIME ZONE 'UTC', (clock_timestamp() + make_interval(mins => %s)) AT TIME ZONE 'UTC'",
            [minutes],
        )
        now, until = self.env.cr.fetchone()
        return {"now": now, "until": until}

    @api.model
    def _clear(self, scope):
        """Forget the wrong codes of a scope: the right one was given, or somebody vouches.

        Whatever way out was mailed dies with the lock.
        """
        self.env.cr.execute(
            "UPDATE esign_lock SET failures = 0, locked_until = NULL, unlock_hash = NULL, told = TRUE WHERE scope = %s",
            [scope],
        )
        self.invalidate_model()

    @api.model
    def _give_back(self, scope):
        """Take one try off again: it was the right code, but another code is to follow."""
        self.env.cr.execute(
            "UPDATE esign_lock SET failures = GREATEST(failures - 1, 0), locked_until = NULL, told = TRUE WHERE scope = %s",
            [scope],
        )
        self.invalidate_model()

    @api.model
    def _failures(self, scope):
        """Return how many tries of a scope are used up."""
        return self.search([("scope", "=", scope)], limit=1).failures

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

    # === TELLING === #

    @api.model
    def _announce(self):
        """Wake the cron that tells about new locks: the guess itself waits for no mail server."""
        self.env.ref("esign_quote.ir_cron_locks")._esign_wake()

    @api.model
    def _cron_tell(self):
        """Tell customer and company about new locks; one commit each."""
        untold = self.sudo().search([("told", "=", False), ("signer_id", "!=", False)])
        self.env["ir.cron"]._commit_progress(remaining=len(untold))
        for lock in untold:
            lock = lock[0]  # no prefetch across commits
            lock._tell()
            if not self.env["ir.cron"]._commit_progress(1):
                break

    def _tell(self):
        """Send the two messages about a lock; one of several servers does it."""
        with self._own_transaction() as this:
            if not this._claim_telling():
                return
            secret = this._new_way_out()
            signer = this.signer_id
            until = this.locked_until
        signer.with_env(self.env)._tell_lock(until, secret)

    def _claim_telling(self):
        self.env.cr.execute("UPDATE esign_lock SET told = TRUE WHERE id = %s AND NOT told RETURNING id", [self.id])
        claimed = bool(self.env.cr.fetchone())
        self.invalidate_recordset()
        return claimed and bool(self._locked_until(self.scope))

    # === WAY OUT BY THE MAILBOX === #

    def _new_way_out(self):
        """Make the secret of a link that unlocks once; at most one a day.

        :return: the secret, kept nowhere; None when there was one lately
        :rtype: str | None
        """
        now = self._now()
        if self.unlock_sent_on and self.unlock_sent_on > now - timedelta(hours=MAILBOX_UNLOCK_HOURS):
            return None
        secret = codes.new_secret()
        self.write({"unlock_hash": codes.secret_hash(secret), "unlock_sent_on": now})
        return secret

    @api.model
    def _find_by_secret(self, secret):
        """Return the lock that a mailed link may open, or an empty recordset: one answer for all causes."""
        lock = self.sudo().search([("unlock_hash", "=", codes.secret_hash(secret))], limit=1)
        return lock if lock and self._locked_until(lock.scope) else lock.browse()

    def _open_by_mailbox(self, origin):
        """Unlock, as the link in the mailbox asks: compare and set, works once.

        :param dict origin: ``ip`` and ``user_agent`` as seen by the server
        :rtype: bool
        """
        self.ensure_one()
        with self._own_transaction() as this:
            this.env.cr.execute(
                "UPDATE esign_lock SET failures = 0, locked_until = NULL, unlock_hash = NULL"
                " WHERE id = %s AND unlock_hash IS NOT NULL AND locked_until > clock_timestamp() AT TIME ZONE 'UTC'"
                " RETURNING scope",
                [this.id],
            )
            opened = this.env.cr.fetchone()
            this.invalidate_recordset()
            if opened:
                entry = {"scope": opened[0], "by": "mailbox", **origin}
                this.signer_id._log([("scope.unlocked", entry)], actor="mailbox")
        return bool(opened)
