from contextlib import contextmanager

import psycopg2
from odoo import SUPERUSER_ID, models
from odoo.sql_db import Cursor
from psycopg2.pool import PoolError


def is_of_database(error):
    """Tell whether the database failed (a lost connection, none to be had, a lost race): what was to be done is not wrong.

    :param Exception error:
    """
    # On a lost connection psycopg2 raises one of several, also its plain DatabaseError; an InterfaceError at whatever
    # comes afterwards.
    of_server = (PoolError, psycopg2.InterfaceError, psycopg2.OperationalError)
    return isinstance(error, of_server) or type(error) is psycopg2.DatabaseError


class EsignTransaction(models.AbstractModel):
    _name = "esign.transaction"
    _description = "E-signature: work that is committed on its own"

    @contextmanager
    def _own_transaction(self, read_committed=True, refresh=True):
        """Run a block in a transaction of its own and commit it, whatever follows.

        What counts (a wrong code, a consent) must outlive a failure of the rest of the HTTP
        request, and must not be repeated when Odoo repeats the request after a serialization
        failure. READ COMMITTED makes a compare-and-set wait for the other and then see its
        result, where Odoo's REPEATABLE READ would fail.

        :param bool read_committed: False for Odoo's usual isolation (business outside this addon)
        :param bool refresh: False keeps what the caller has in its cache
        :return: context manager giving ``self`` as superuser on the new cursor
        """
        with self.env.registry.cursor() as cr:
            this = self.with_env(self.env(cr=cr, user=SUPERUSER_ID, su=True))
            if read_committed:
                this._read_committed()
            yield this
        if refresh:
            self.env.invalidate_all(flush=False)

    def _commit_and_go_on(self):
        """Commit what a block of `_own_transaction` did so far, and keep its connection.

        Whoever has counted a try must not fail for want of a second connection.
        """
        # This cursor is there to be committed.
        self.env.cr.commit()  # pylint: disable=invalid-commit
        self.env.invalidate_all()
        self._read_committed()

    def _catch_up(self):
        """Let a request's own transaction, which has written nothing, see what others have committed meanwhile.

        It is REPEATABLE READ: it would show the page as it was before the click.
        """
        self.env.cr.commit()  # pylint: disable=invalid-commit
        self.env.invalidate_all()

    def _close_transaction(self):
        """Commit what was done so far, so that no transaction is open while the network is asked."""
        self.env.cr.commit()  # pylint: disable=invalid-commit

    def _read_committed(self):
        # A test's cursor is a savepoint of a running transaction: its level is fixed.
        if isinstance(self.env.cr, Cursor):
            self.env.cr.execute("SET TRANSACTION ISOLATION LEVEL READ COMMITTED")

    def _now(self):
        """Return the database's clock, the one clock of all servers (naive UTC, microseconds)."""
        self.env.cr.execute("SELECT clock_timestamp() AT TIME ZONE 'UTC'")
        return self.env.cr.fetchone()[0]
