"""Fixtures of the browser suite: people, each with a browser of their own.

    sales         RpcClient of a salesperson, who may do nothing but sell
    certificate   DER of the certificate that the company seals with
    settle        settle() lets the codes sent so far count as old: another one may be asked for at once
    photographer  photographer("en-390-accept") takes numbered pictures <prefix>-<nn>-<step>.png
"""

import base64
import itertools

import pytest
import quotations
from playwright.sync_api import expect

from devtools.rpc import RpcClient

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
LOCALES = {"en_US": "en-GB", "fr_FR": "fr-FR"}
SALESPEOPLE = {"en_US": "sally", "fr_FR": "sylvie"}
expect.set_options(timeout=30_000)


@pytest.fixture(scope="session")
def _people(server):
    admin = RpcClient(server.url, server.database)
    quotations.create_products(admin)
    for lang, login in SALESPEOPLE.items():
        quotations.create_salesperson(admin, login, lang=lang)
    admin.close()


@pytest.fixture
def sales(server, _people):
    """``sales(lang)``: RpcClient of the salesperson of that language."""
    clients = []

    def log_in(lang: str = "en_US") -> RpcClient:
        clients.append(RpcClient(server.url, server.database, SALESPEOPLE[lang]))
        return clients[-1]

    yield log_in
    for client in clients:
        client.close()


@pytest.fixture
def certificate(admin) -> bytes:
    (seal,) = admin.search_read("esign.seal", [("company_id", "=", 1)], ["certificate"])
    return base64.b64decode(seal["certificate"])


@pytest.fixture
def settle(server):
    """The test does not wait the half minute that a customer would."""

    def age_codes() -> None:
        server.cluster.sql(server.database, "UPDATE esign_otp SET create_date = create_date - interval '1 minute'")

    return age_codes


@pytest.fixture
def photographer(screenshot):
    def start(prefix: str):
        numbers = itertools.count(1)

        def shoot(page, name: str, **options) -> None:
            screenshot(page, f"{prefix}-{next(numbers):02}-{name}", **options)

        return shoot

    return start


@pytest.fixture
def customer_page(new_page):
    """``customer_page(lang, width)``: a private window on a phone or a desktop."""

    def make(lang: str = "en_US", width: int = 1280):
        return new_page(locale=LOCALES[lang], accept_downloads=True, **(PHONE if width < 600 else DESKTOP))

    return make
