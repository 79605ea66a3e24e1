"""The statement about the mailbox holds only when the code comes by e-mail; the data file does not touch edited ones."""


def migrate(cr, version):
    """Give the statement its condition."""
    cr.execute(
        """UPDATE esign_consent SET condition = 'mail'
            WHERE condition = 'always' AND id IN (
                SELECT res_id FROM ir_model_data
                 WHERE module = 'esign_quote' AND name = 'esign_consent_electronic')"""
    )
