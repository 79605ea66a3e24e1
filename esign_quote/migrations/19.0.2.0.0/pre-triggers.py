"""The triggers of evidence are made anew with this version; meanwhile they would refuse the values of new columns."""


def migrate(cr, version):
    """Drop them; `esign.immutable` creates all of them when its tables are as they are to be."""
    cr.execute("DROP FUNCTION IF EXISTS esign_refuse_change() CASCADE")
