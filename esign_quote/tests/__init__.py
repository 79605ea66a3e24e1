from . import (
    test_composer,
    test_sending,
)
