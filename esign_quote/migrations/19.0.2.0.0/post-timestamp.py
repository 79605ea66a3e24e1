"""Files sealed before had no time-stamp: their level is known."""


def migrate(cr, version):
    """Say the level of what is sealed already."""
    cr.execute("UPDATE esign_request SET seal_level = 'PAdES B-B' WHERE state = 'signed' AND seal_level IS NULL")
