"""Fixtures of the browser suite: people, each with a browser of their own.

    sales         sales(lang): RpcClient of a salesperson, who may do nothing but sell
    salesperson   salesperson(lang): the same person in a browser, logged in once for all tests
    customer_page customer_page(lang, width): a private window on a phone or a desktop
    texts         the double of the SMS provider
    certificate   DER of the certificate that the company seals with
    settle        settle() lets the codes sent so far count as old: another one may be asked for at once
    photographer  photographer("en-390-accept") takes numbered pictures <prefix>-<nn>-<step>.png

Each test fails if it makes the server log an error, or a warning about the addon.
"""

import base64
import itertools

import pytest
import quotations
import server_log
from customer import Customer
from playwright.sync_api import expect
from salesperson import Salesperson

from devtools.rpc import RpcClient
from devtools.smsgateway import SmsGateway

PHONE = {"viewport": {"width": 390, "height": 844}, "device_scale_factor": 2, "is_mobile": True, "has_touch": True}
DESKTOP = {"viewport": {"width": 1280, "height": 900}}
LOCALES = {"en_US": "en-GB", "fr_FR": "fr-FR"}
ZONE = "Europe/Paris"
SALESPEOPLE = {"en_US": "sally", "fr_FR": "sylvie"}
expect.set_options(timeout=60_000)


@pytest.fixture(scope="session")
def _gateway(server, databases, _catcher):
    with SmsGateway(_catcher) as gateway:
        databases.set_sms_endpoint(server.database, gateway.url)
        yield gateway


@pytest.fixture
def texts(_gateway):
    _gateway.state = "success"
    return _gateway


@pytest.fixture(scope="session")
def _people(server):
    # All browsers of the tests come from one address; the country is that of the numbers in the tests.
    server.cluster.sql(server.database, "UPDATE res_company SET esign_codes_per_network = 1000")
    admin = RpcClient(server.url, server.database)
    france = admin.search_read("res.country", [("code", "=", "FR")], ["id"])[0]["id"]
    admin.write("res.company", 1, {"esign_sms_country_ids": [(6, 0, [france])]})
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
def invited(mails, customer_page, sales, photographer):
    """``invited(name, width, channel, **quotation)``: a customer whose invitation has come, and its link."""

    def start(name: str, width: int = 1280, channel: str = "mail", **options) -> tuple[Customer, str]:
        lang = options.get("lang", "en_US")
        quotation = quotations.create_quotation(sales(lang), **options)
        quotations.send_for_signature(sales(lang), quotation, channel=channel)
        shoot = photographer(f"{lang[:2]}-{width}-{name}")
        customer = Customer(customer_page(lang, width), mails, quotation, shoot)
        return customer, quotations.personal_link(mails, quotation.email)

    return start


@pytest.fixture(scope="session")
def _desks(browser, server, _people):
    """One browser with a log-in for each salesperson."""
    desks = {}
    for lang, login in SALESPEOPLE.items():
        context = browser.new_context(locale=LOCALES[lang], timezone_id=ZONE, **DESKTOP)
        desks[lang] = Salesperson(context.new_page(), server.url, login)
    yield desks
    for desk in desks.values():
        desk.page.context.close()


@pytest.fixture
def salesperson(_desks, screenshot, request):
    used = []

    def take(lang: str = "en_US") -> Salesperson:
        used.append(_desks[lang])
        used[-1].log_in()
        return used[-1]

    yield take
    if getattr(request.node, "failed", False):
        for desk in used:
            screenshot(desk.page, f"failed-{request.node.name}-staff")


@pytest.fixture(autouse=True)
def _quiet_log(server):
    with server_log.kept_quiet(server):
        yield


@pytest.fixture
def certificate(admin) -> bytes:
    (seal,) = admin.search_read("esign.seal", [("company_id", "=", 1)], ["certificate"])
    return base64.b64decode(seal["certificate"])


@pytest.fixture
def settle(server):
    """The test does not wait the half minute that a customer would."""

    def age_codes() -> None:
        server.cluster.sql(server.database, "DELETE FROM esign_throttle")

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
        device = PHONE if width < 600 else DESKTOP
        size = {**device["viewport"], "width": width}
        return new_page(**{**device, "viewport": size, "locale": LOCALES[lang], "timezone_id": ZONE})

    return make
