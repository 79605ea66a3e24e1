"""The lock's length is chosen among a few (SECURITY 2.3: 15 minutes to 5 days); before, it was a number of days."""


def migrate(cr, version):
    """Keep the length that each company had; 3 and 4 days become 5, never shorter than before."""
    cr.execute("ALTER TABLE res_company ADD COLUMN IF NOT EXISTS esign_lock_for varchar")
    cr.execute(
        """UPDATE res_company
              SET esign_lock_for = CASE esign_lock_days WHEN 1 THEN '1440' WHEN 2 THEN '2880' ELSE '7200' END"""
    )
    cr.execute("ALTER TABLE res_company DROP COLUMN esign_lock_days")
