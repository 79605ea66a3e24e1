"""Shared keys and files; nothing here needs Odoo or a database."""

from datetime import UTC, datetime

import pdf_factory
import pytest
from tools import appearance, seal

NOW = datetime(2026, 3, 12, 14, 5, 9, tzinfo=UTC)
URL = "https://odoo.example-company.com/esign/verify/B7KD-93QX-T2MC"


@pytest.fixture(scope="session")
def key():
    return seal.SealKey.load(*seal.generate_certificate("Example seal", "Example Company", "FR", NOW))


@pytest.fixture(scope="session")
def other_key():
    return seal.SealKey.load(*seal.generate_certificate("Example seal", "Example Company", "FR", NOW))


@pytest.fixture(scope="session")
def now():
    return NOW


@pytest.fixture(scope="session")
def content():
    lines = ("12 March 2026, 14:05:09 UTC", "Signature B7KD-93QX-T2MC", "Sealed by Example Company")
    return appearance.StampContent("Electronically signed by", "Éléonore Lefèvre", lines, URL, "Éléonore Lefèvre")


@pytest.fixture(scope="session")
def stamp(content):
    return appearance.draw_stamp(content)


@pytest.fixture(scope="session")
def sealing(key):
    """Seal with the defaults of the tests: ``sealing(data, stamps)``."""

    def function(data, stamps=(), with_key=key, **options):
        values = {"signing_time": NOW, "signer_name": "Example Company", "reason": "Quotation signed", **options}
        return seal.seal_pdf(data, stamps, with_key, **values)

    return function


@pytest.fixture(scope="session")
def original():
    return pdf_factory.quote(2)


@pytest.fixture(scope="session")
def sealed(original, stamp, sealing):
    return sealing(original, [(seal_place(), stamp)])


def seal_place(page=1):
    from tools.geometry import Placement

    return Placement(page, 50_000, 60_000, 42_000, 11_900)


@pytest.fixture
def place():
    return seal_place
