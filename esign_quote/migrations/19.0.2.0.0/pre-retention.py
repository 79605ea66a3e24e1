"""Requests get the term that their proofs always had; before the triggers come that would refuse a term of the past."""


def migrate(cr, version):
    """Ten years from the answer for whatever has ended; existing journals stay as they are."""
    cr.execute("ALTER TABLE esign_request ADD COLUMN IF NOT EXISTS retention_until date")
    # As long as an open one is not answered, it has no term.
    cr.execute(
        """UPDATE esign_request r
              SET retention_until = GREATEST(
                      (r.answered_on + interval '10 years')::date,
                      (SELECT max(p.retention_until) FROM esign_proof p WHERE p.request_id = r.id))
            WHERE r.state IN ('signed', 'declined', 'expired', 'void') AND r.answered_on IS NOT NULL"""
    )
