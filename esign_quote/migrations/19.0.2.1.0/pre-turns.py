"""Several may sign one quotation: wording and place of the stamp are each signer's own."""


def migrate(cr, version):
    """Give the one signer of each request what stood on the request; who was asked had to answer first."""
    cr.execute(
        """ALTER TABLE esign_signer
             ADD COLUMN IF NOT EXISTS recap jsonb,
             ADD COLUMN IF NOT EXISTS consents jsonb,
             ADD COLUMN IF NOT EXISTS placement jsonb"""
    )
    cr.execute(
        """UPDATE esign_signer s
              SET recap = r.recap, consents = r.consents, placement = r.placement
             FROM esign_request r
            WHERE r.id = s.request_id"""
    )
