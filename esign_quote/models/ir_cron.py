import logging

from odoo import models
from psycopg2.pool import PoolError

_logger = logging.getLogger(__name__)


class IrCron(models.Model):
    _inherit = "ir.cron"

    def _notifydb(self):
        """Override of `base`: the workers wake by themselves in a minute.

        It comes after a commit and needs a connection of its own; when there is none left, what was
        committed (a wrong code counted) must not look as if it had failed.
        """
        try:
            super()._notifydb()
        except PoolError:
            _logger.info("esign_quote: no connection left to wake the scheduled actions; they wake by themselves")
