from . import (
    test_code,
    test_completion,
    test_composer,
    test_doors,
    test_evidence,
    test_doors,
    test_frozen,
    test_pages,
    test_personal_link,
    test_rights,
    test_sending,
    test_signing,
)
