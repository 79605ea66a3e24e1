"""Keys say since when another one took their place; before, only that it did."""


def migrate(cr, version):
    """A retired key was replaced when the next one of its company was made."""
    cr.execute(
        """UPDATE esign_seal AS old
              SET retired_on = (SELECT min(newer.create_date) FROM esign_seal AS newer
                                 WHERE newer.company_id = old.company_id AND newer.id > old.id)
            WHERE NOT old.active AND old.retired_on IS NULL"""
    )
