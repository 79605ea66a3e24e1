"""Proofs say of what they are one. All before are of signatures; a row of evidence cannot be updated, a column can come."""


def migrate(cr, version):
    """Add the column with its value, and leave what expired before as it is: nobody is told again."""
    cr.execute("ALTER TABLE esign_proof ADD COLUMN IF NOT EXISTS kind varchar NOT NULL DEFAULT 'signature'")
    cr.execute("ALTER TABLE esign_proof ALTER COLUMN kind DROP DEFAULT")
    cr.execute("UPDATE esign_request SET told = TRUE WHERE state = 'expired'")
