"""Keeps the secrets of personal links out of the server's log."""

import logging

from .tools.links import holds_link, mask_links

LOGGERS = ("werkzeug", "odoo.http", "odoo.addons.base.models.ir_http")


class LinkFilter(logging.Filter):
    """Mask secret links in whatever passes."""

    def filter(self, record):
        """Override of `logging.Filter`: let every record pass, without the secret."""
        message = record.getMessage()
        if holds_link(message):
            record.msg, record.args = mask_links(message), ()
        return True


def install():
    """Put the filter on the loggers that write requests; once a process."""
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if not any(isinstance(item, LinkFilter) for item in logger.filters):
            logger.addFilter(LinkFilter())
