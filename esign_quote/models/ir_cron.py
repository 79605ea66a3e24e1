import logging

from odoo import models
from psycopg2.pool import PoolError

_logger = logging.getLogger(__name__)


class IrCron(models.Model):
    _inherit = "ir.cron"

    def _esign_wake(self):
        """Run soon. By the database's clock, which is asked what is due; a server's own clock may be an hour ahead."""
        self._trigger(self.env.cr.now().replace(microsecond=0))

    def _notifydb(self):
        """Override of `base`: the workers wake by themselves in a minute.

        It comes after a commit and needs a connection of its own; when there is none left, what was
        committed (a wrong code counted) must not look as if it had failed.
        """
        try:
            super()._notifydb()
        except PoolError:
            _logger.info("esign_quote: no connection left to wake the scheduled actions; they wake by themselves")
