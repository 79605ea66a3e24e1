from . import (
    test_composer,
    test_personal_link,
    test_sending,
)
