from . import (
    test_code,
    test_composer,
    test_pages,
    test_personal_link,
    test_sending,
)
